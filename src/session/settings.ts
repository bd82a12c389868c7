import * as v from "valibot";
import { type AnyCredentialError, CredentialInputError } from "../errors.ts";
import { CredentialsSchema, token } from "../models.ts";
import {
  booleanSchema,
  checkedSchema,
  checkInput,
  convertedSchema,
  functionSchema,
  type Given,
  hasMethods,
  integerSchema,
  isObject,
  isSecureUrl,
  MAX_TIMER,
  methodsSchema,
  numberSchema,
  type OptionSchemas,
  optionsSchema,
  type Schema,
  stringSchema,
} from "../validation.ts";
import type {
  CredentialSessionOptions,
  CredentialSessionsOptions,
  SessionLock,
  SessionLockManager,
} from "./options.ts";

/** A function that sends requests. */
export type Fetch = NonNullable<CredentialSessionOptions["fetch"]>;

/** The options of a session that have a default. */
type Defaulted = "key" | "now" | "lockTimeout" | "endsSession" | "fetch";

/** Settings that `CredentialSessions` adds to those of a session. */
export interface SharedSettings {
  /** The age from which the last read of the store is repeated, in ms. */
  readonly recheck: number;
  /** Returns the seconds until the store may drop a record. */
  readonly ttl?: (() => number | undefined) | undefined;
  /** Called with `true` for a login in memory, and `false` if the session need not be kept. */
  readonly onPresence?: ((isPresent: boolean) => void) | undefined;
}

const VALIDATED: unique symbol = /* @__PURE__ */ Symbol("validated");

/** The validated options of a session, with the default values filled in. */
export type SessionSettings =
  & Given<CredentialSessionOptions>
  & { [Name in Defaulted]-?: Exclude<CredentialSessionOptions[Name], undefined> }
  & SharedSettings
  & { readonly [VALIDATED]: true };

/** The validated options of `CredentialSessions`, with the default values filled in. */
export type SessionsSettings =
  & Given<CredentialSessionsOptions>
  & { readonly prefix: string; readonly recheck: number; readonly now: () => number };

const origins: Schema<readonly string[]> = /* @__PURE__ */ v.array(
  /* @__PURE__ */ convertedSchema(
    secureOriginOf,
    "https: origins (http: for a loopback host only) without path, query and user, such as https://app.example.com",
  ),
  "Expected a list of origins",
);

const common: OptionSchemas<Omit<CredentialSessionOptions, "key" | "credentials">> = {
  client: /* @__PURE__ */ methodsSchema(["getAuthCredentials"], "a CredentialClient"),
  store: /* @__PURE__ */ methodsSchema(
    ["getItem", "setItem", "removeItem"],
    "an object with getItem, setItem and removeItem, such as localStorage",
  ),
  now: /* @__PURE__ */ functionSchema(),
  margin: /* @__PURE__ */ checkedSchema<number>(
    (value) => typeof value === "number" && value >= 0,
    "a number of ms, 0 or more",
  ),
  lock: /* @__PURE__ */ checkedSchema<SessionLock | SessionLockManager>(
    (value) => typeof value === "function" || hasMethods(value, ["request"]),
    "navigator.locks, or a function (name, { signal }, callback)",
  ),
  lockTimeout: /* @__PURE__ */ integerSchema(0, MAX_TIMER, " of ms"),
  onChange: /* @__PURE__ */ functionSchema(),
  fetch: /* @__PURE__ */ functionSchema(),
  origins,
  endsSession: /* @__PURE__ */ functionSchema(),
  backgroundRefresh: booleanSchema,
};

/**
 * Returns the settings of a session. Settings that are validated already are returned as they are.
 */
export function sessionSettings(
  options: CredentialSessionOptions | SessionSettings,
): SessionSettings {
  if (isValidated(options)) return options;
  const schema = optionsSchema<CredentialSessionOptions>(
    { ...common, key: token, credentials: CredentialsSchema },
    { required: ["client"] },
  );
  return withDefaults({
    ...checkInput(schema, options, { message: "Cannot create the session" }),
    recheck: Infinity,
  });
}

/** Returns the settings of `CredentialSessions`. */
export function sessionsSettings(options: CredentialSessionsOptions): SessionsSettings {
  const schema = optionsSchema<CredentialSessionsOptions>({
    ...common,
    prefix: stringSchema,
    recheck: /* @__PURE__ */ numberSchema(0, MAX_TIMER, " of ms"),
    ttl: /* @__PURE__ */ integerSchema(1, MAX_TIMER, " of seconds"),
  }, { required: ["client", "store"] });
  return {
    prefix: "saasus-session:",
    recheck: 5_000,
    now: () => Date.now(),
    ...checkInput(schema, options, { message: "Cannot create the sessions" }),
  };
}

/** Fills in the default values of validated options. */
export function withDefaults(
  options: Given<CredentialSessionOptions> & SharedSettings,
): SessionSettings {
  return {
    key: "saasus-credentials",
    now: () => Date.now(),
    lockTimeout: 5_000,
    endsSession: isDefinitiveRejection,
    fetch: (input, init) => globalThis.fetch(input, init),
    ...options,
    [VALIDATED]: true,
  };
}

function isValidated(options: CredentialSessionOptions): options is SessionSettings {
  return isObject(options) && VALIDATED in options;
}

/** Checks whether a failed refresh ends the session, by default. */
function isDefinitiveRejection(error: AnyCredentialError): boolean {
  return error.code === "api_error" && (error.status === 400 || error.status === 404);
}

/** Returns the origins whose requests get the ID token: by default, the origin of the page. */
export function allowedOrigins(origins: readonly string[] | undefined): readonly string[] {
  if (origins !== undefined) return origins;
  const { location } = globalThis as { location?: { origin?: string } };
  const page = originOf(location?.origin ?? "");
  if (page !== undefined) return [page];
  throw new CredentialInputError("Cannot fetch with the session's ID token", {
    issues: [{
      path: "origins",
      expected: "the origins that may get the token, because there is no page to take one from",
    }],
  });
}

function originOf(text: unknown): string | undefined {
  if (typeof text !== "string" || !URL.canParse(text)) return undefined;
  const { protocol, origin, href } = new URL(text);
  return /^https?:$/.test(protocol) && href === `${origin}/` ? origin : undefined;
}

function secureOriginOf(text: unknown): string | undefined {
  const origin = originOf(text);
  return origin !== undefined && isSecureUrl(new URL(origin)) ? origin : undefined;
}
