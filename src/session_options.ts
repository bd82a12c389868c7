import type { AuthFlow } from "./auth_flow.ts";
import { type AnyCredentialError, CredentialInputError } from "./errors.ts";
import { type Credentials, CredentialsSchema } from "./models.ts";
import {
  callback,
  type Given,
  integerBetween,
  LONGEST_TIME,
  must,
  type OptionReader,
  type OptionReaders,
  readOptions,
} from "./read_options.ts";
import { validate } from "./schema.ts";
import type { SessionListener } from "./session_listeners.ts";
import type { SessionLock, SessionLockManager } from "./session_lock.ts";
import type { SessionStore } from "./session_store.ts";

/** What can be set for one call of a session. */
export interface SessionCallOptions {
  /**
   * Ends the wait at once: the call rejects with the signal's reason. What it waited for goes on for all others, so that the
   * first of many callers cannot take the refresh from the rest.
   */
  signal?: AbortSignal | null | undefined;
}

/** What a session needs of a client: a `CredentialClient` has it, and so has a stub in a test. */
export interface SessionClient {
  /** Exchanges a code, or refreshes. */
  getAuthCredentials(authFlow: AuthFlow, options?: SessionClientOptions): Promise<Credentials>;
}

/** What a session tells its client for one call. */
export interface SessionClientOptions {
  /** Ends the call, when its result is not wanted any more. */
  signal?: AbortSignal | undefined;
}

/** What a session is made of. */
export interface CredentialSessionOptions {
  /** Speaks to the service: a `CredentialClient`. */
  client: SessionClient;
  /**
   * Where the credentials are kept: `localStorage`, `sessionStorage`, or any `unstorage` driver (Redis, Deno KV, Cloudflare
   * KV, …). Sessions over one store and `key` are one login: where one of them has refreshed, the others take over what
   * it got, so that a rotated refresh token signs nobody out; where one of them has signed out, the others find their login
   * gone from the store at their next refresh, and are signed out as well.
   *
   * @default The memory of this session alone.
   */
  store?: SessionStore | undefined;
  /**
   * The name in the store. On a server each login needs one of its own, such as a random session id.
   *
   * @default {"saasus-credentials"}
   */
  key?: string | undefined;
  /**
   * What the session starts with, out of a cookie or a test. They take the place of what the store holds, unless that was
   * issued later: a cookie can be older than the last rotation.
   */
  credentials?: Credentials | undefined;
  /**
   * The clock that expiry is counted by, in ms since the epoch. It may be hours off.
   *
   * @default {Date.now}
   */
  now?: (() => number) | undefined;
  /**
   * How long ahead of its expiry an ID token is refreshed, in ms; at the most 90 % of its lifetime, since a margin as long as
   * the lifetime would refresh at every call.
   * Unless it is set: 5 min, or 20 % of the lifetime where that is less.
   */
  margin?: number | undefined;
  /**
   * Keeps those who share the store from refreshing at the same time: `navigator.locks`, or a function of the shape of its
   * `request`. Without one, the loser of such a race takes over what the winner has stored.
   */
  lock?: SessionLock | SessionLockManager | undefined;
  /**
   * How long to wait for the lock, in ms. The refresh then goes on without it, since a tab that was frozen, or a process that
   * died with the lock, must not block the others for good.
   *
   * @default {5000}
   */
  lockTimeout?: number | undefined;
  /** Told of every change; as {@linkcode CredentialSession.prototype.onChange} does. */
  onChange?: SessionListener | undefined;
  /**
   * What `session.fetch` sends with.
   *
   * @default {globalThis.fetch}
   */
  fetch?: typeof fetch | undefined;
  /**
   * The origins whose requests get the ID token, such as `https://app.example.com`. Requests to others go out without it.
   * Unless they are set: in a browser, the page's own origin; elsewhere `session.fetch` rejects.
   */
  origins?: readonly string[] | undefined;
  /**
   * Decides whether a failed refresh ends the session. A network fault, a 401 or a 503 must not: a bad deployment would
   * sign every user out.
   * Unless it is set: a `CredentialApiError` with the status 400 or 404 does, nothing else.
   */
  endsSession?: ((error: AnyCredentialError) => boolean) | undefined;
  /**
   * Whether to refresh ahead of expiry without being asked, so that no caller waits for it. The timer keeps no process
   * alive, and is gone after dispose. Nothing depends on it: validity is checked at every call anyway.
   *
   * @default {false}
   */
  backgroundRefresh?: boolean | undefined;
}

/** Whether a failed refresh ends the session, unless the application decides. */
export function isDefinitiveRejection(error: AnyCredentialError): boolean {
  return error.code === "api_error" && (error.status === 400 || error.status === 404);
}

/** The options of a session that have a default. */
type Defaulted = "key" | "now" | "lockTimeout" | "endsSession" | "fetch";

/** The checked options of a session, with the default values filled in. */
export type SessionSettings =
  & Given<CredentialSessionOptions>
  & { [Name in Defaulted]-?: Exclude<CredentialSessionOptions[Name], undefined> };

const key: OptionReader<string> = (value, refuse) =>
  typeof value === "string" && value !== "" ? value : refuse("a non-empty string");

const credentials: OptionReader<Credentials> = (value, refuse) => {
  const result = validate(CredentialsSchema, value);
  return result.ok ? result.value : refuse(result.issues);
};

const origins: OptionReader<readonly string[]> = (value, refuse) => {
  if (!Array.isArray(value)) return refuse("a list of origins");
  return value.map((text) => originOf(text) ?? refuse(ORIGINS));
};

const ORIGINS =
  "http: or https: origins without path, query and user, such as https://app.example.com";

const sessionReaders: OptionReaders<CredentialSessionOptions> = {
  client: /* @__PURE__ */ having(["getAuthCredentials"], "a CredentialClient"),
  store: /* @__PURE__ */ having(
    ["getItem", "setItem", "removeItem"],
    "an object with getItem, setItem and removeItem, such as localStorage",
  ),
  key,
  credentials,
  now: /* @__PURE__ */ callback(),
  margin: /* @__PURE__ */ must(
    (value) => typeof value === "number" && value >= 0,
    "a number of ms, 0 or more",
  ),
  lock: /* @__PURE__ */ must(
    (value) => typeof value === "function" || hasMethods(value, ["request"]),
    "navigator.locks, or a function (name, { signal }, callback)",
  ),
  lockTimeout: /* @__PURE__ */ integerBetween(0, LONGEST_TIME, " of ms"),
  onChange: /* @__PURE__ */ callback(),
  fetch: /* @__PURE__ */ callback(),
  origins,
  endsSession: /* @__PURE__ */ callback(),
  backgroundRefresh: /* @__PURE__ */ must((value) => typeof value === "boolean", "true or false"),
};

/** Checks the options of a session. */
export function sessionSettings(input: CredentialSessionOptions): SessionSettings {
  return {
    key: "saasus-credentials",
    now: () => Date.now(),
    lockTimeout: 5_000,
    endsSession: isDefinitiveRejection,
    // Looked up at each call, so that a global fetch that is replaced later is used.
    fetch: (input, init) => globalThis.fetch(input, init),
    ...readOptions(sessionReaders, input, { message: "Cannot create the session" }, ["client"]),
  };
}

/** The origins whose requests get the ID token. Throws where nobody has named any, and there is no page. */
export function allowedOrigins(origins: readonly string[] | undefined): readonly string[] {
  const { location } = globalThis as { location?: { origin?: string } };
  const page = originOf(location?.origin ?? "");
  if (origins !== undefined) return origins;
  if (page !== undefined) return [page];
  throw new CredentialInputError("Cannot fetch with the session's ID token", {
    issues: [{
      path: "origins",
      expected: "the origins that may get the token, since there is no page to take one from",
    }],
  });
}

function originOf(text: unknown): string | undefined {
  if (typeof text !== "string" || !URL.canParse(text)) return undefined;
  const { protocol, origin, href } = new URL(text);
  return /^https?:$/.test(protocol) && href === `${origin}/` && !/[?#]/.test(text)
    ? origin
    : undefined;
}

/* @__NO_SIDE_EFFECTS__ */
function having<T>(methods: readonly string[], expected: string): OptionReader<T> {
  return must<T>((value) => hasMethods(value, methods), expected);
}

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return (typeof value === "object" || typeof value === "function") && value !== null &&
    methods.every((name) => typeof Reflect.get(value, name) === "function");
}
