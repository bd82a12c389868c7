// An HTTP server on a raw socket, which can send invalid responses.
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A request that the server received. */
export interface ReceivedRequest {
  /** The number of the request, counted from 1. */
  readonly number: number;
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: string;
}

/** The reaction to a request. No connection is reused, because runtimes resend on reused ones. */
export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | { readonly bytes: string | Uint8Array; readonly then: "close" | "reset" | "hang" }
  | "close"
  | "reset"
  | "hang";

/** A server that is listening. */
export interface FaultServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** The number of open connections. */
  readonly open: number;
}

/** Starts a server on a free port of the loopback interface. */
export async function startServer(
  respond: (request: ReceivedRequest) => Reply | Promise<Reply>,
): Promise<FaultServer> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let received = "";
    socket.on("data", async (chunk) => {
      received += chunk.toString("latin1");
      const request = parse(received, requests.length + 1);
      if (request === undefined) return;
      received = "";
      requests.push(request);
      act(socket, await respond(request));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function parse(received: string, number: number): ReceivedRequest | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [start = "", ...lines] = received.slice(0, end).split("\r\n");
  const [method = "", target = ""] = start.split(" ");
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  const body = received.slice(end + 4);
  if (body.length < Number(headers.get("content-length") ?? 0)) return undefined;
  return { number, method, target, headers, body: new TextDecoder().decode(latin1(body)) };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function act(socket: Socket, reply: Reply): void {
  if (reply === "hang") return;
  if (reply === "close") {
    socket.destroy();
  } else if (reply === "reset") {
    socket.resetAndDestroy();
  } else if ("bytes" in reply) {
    socket.write(reply.bytes, () => {
      if (reply.then === "close") socket.end();
      if (reply.then === "reset") socket.resetAndDestroy();
    });
  } else {
    socket.end(answer(reply));
  }
}

/** Returns the text of a valid response. */
export function answer(
  { status, headers = {}, body = "" }: Exclude<Reply, string | { bytes: unknown }>,
): string {
  const length = new TextEncoder().encode(body).length;
  const lines = Object.entries({
    "content-length": String(length),
    connection: "close",
    ...headers,
  })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n${body}`;
}

/** Returns a reply with a JSON body. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(body),
  };
}
