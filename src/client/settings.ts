import { BASE_URL_EXPECTED, DEFAULT_BASE_URL, normalizeBaseUrl } from "./base_url.ts";
import { type CallHeaders, readHeaders, readReferer, readTraceId } from "./headers.ts";
import type { CallOptions, CredentialClientOptions, RequestOptions } from "./options.ts";
import {
  callback,
  type Given,
  integerBetween,
  LONGEST_TIME,
  must,
  numberBetween,
  type OptionReader,
  type OptionReaders,
  options,
  readOptions,
} from "../read_options.ts";
import type { RequestAuth } from "../auth/request_auth.ts";
import type { RetryOptions, RetrySettings } from "./retry.ts";
import type { InputFailure } from "../validation.ts";

/** The options of a call as they are used: checked, with the client's and the default values filled in. */
export interface CallSettings {
  /** How long one attempt may take, in ms. */
  readonly timeout: number;
  /** How long the whole call may take, in ms; where it is not set, the operation knows. */
  readonly totalTimeout?: number | undefined;
  /** How the call is repeated. */
  readonly retry: RetrySettings;
  /** The headers that the caller has set, under lower-case names. */
  readonly headers: CallHeaders;
  /** Authorizes the requests. */
  readonly auth: RequestAuth;
  /** Ends the call. */
  readonly signal?: AbortSignal | null | undefined;
}

/** The checked options of a client. */
export interface ClientSettings {
  /** What every call begins with. */
  readonly call: CallSettings;
  /** Where the service runs, without a slash at its end. */
  readonly baseUrl: string;
  /** What sends requests. */
  readonly fetch: typeof fetch;
  /** Whether that is the runtime's own, whose answers have the length that they tell. */
  readonly isRuntimeFetch: boolean;
  /** The local clock, in ms since the epoch. */
  readonly now: () => number;
  /** Told before each retry. */
  readonly onRetry: CredentialClientOptions["onRetry"];
  /** Told of each answer. */
  readonly onResponse: CredentialClientOptions["onResponse"];
}

/** Options of a call or a client as they are read. */
type Choices<T extends CallOptions> = Omit<T, "headers" | "retry"> & {
  headers?: CallHeaders | undefined;
  retry?: Given<RetryOptions> | false | undefined;
};

const time = /* @__PURE__ */ integerBetween(1, LONGEST_TIME, " of ms");
const wait = /* @__PURE__ */ numberBetween(0, LONGEST_TIME, " of ms");

const retryOptions = /* @__PURE__ */ options<RetryOptions>({
  limit: /* @__PURE__ */ integerBetween(0, 100, ""),
  delay: wait,
  maxDelay: wait,
});

const retry: OptionReader<Given<RetryOptions> | false> = (value, refuse) => {
  if (value === false) return false;
  return typeof value === "object" ? retryOptions(value, refuse) : refuse("an object or false");
};

const auth = /* @__PURE__ */ must<RequestAuth>(
  (value) => typeof value === "function",
  "bearerAuth(…), signatureAuth(…) or another function that returns a header's value",
);

const baseUrl: OptionReader<string> = (value, refuse) =>
  (typeof value === "string" ? normalizeBaseUrl(value) : undefined) ?? refuse(BASE_URL_EXPECTED);

const callReaders = {
  timeout: time,
  totalTimeout: time,
  retry,
  headers: readHeaders,
  referer: readReferer,
  saasusReferer: readReferer,
  traceId: readTraceId,
};

const requestReaders: OptionReaders<Choices<RequestOptions>> = {
  ...callReaders,
  auth,
  signal: /* @__PURE__ */ must(
    (value) => value === null || value instanceof AbortSignal,
    "an AbortSignal or null",
  ),
};

const clientReaders: OptionReaders<Choices<CredentialClientOptions>> = {
  ...callReaders,
  auth,
  baseUrl,
  fetch: /* @__PURE__ */ callback(),
  now: /* @__PURE__ */ callback(),
  onRetry: /* @__PURE__ */ callback(),
  onResponse: /* @__PURE__ */ callback(),
};

/** The global `fetch`, looked up at each call, so that one that is put in its place later is used. */
export const globalFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

/** Checks the options of a client. */
export function clientSettings(input: CredentialClientOptions): ClientSettings {
  const { baseUrl = DEFAULT_BASE_URL, fetch, now, onRetry, onResponse, ...choices } = readOptions(
    clientReaders,
    input,
    { message: "Cannot create the client" },
    ["auth"],
  );
  const defaults: CallSettings = {
    timeout: 5_000,
    retry: { limit: 2, delay: 300, maxDelay: 2_000 },
    headers: {},
    auth: choices.auth,
  };
  return {
    call: merge(defaults, choices),
    baseUrl,
    fetch: fetch ?? globalFetch,
    isRuntimeFetch: fetch === undefined,
    now: now ?? (() => Date.now()),
    onRetry,
    onResponse,
  };
}

/** Checks the options of one call, and puts them over those of its client. */
export function callSettings(
  defaults: CallSettings,
  input: RequestOptions | undefined,
  failure: InputFailure,
): CallSettings {
  return input === undefined
    ? defaults
    : merge(defaults, readOptions(requestReaders, input, failure));
}

/** Puts choices over others; `null` takes a header back. */
function merge(
  defaults: CallSettings,
  { retry, headers, referer, saasusReferer, traceId, ...choices }: Given<Choices<RequestOptions>>,
): CallSettings {
  const merged: Record<string, string> = { ...defaults.headers, ...headers };
  const named = {
    referer,
    "x-saasus-referer": saasusReferer,
    "x-saasus-trace-id": traceId,
  };
  for (const [name, value] of Object.entries(named)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value;
  }
  return {
    ...defaults,
    ...choices,
    retry: retry === false ? { ...defaults.retry, limit: 0 } : { ...defaults.retry, ...retry },
    headers: merged,
  };
}
