import * as v from "valibot";
import type { RequestAuth } from "../auth/request_auth.ts";
import {
  checkedSchema,
  checkInput,
  convertedSchema,
  functionSchema,
  type Given,
  type InputContext,
  integerSchema,
  isHeaderValue,
  isObject,
  isSecureUrl,
  isVisibleAscii,
  MAX_TIMER,
  numberSchema,
  optionsSchema,
  type Schema,
  VISIBLE_ASCII,
} from "../validation.ts";
import type {
  CallOptions,
  CredentialClientOptions,
  RequestOptions,
  RetryOptions,
} from "./options.ts";

/** The options of one call: validated, with the values of the client and the defaults filled in. */
export interface CallSettings {
  /** The time limit of one attempt, in ms. */
  readonly timeout: number;
  /** The time limit of the whole call, in ms; if absent, the limit of the operation applies. */
  readonly totalTimeout?: number | undefined;
  /** The retry options. */
  readonly retry: RetrySettings;
  /** The caller's headers, under lower-case names. */
  readonly headers: CallHeaders;
  /** Authorizes the requests. */
  readonly auth: RequestAuth;
  /** Aborts the call. */
  readonly signal?: AbortSignal | null | undefined;
}

/** Retry options with the defaults filled in. */
export type RetrySettings = { readonly [Name in keyof RetryOptions]-?: number };

/** Headers under lower-case names. */
export type CallHeaders = Readonly<Record<string, string>>;

/** The validated options of a client. */
export interface ClientSettings {
  /** The defaults of every call. */
  readonly defaults: CallSettings;
  /** The schema of the options of a call. */
  readonly requestOptions: Schema<Given<Validated<RequestOptions>>>;
  /** The URL of the API, without a query. */
  readonly url: string;
  /** Sends requests, instead of the runtime's own `fetch`. */
  readonly fetch: CredentialClientOptions["fetch"];
  /** Options that all requests are sent with. */
  readonly requestInit: RequestInit;
  /** The local clock, in ms since the epoch. */
  readonly now: () => number;
  /** Called before each retry. */
  readonly onRetry: CredentialClientOptions["onRetry"];
  /** Called after each response. */
  readonly onResponse: CredentialClientOptions["onResponse"];
}

/** The options of a call or a client as the schemas return them. */
type Validated<T extends CallOptions> = Omit<T, "headers" | "retry"> & {
  headers?: CallHeaders | undefined;
  retry?: Given<RetryOptions> | undefined;
};

/** The expectation for a base URL. */
export const BASE_URL_EXPECTED =
  "an absolute https: URL (http: for a loopback host only) without user, query, fragment and white space";

/**
 * Returns a base URL as the URL parser writes it, without a slash at its end, so that the signed
 * URL is the sent URL. Empty path segments are removed, because Bun would remove them after the
 * request was signed.
 *
 * @returns `undefined` for a URL that would send tokens in the clear, or that leaves no room for a
 * path and a query.
 */
export function normalizeBaseUrl(text: unknown): string | undefined {
  // The URL parser would remove line breaks and tabs from the middle of a URL.
  if (typeof text !== "string" || /[\s\p{Cc}?#]/u.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  if (!isSecureUrl(url) || url.username + url.password !== "") return undefined;
  return url.origin + url.pathname.replace(/\/+(?=\/|$)/g, "");
}

/**
 * Headers of the connection. With one of these, `fetch` fails or waits for bytes that never come.
 */
const CONNECTION_HEADERS: readonly string[] = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

function headersOf(input: unknown): Headers | undefined {
  if (!isObject(input)) return undefined;
  try {
    const headers = new Headers(input as Record<string, string>);
    // `Headers` would turn other values into strings, and remove line breaks at the ends.
    const values = Array.isArray(input) ? input.map(([, value]) => value) : Object.values(input);
    return [...values, ...headers.values()].every(isHeaderValue) ? headers : undefined;
  } catch {
    // Errors of `Headers` quote the value.
    return undefined;
  }
}

/**
 * Returns the URL of a page without user, query and fragment, because the query of a callback
 * contains a code. `null` and a URL without anything else become `null`.
 */
function pageOf(text: unknown): string | null | undefined {
  if (text === null) return null;
  if (!isHeaderValue(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.host) return `${url.protocol}//${url.host}${url.pathname}`;
  // Without a host, the user can be anywhere in the text.
  return text.trim().replace(/[?#].*$/s, "").replace(/^.*@/s, "") || null;
}

/**
 * Checks whether the runtime is a browser. Only browsers have headers that a program must not set,
 * such as `Referer`.
 */
function isBrowser(): boolean {
  const headers = { referer: "https://a.invalid/" };
  return !new Request("https://a.invalid/", { headers }).headers.has("referer");
}

/** Returns the schemas of the options that a client and a call share. */
function sharedOptions() {
  const timeLimit = integerSchema(1, MAX_TIMER, " of ms");
  const wait = numberSchema(0, MAX_TIMER, " of ms");
  const retry = optionsSchema<RetryOptions>(
    { limit: integerSchema(0, 100), delay: wait, maxDelay: wait },
    { expected: "an object or false" },
  );
  const page = convertedSchema(pageOf, "a URL in Latin-1 without control characters");
  return {
    timeout: timeLimit,
    totalTimeout: timeLimit,
    retry: v.pipe(
      v.unknown(),
      v.transform((value) => value === false ? { limit: 0 } : value),
      retry,
    ),
    headers: v.pipe(
      convertedSchema(headersOf, "headers in Latin-1 without control characters"),
      v.check(
        (headers) => !headers.has("authorization"),
        'Expected no "Authorization" header: it is what "auth" is for',
      ),
      v.check(
        (headers) => !CONNECTION_HEADERS.some((name) => headers.has(name)),
        `Expected none of the connection's headers: ${CONNECTION_HEADERS.join(", ")}`,
      ),
      v.transform((headers): CallHeaders => Object.fromEntries(headers)),
    ),
    referer: v.pipe(
      page,
      checkedSchema<string | null>(
        (value) => value === null || !isBrowser(),
        'no value in a browser, which does not let a page set "Referer": use "saasusReferer"',
      ),
    ),
    saasusReferer: page,
    traceId: checkedSchema<string | null>(
      (value) => value === null || isVisibleAscii(value),
      VISIBLE_ASCII,
    ),
    auth: functionSchema<RequestAuth>(
      "bearerAuth(…), signatureAuth(…) or another function that returns a header's value",
    ),
  };
}

/** Validates the options of a client, and fills in the defaults. */
export function clientSettings(input: CredentialClientOptions): ClientSettings {
  const shared = sharedOptions();
  const schema = optionsSchema<Validated<CredentialClientOptions>>({
    ...shared,
    baseUrl: convertedSchema(normalizeBaseUrl, BASE_URL_EXPECTED),
    fetch: functionSchema(),
    now: functionSchema(),
    onRetry: functionSchema(),
    onResponse: functionSchema(),
  }, { required: ["auth"] });
  const {
    baseUrl = "https://api.saasus.io/v1/auth",
    fetch,
    now = () => Date.now(),
    onRetry,
    onResponse,
    ...options
  } = checkInput(schema, input, { message: "Cannot create the client" });
  const defaults: CallSettings = {
    timeout: 5_000,
    retry: { limit: 2, delay: 300, maxDelay: 2_000 },
    headers: {},
    auth: options.auth,
  };
  return {
    defaults: merge(defaults, options),
    requestOptions: optionsSchema<Validated<RequestOptions>>({
      ...shared,
      signal: checkedSchema<AbortSignal | null>(
        (value) => value === null || value instanceof AbortSignal,
        "an AbortSignal or null",
      ),
    }),
    url: `${baseUrl}/credentials`,
    fetch,
    // Tokens must not be stored in the HTTP cache, and the page's URL may contain a code.
    requestInit: isBrowser() ? { cache: "no-store", referrerPolicy: "no-referrer" } : {},
    now,
    onRetry,
    onResponse,
  };
}

/** Validates the options of one call, and merges them with those of the client. */
export function callSettings(
  { defaults, requestOptions }: Pick<ClientSettings, "defaults" | "requestOptions">,
  input: RequestOptions | undefined,
  context: InputContext,
): CallSettings {
  return input === undefined
    ? defaults
    : merge(defaults, checkInput(requestOptions, input, context));
}

/** Merges options over others; `null` removes a header. */
function merge(
  defaults: CallSettings,
  { retry, headers, referer, saasusReferer, traceId, ...options }: Given<Validated<RequestOptions>>,
): CallSettings {
  const merged: Record<string, string> = { ...defaults.headers, ...headers };
  const named = { referer, "x-saasus-referer": saasusReferer, "x-saasus-trace-id": traceId };
  for (const [name, value] of Object.entries(named)) {
    if (value === null) delete merged[name];
    else if (value !== undefined) merged[name] = value;
  }
  return { ...defaults, ...options, retry: { ...defaults.retry, ...retry }, headers: merged };
}
