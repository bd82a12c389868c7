// A request as the server of a runtime hands it to its handler.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Handler = (request: Request) => Promise<Response>;

interface Runtime {
  Deno?: {
    serve(
      options: { hostname: string; port: number; onListen(): void },
      handler: Handler,
    ): { addr: { port: number }; shutdown(): Promise<void> };
  };
  Bun?: {
    serve(options: { hostname: string; port: number; fetch: Handler }): {
      port: number;
      stop(force: boolean): Promise<void>;
    };
  };
}

/** A server on loopback. */
interface Server {
  readonly port: number;
  readonly stop: () => Promise<unknown>;
}

/**
 * Sends a request to a server on loopback, and calls a function with the received request while it is being handled. On Deno,
 * the headers of a received request are immutable.
 */
export async function receiveRequest(
  init: RequestInit,
  run: (request: Request) => Promise<void>,
): Promise<void> {
  const received = Promise.withResolvers<void>();
  const server = await serve(async (request) => {
    try {
      await run(request);
      received.resolve();
    } catch (error) {
      received.reject(error);
    }
    return new Response("received");
  });
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/received`, init);
    await response.text();
    await received.promise;
  } finally {
    await server.stop();
  }
}

async function serve(handler: Handler): Promise<Server> {
  const { Deno, Bun }: Runtime = globalThis as object;
  const options = { hostname: "127.0.0.1", port: 0 };
  if (Bun !== undefined) {
    const server = Bun.serve({ ...options, fetch: handler });
    return { port: server.port, stop: () => server.stop(true) };
  }
  if (Deno !== undefined) {
    const server = Deno.serve({ ...options, onListen: () => {} }, handler);
    return { port: server.addr.port, stop: () => server.shutdown() };
  }
  return await serveOnNode(handler);
}

/** Node has no server of its own that creates a `Request`. */
async function serveOnNode(handler: Handler): Promise<Server> {
  const server = createServer(async ({ headers, method = "", url = "" }, outgoing) => {
    const init = { method, headers: headers as Record<string, string>, body: null };
    outgoing.end(await (await handler(new Request(`http://${headers.host}${url}`, init))).text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
