// The server of an application, for tests of real requests.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A received request. */
export interface AppRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** The response of the application. */
export interface AppAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A running application. */
export interface AppServer extends AsyncDisposable {
  readonly origin: string;
  readonly requests: AppRequest[];
}

/** Serves an application on loopback. */
export async function serveApp(
  respond: (request: AppRequest) => AppAnswer | Promise<AppAnswer> = () => ({ status: 200 }),
): Promise<AppServer> {
  const requests: AppRequest[] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    incoming.setEncoding("utf8");
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const { method = "", url = "", headers } = incoming;
    const request = { method, path: url, headers, body };
    requests.push(request);
    const { status, headers: own, body: text = "" } = await respond(request);
    outgoing.writeHead(status, { connection: "close", ...own });
    outgoing.end(text);
  };
  const server = createServer((incoming, outgoing) => {
    // The client may disconnect while it sends the body.
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
