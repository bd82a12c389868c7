import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { EMULATOR_BEARER_TOKEN } from "../../src/emulator/mod.ts";

/** The URL of the operations, without a server. */
export const CREDENTIALS_URL = "https://api.saasus.io/v1/auth/credentials";

/** The default `Authorization` of an emulator. */
export const BEARER: Readonly<Record<string, string>> = {
  Authorization: `Bearer ${EMULATOR_BEARER_TOKEN}`,
};

/** A response with its body. */
export interface ReadResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

interface Fetcher {
  fetch(request: Request): Promise<Response>;
}

/** Gets credentials with a query. */
export function get(
  emulator: Fetcher,
  query: string,
  headers: Readonly<Record<string, string>> = BEARER,
): Promise<ReadResponse> {
  return call(emulator, new Request(`${CREDENTIALS_URL}?${query}`, { headers }));
}

/** Saves credentials. A body other than a string or bytes is sent as JSON. */
export function post(
  emulator: Fetcher,
  body: unknown,
  headers: Readonly<Record<string, string>> = BEARER,
): Promise<ReadResponse> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  return call(
    emulator,
    new Request(CREDENTIALS_URL, {
      method: "POST",
      headers,
      body: isRaw ? body as BodyInit : JSON.stringify(body),
    }),
  );
}

/** Exchanges a code. */
export function exchange(emulator: Fetcher, code: string): Promise<ReadResponse> {
  return get(emulator, new URLSearchParams({ code }).toString());
}

/** Refreshes with a refresh token. */
export function refresh(
  emulator: Fetcher,
  refreshToken: string | undefined,
): Promise<ReadResponse> {
  const query = { "auth-flow": "refreshTokenAuth", "refresh-token": refreshToken ?? "" };
  return get(emulator, new URLSearchParams(query).toString());
}

/** Calls an emulator, and reads the response. */
export async function call(emulator: Fetcher, request: Request): Promise<ReadResponse> {
  const response = await emulator.fetch(request);
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : {},
  };
}

/** Asserts that a response is an error with a complete body. */
export function assertError(response: ReadResponse, status: number, type: string): void {
  assertEquals(response.status, status);
  assertEquals(response.headers.get("Content-Type"), "application/json; charset=utf-8");
  assertEquals(Object.keys(response.json), ["type", "message", "data"]);
  assertEquals(response.json["type"], type);
  assert(response.json["message"] !== "");
}

/** A clock that only the test advances. */
export class Clock {
  #time = Date.UTC(2030, 0, 1, 12, 0, 30);

  /** The time, in ms since the epoch. */
  readonly now = (): number => this.#time;

  /** Moves the clock forward. */
  advance(ms: number): void {
    this.#time += ms;
  }
}

/** Returns unique tokens. */
export function someTokens(): { id_token: string; access_token: string; refresh_token: string } {
  return {
    id_token: `id-${crypto.randomUUID()}`,
    access_token: `access-${crypto.randomUUID()}`,
    refresh_token: `refresh-${crypto.randomUUID()}`,
  };
}

/** Returns the claims of a JWT. */
export function decoded(token: unknown): Record<string, unknown> {
  const [, payload = ""] = String(token).split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}
