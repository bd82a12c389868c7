import * as v from "valibot";
import { BASE_URL_EXPECTED, DEFAULT_BASE_URL, normalizeBaseUrl } from "./base_url.ts";
import { type CallHeaders, headersSchema, refererSchema, traceIdSchema } from "./call_headers.ts";
import { checkInput, type InputFailure } from "./check_input.ts";
import type { CredentialClientOptions, RequestOptions } from "./options.ts";
import type { RequestAuth } from "./request_auth.ts";
import type { RetryOptions, RetrySettings } from "./retry.ts";
import { objectMessage, type Schema } from "./schema.ts";

/** The longest time that timers can wait, in ms. */
const LONGEST_TIME = 2 ** 31 - 1;

/** The options of a call as they are used: checked, with the client's and the default values filled in. */
export interface CallSettings {
  /** How long one attempt may take, in ms. */
  readonly timeout: number;
  /** How long the whole call may take, in ms; where it is not set, the operation knows. */
  readonly totalTimeout?: number | undefined;
  /** How the call is repeated. */
  readonly retry: RetrySettings;
  /** The headers that the caller has set, under lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Authorizes the requests. */
  readonly auth: RequestAuth;
  /** Ends the call. */
  readonly signal?: AbortSignal | undefined;
}

/** The checked options of a client. */
export interface ClientSettings {
  /** What every call begins with. */
  readonly call: CallSettings;
  /** Where the service runs, without a slash at its end. */
  readonly baseUrl: string;
  /** What sends requests. */
  readonly fetch: typeof fetch;
  /** The local clock, in ms since the epoch. */
  readonly now: () => number;
  /** Told before each retry. */
  readonly onRetry: CredentialClientOptions["onRetry"];
  /** Told of each answer. */
  readonly onResponse: CredentialClientOptions["onResponse"];
}

const TIME = `Expected a whole number of ms from 1 to ${LONGEST_TIME}`;
const WAIT = `Expected a number of ms from 0 to ${LONGEST_TIME}`;
const LIMIT = "Expected a whole number from 0 to 100";
const FUNCTION = "Expected a function";

const time = /* @__PURE__ */ v.optional(
  /* @__PURE__ */ v.pipe(
    /* @__PURE__ */ v.number(TIME),
    /* @__PURE__ */ v.integer(TIME),
    /* @__PURE__ */ v.minValue(1, TIME),
    /* @__PURE__ */ v.maxValue(LONGEST_TIME, TIME),
  ),
);

const wait = /* @__PURE__ */ v.optional(
  /* @__PURE__ */ v.pipe(
    /* @__PURE__ */ v.number(WAIT),
    /* @__PURE__ */ v.minValue(0, WAIT),
    /* @__PURE__ */ v.maxValue(LONGEST_TIME, WAIT),
  ),
);

const limit = /* @__PURE__ */ v.optional(
  /* @__PURE__ */ v.pipe(
    /* @__PURE__ */ v.number(LIMIT),
    /* @__PURE__ */ v.integer(LIMIT),
    /* @__PURE__ */ v.minValue(0, LIMIT),
    /* @__PURE__ */ v.maxValue(100, LIMIT),
  ),
);

const retryObject = /* @__PURE__ */ v.strictObject(
  { limit, delay: wait, maxDelay: wait },
  (issue) =>
    issue.expected === "Object"
      ? "Expected an object or false"
      : objectMessage(issue, '"limit", "delay" and "maxDelay"'),
);

const noRetry = /* @__PURE__ */ v.literal(false);

const retry = /* @__PURE__ */ v.lazy((input): Schema<RetryOptions | false> =>
  input === false ? noRetry : retryObject
);

const AUTH =
  "Expected bearerAuth(…), signatureAuth(…) or another function that answers a header's value";

const auth = /* @__PURE__ */ v.custom<RequestAuth>(isFunction, AUTH);

const callOptions = {
  timeout: time,
  totalTimeout: time,
  retry: /* @__PURE__ */ v.optional(retry),
  headers: /* @__PURE__ */ v.optional(headersSchema),
  referer: /* @__PURE__ */ v.optional(refererSchema),
  saasusReferer: /* @__PURE__ */ v.optional(refererSchema),
  traceId: /* @__PURE__ */ v.optional(traceIdSchema),
};

const requestOptions = /* @__PURE__ */ v.strictObject({
  ...callOptions,
  auth: /* @__PURE__ */ v.optional(auth),
  signal: /* @__PURE__ */ v.optional(
    /* @__PURE__ */ v.custom<AbortSignal>(
      (value) => value instanceof AbortSignal,
      "Expected an AbortSignal",
    ),
  ),
}, (issue) => objectMessage(issue, "of RequestOptions"));

const clientOptions = /* @__PURE__ */ v.strictObject(
  {
    ...callOptions,
    auth,
    baseUrl: /* @__PURE__ */ v.optional(
      /* @__PURE__ */ v.pipe(
        /* @__PURE__ */ v.string(BASE_URL_EXPECTED),
        /* @__PURE__ */ v.transform(normalizeBaseUrl),
        /* @__PURE__ */ v.string(BASE_URL_EXPECTED),
      ),
    ),
    fetch: /* @__PURE__ */ callback<typeof fetch>(),
    now: /* @__PURE__ */ callback<() => number>(),
    onRetry: /* @__PURE__ */ callback<NonNullable<CredentialClientOptions["onRetry"]>>(),
    onResponse: /* @__PURE__ */ callback<NonNullable<CredentialClientOptions["onResponse"]>>(),
  },
  (issue) =>
    issue.expected === '"auth"' ? AUTH : objectMessage(issue, "of CredentialClientOptions"),
);

/* @__NO_SIDE_EFFECTS__ */
function callback<T>(): Schema<T | undefined> {
  return v.optional(v.custom<T>(isFunction, FUNCTION));
}

/** Checks the options of a client. */
export function clientSettings(options: CredentialClientOptions): ClientSettings {
  const choices = checkInput(clientOptions, options, { message: "Cannot create the client" });
  const defaults: CallSettings = {
    timeout: 5_000,
    retry: { limit: 2, delay: 300, maxDelay: 2_000 },
    headers: {},
    auth: choices.auth,
  };
  return {
    call: merge(defaults, choices),
    baseUrl: choices.baseUrl ?? DEFAULT_BASE_URL,
    // Looked up at each call, so that a global fetch that is replaced later is used.
    fetch: choices.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now: choices.now ?? (() => Date.now()),
    onRetry: choices.onRetry,
    onResponse: choices.onResponse,
  };
}

/** Checks the options of one call, and puts them over those of its client. */
export function callSettings(
  defaults: CallSettings,
  options: RequestOptions | undefined,
  failure: InputFailure,
): CallSettings {
  return options === undefined
    ? defaults
    : merge(defaults, checkInput(requestOptions, options, failure));
}

function merge(
  defaults: CallSettings,
  choices: v.InferOutput<typeof requestOptions>,
): CallSettings {
  const { retry } = choices;
  return {
    timeout: choices.timeout ?? defaults.timeout,
    totalTimeout: choices.totalTimeout ?? defaults.totalTimeout,
    retry: { ...defaults.retry, ...(retry === false ? { limit: 0 } : defined(retry ?? {})) },
    headers: withoutNulls({
      ...defaults.headers,
      ...choices.headers,
      ...defined({
        referer: choices.referer,
        "x-saasus-referer": choices.saasusReferer,
        "x-saasus-trace-id": choices.traceId,
      }),
    }),
    auth: choices.auth ?? defaults.auth,
    signal: choices.signal,
  };
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** The fields that are set, so that spreading them does not unset what they are spread over. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}

function withoutNulls(headers: CallHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((header): header is [string, string] => header[1] !== null),
  );
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
