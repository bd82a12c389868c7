// Support for the tests of sessions: a clock, a service and stores under the control of the test.
import { assertEquals } from "@std/assert";
import {
  type AuthFlow,
  bearerAuth,
  CredentialApiError,
  CredentialClient,
  CredentialNetworkError,
  type Credentials,
} from "../../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_BEARER_TOKEN,
  type EmulatorServer,
  serveEmulator,
} from "../../src/emulator/mod.ts";
import { CredentialSession } from "../../src/session/session.ts";
import type {
  CredentialSessionOptions,
  SessionClient,
  SessionStore,
} from "../../src/session/options.ts";

export const MINUTE = 60_000;
export const HOUR: number = 60 * MINUTE;

/** The default key of a session in its store. */
export const KEY = "saasus-credentials";

/** A clock that a test advances. */
export class Clock {
  ms: number = Date.UTC(2026, 0, 1);
  readonly now = (): number => this.ms;

  advance(ms: number): void {
    this.ms += ms;
  }
}

/** Creates a JWT with an invalid signature. */
export function jwt(claims: object): string {
  const part = (value: object) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${part({ alg: "none" })}.${part({ jti: crypto.randomUUID(), ...claims })}.signature`;
}

/** A service without a network that a test controls. */
export class Service implements SessionClient {
  readonly #clock: Clock;
  /** The flows of all calls. */
  readonly calls: AuthFlow[] = [];
  /** The signals of all calls. */
  readonly signals: (AbortSignal | undefined)[] = [];
  /** Returns the claims of a new ID token. */
  claims: (issuedAt: number) => object = (iat) => ({ iat, exp: iat + 3600 });
  /** Whether a refresh returns a new refresh token, and revokes the old one. */
  rotation = false;
  /** The error with which calls reject. */
  failure: unknown;
  /** A promise that calls await before they return. */
  gate: Promise<unknown> | undefined;
  readonly #dead = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of refreshes. */
  get refreshes(): number {
    return this.calls.filter(({ authFlow }) => authFlow === "refreshTokenAuth").length;
  }

  idToken(): string {
    return jwt(this.claims(Math.floor(this.#clock.ms / 1000)));
  }

  credentials(): Credentials & { refresh_token: string } {
    return { ...this.#answer(), refresh_token: `refresh-${crypto.randomUUID()}` };
  }

  revoke(refreshToken: string | undefined): void {
    this.#dead.add(refreshToken ?? "");
  }

  async getAuthCredentials(
    flow: AuthFlow,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Credentials> {
    this.calls.push(flow);
    this.signals.push(options?.signal);
    const { failure } = this;
    if (flow.authFlow !== "refreshTokenAuth") {
      await this.gate;
      if (failure !== undefined) throw failure;
      return this.credentials();
    }
    const isDead = this.#dead.has(flow.refreshToken);
    if (this.rotation) this.revoke(flow.refreshToken);
    await this.gate;
    if (failure !== undefined) throw failure;
    if (isDead) throw apiError(404);
    return this.rotation ? this.credentials() : this.#answer();
  }

  #answer(): Credentials {
    return { id_token: this.idToken(), access_token: `access-${crypto.randomUUID()}` };
  }
}

/** Creates the error for an error response. */
export function apiError(status: number, retryAfter?: number): CredentialApiError {
  return new CredentialApiError(`Cannot refresh credentials: the API answered ${status}`, {
    operation: "getAuthCredentials",
    status,
    retryAfter,
  });
}

/** Creates the error for a lost connection. */
export function networkError(): CredentialNetworkError {
  return new CredentialNetworkError("Cannot refresh credentials: no answer came", {
    reason: "other",
  });
}

/** An asynchronous store with a log of its calls. */
export class AsyncStore implements SessionStore {
  readonly items: Map<string, string> = new Map();
  readonly log: string[] = [];
  /** A promise that all calls await first. */
  gate: Promise<unknown> | undefined;
  /** The errors with which the methods reject. */
  readonly failures: Partial<Record<"getItem" | "setItem" | "removeItem", Error>> = {};

  async getItem(key: string): Promise<string | null> {
    await this.#begin("getItem");
    return this.items.get(key) ?? null;
  }

  async setItem(key: string, value: string): Promise<void> {
    await this.#begin("setItem");
    this.items.set(key, value);
  }

  async removeItem(key: string): Promise<void> {
    await this.#begin("removeItem");
    this.items.delete(key);
  }

  /** The stored refresh token. */
  get refreshToken(): string | undefined {
    const text = this.items.get(KEY);
    return text === undefined ? undefined : JSON.parse(text).credentials.refresh_token;
  }

  async #begin(name: "getItem" | "setItem" | "removeItem"): Promise<void> {
    this.log.push(name);
    await (this.gate ?? Promise.resolve());
    const failure = this.failures[name];
    if (failure !== undefined) throw failure;
  }
}

/** A store like those of browsers, whose methods throw without their `this`. */
export class WebStorage implements SessionStore {
  readonly #items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }
}

/** A session with its clock and service. */
export interface Scene {
  readonly clock: Clock;
  readonly service: Service;
  readonly session: CredentialSession;
  /** The types of all events, in order. */
  readonly events: string[];
  /** Creates another session with the same clock and service. */
  another(options?: Partial<CredentialSessionOptions>): CredentialSession;
}

/** Creates a session with a service that the test controls. Nobody is signed in. */
export function scene(options: Partial<CredentialSessionOptions> = {}): Scene {
  const clock = new Clock();
  const service = new Service(clock);
  const events: string[] = [];
  const another = (own: Partial<CredentialSessionOptions> = {}) =>
    new CredentialSession({ client: service, now: clock.now, ...options, ...own });
  const session = another({ onChange: ({ type }) => events.push(type) });
  return { clock, service, session, events, another };
}

/** Creates a session that is signed in. */
export async function signedIn(options: Partial<CredentialSessionOptions> = {}): Promise<Scene> {
  const stage = scene(options);
  await stage.session.signIn(crypto.randomUUID());
  return stage;
}

/** An emulator that is served on loopback, with a client. */
export interface EmulatedService extends AsyncDisposable {
  readonly clock: Clock;
  readonly emulator: CredentialEmulator;
  readonly server: EmulatorServer;
  readonly client: CredentialClient;
  /** Returns the number of responses. */
  readonly requests: () => number;
}

/** Serves an emulator on loopback. */
export async function emulated(
  options: CredentialEmulatorOptions = {},
): Promise<EmulatedService> {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now, ...options });
  const server = await serveEmulator(emulator);
  let requests = 0;
  const client = new CredentialClient({
    auth: bearerAuth(EMULATOR_BEARER_TOKEN),
    baseUrl: server.url,
    now: clock.now,
    retry: false,
    onResponse: () => {
      requests++;
    },
  });
  return {
    clock,
    emulator,
    server,
    client,
    requests: () => requests,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Checks that an error is the safe error for a store that has failed. */
export function assertStoreError(
  error: unknown,
  action: "read" | "store" | "remove",
  reason: string,
): void {
  const begin = {
    read: "Cannot read the credentials from the store",
    store: "Cannot store the credentials",
    remove: "Cannot remove the credentials from the store",
  };
  assertEquals(String(error), `Error: ${begin[action]}: ${reason}`);
}

/** Returns the error with which a promise rejects. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("It did not reject");
}

/** Waits until all pending promise reactions have run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
}
