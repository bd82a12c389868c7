import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type EmulatorAnswer, errorAnswer } from "./answer.ts";
import { type CredentialEmulator, serviceOf } from "./emulator.ts";
import type { EmulatorRequest } from "./request.ts";
import type { EmulatorService } from "./service.ts";
import { ALL_ADDRESSES, bracketed } from "./visitor.ts";
import { checkInput, integerSchema, optionsSchema, type Schema } from "../validation.ts";
import { booleanSchema } from "../validation.ts";
import * as v from "valibot";

/**
 * Options for {@linkcode serveEmulator}. All are optional.
 *
 * @category Emulator
 */
export interface ServeEmulatorOptions {
  /**
   * Port; `0` for any free port.
   *
   * @default {0}
   */
  port?: number | undefined;
  /**
   * Address to listen on. Everybody who can reach it can use the emulator.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string | undefined;
  /**
   * Whether connections are kept open after a response. Some runtimes repeat a request that fails
   * on a used connection, so that faults that cut connections would not be seen.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
}

const options: Schema<ServeEmulatorOptions> = optionsSchema<ServeEmulatorOptions>({
  port: integerSchema(0, 65_535),
  hostname: v.string("Expected a string"),
  keepAlive: booleanSchema,
});

/**
 * A server of an emulator.
 *
 * @category Emulator
 */
export interface EmulatorServer {
  /** The base URL of the API, such as `http://127.0.0.1:4010/v1/auth`. */
  readonly url: string;
  /** The URL of the login page, such as `http://127.0.0.1:4010/login`. */
  readonly loginUrl: string;
  /** The port. */
  readonly port: number;
  /** Stops listening, and cuts the open connections. */
  close(): Promise<void>;
  /** Stops listening, and cuts the open connections. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves an emulator over HTTP, by default on loopback. Faults that cut the connection really cut
 * it.
 *
 * @category Emulator
 *
 * @param emulator The emulator.
 * @param options Options. All are optional.
 * @returns The server, which is listening.
 * @throws {CredentialInputError} If an option is invalid.
 * @throws {Error} If it cannot listen; `code` is `EADDRINUSE` if the port is in use.
 *
 * @example A server for one test
 * ```ts
 * import {
 *   CredentialEmulator,
 *   serveEmulator,
 * } from "@saasus-sdk/credential/emulator";
 *
 * const server = await serveEmulator(new CredentialEmulator());
 * const response = await fetch(`${server.url}/credentials`);
 * console.assert(response.status === 401);
 * await response.body?.cancel();
 * await server.close();
 * ```
 */
export async function serveEmulator(
  emulator: CredentialEmulator,
  options: ServeEmulatorOptions = {},
): Promise<EmulatorServer> {
  const { port = 0, hostname = "", keepAlive = false } = checked(options);
  const address = hostname || "127.0.0.1";
  const service = serviceOf(emulator);
  const server = createServer((request, response) => {
    response.shouldKeepAlive &&= keepAlive;
    void respond({ service, hostname: address }, request, response);
  });
  await listening(server, port, address.replace(/^\[(.*)\]$/, "$1"));
  const { port: actual } = server.address() as AddressInfo;
  const origin = `http://${urlHost(address)}:${actual}`;
  const close = () => closed(server);
  return {
    url: `${origin}/v1/auth`,
    loginUrl: `${origin}/login`,
    port: actual,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function checked(input: ServeEmulatorOptions): ServeEmulatorOptions {
  return checkInput(options, input, { message: "Cannot serve the emulator" });
}

/** Returns the host of a URL at which a server can be reached from this machine. */
function urlHost(address: string): string {
  if (!ALL_ADDRESSES.includes(address)) return bracketed(address);
  return address === "0.0.0.0" ? "127.0.0.1" : "[::1]";
}

/** A service, and the address at which it is served. */
interface Served {
  readonly service: EmulatorService;
  readonly hostname: string;
}

async function respond(
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answer = await answerOf(served, request, gone.signal);
  try {
    send(answer, request, response);
  } catch {
    // A response that cannot be written must not end the process.
    request.socket.destroy();
  }
}

async function answerOf(
  { service, hostname }: Served,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<EmulatorAnswer> {
  try {
    return await service.handle(received(request, signal), hostname);
  } catch (error) {
    // A function of the user threw, or the client has gone in the middle of its body.
    return errorAnswer(500, `The emulator failed: ${error instanceof Error ? error.message : ""}`);
  }
}

/** Returns the request with its target and body as sent. */
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
    // Leaving the loop over a body that is too large must not destroy the socket of the response.
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

/**
 * Ends a response when its request has ended: a connection that is closed over an unread body is
 * reset.
 */
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
