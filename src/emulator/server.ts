import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type EmulatorAnswer, errorAnswer } from "./answer.ts";
import type { EmulatorRequest } from "./request.ts";

/** What a server needs of an emulator. */
export interface RequestHandler {
  /** Decides what a request is answered. */
  handle(request: EmulatorRequest): Promise<EmulatorAnswer>;
}

/** Where to serve an emulator, and how. */
export interface ServeEmulatorOptions {
  /**
   * The port; `0` for any that is free.
   *
   * @default {0}
   */
  port?: number;
  /**
   * The address to listen on. Beyond loopback anyone who can reach it can use it.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * Whether connections outlive their first answer. Some clients send a request that fails on a used connection again
   * by themselves, so that they never see the faults that cut it.
   *
   * @default {false}
   */
  keepAlive?: boolean;
}

/** A server that serves an emulator. */
export interface EmulatorServer {
  /** The base URL, such as `http://127.0.0.1:4010/v1/auth`. */
  readonly url: string;
  /** The port. */
  readonly port: number;
  /** Stops listening, and cuts the connections that are open. */
  close(): Promise<void>;
  /** The same. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves an emulator over HTTP, on loopback. Faults that cut the connection really cut it.
 *
 * @param emulator The emulator.
 * @param options Where and how.
 * @returns The server, which is listening.
 * @throws {Error} If it cannot listen; `code` is `EADDRINUSE` where the port is taken.
 *
 * @example A server for one test
 * ```ts
 * import { CredentialEmulator, serveEmulator } from "@saasus-sdk/credential/emulator";
 *
 * await using server = await serveEmulator(new CredentialEmulator());
 * const answer = await fetch(`${server.url}/credentials`);
 * console.assert(answer.status === 401);
 * await answer.body?.cancel();
 * ```
 */
export async function serveEmulator(
  emulator: RequestHandler,
  options: ServeEmulatorOptions = {},
): Promise<EmulatorServer> {
  const { port = 0, hostname = "127.0.0.1", keepAlive = false } = options;
  const server = createServer((request, response) => {
    response.shouldKeepAlive &&= keepAlive;
    void respond(emulator, request, response);
  });
  await listening(server, port, hostname);
  const address = server.address() as AddressInfo;
  const close = () => closed(server);
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${address.port}/v1/auth`,
    port: address.port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function respond(
  emulator: RequestHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await answerOf(emulator, request, gone.signal);
  try {
    send(answer, request, response);
  } catch {
    // An answer that cannot be written must not end the process.
    request.socket.destroy();
  }
}

async function answerOf(
  emulator: RequestHandler,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<EmulatorAnswer> {
  try {
    return await emulator.handle(received(request, signal));
  } catch (error) {
    // A function of the user threw, or the client has gone in the middle of its body and hears nothing any more.
    return errorAnswer(500, `The emulator failed: ${error instanceof Error ? error.message : ""}`);
  }
}

/** The request with its target and body as they came. */
function received(request: IncomingMessage, signal: AbortSignal): EmulatorRequest {
  const { method = "GET", url: target = "", socket } = request;
  const headers = new Headers();
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    headers.append(request.rawHeaders[i] ?? "", request.rawHeaders[i + 1] ?? "");
  }
  const host = headers.get("Host") ?? `${socket.localAddress}:${socket.localPort}`;
  return {
    method,
    url: target.startsWith("/") ? `http://${host}${target}` : target,
    headers,
    // Leaving the loop over a body that is too long must not destroy the socket that the answer needs.
    body: request.iterator({ destroyOnReturn: false }),
    signal,
  };
}

function send(answer: EmulatorAnswer, request: IncomingMessage, response: ServerResponse): void {
  if (answer.kind === "dropped") {
    request.socket.destroy();
    return;
  }
  const { status, headers, body } = answer;
  if (body !== null && !headers.has("Content-Length")) {
    headers.set("Content-Length", String(Buffer.byteLength(body)));
  }
  response.writeHead(status, Object.fromEntries(headers));
  if (answer.kind === "truncated") response.write(body, () => request.socket.destroy());
  else end(body ?? "", request, response);
}

/** Ends a response once its request has ended: a connection that is closed over an unread body is reset. */
function end(body: string, request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  request.once("end", () => response.end());
  request.resume();
}

function listening(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
