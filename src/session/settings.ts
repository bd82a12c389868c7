import * as v from "valibot";
import { type AnyCredentialError, CredentialInputError } from "../errors.ts";
import { CredentialsSchema, token } from "../models.ts";
import {
  booleanSchema,
  checkInput,
  functionSchema,
  type Given,
  hasMethods,
  integerSchema,
  isSecureUrl,
  MAX_TIMER,
  methodsSchema,
  optionsSchema,
  type Schema,
} from "../validation.ts";
import type { CredentialSessionOptions, SessionLock, SessionLockManager } from "./options.ts";

/** A function that sends requests. */
export type Fetch = NonNullable<CredentialSessionOptions["fetch"]>;

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

const ORIGINS =
  "https: origins (http: for a loopback host only) without path, query and user, such as https://app.example.com";

const origins: Schema<readonly string[]> = /* @__PURE__ */ v.array(
  /* @__PURE__ */ v.pipe(
    /* @__PURE__ */ v.unknown(),
    /* @__PURE__ */ v.transform(secureOriginOf),
    /* @__PURE__ */ v.string(`Expected ${ORIGINS}`),
  ),
  "Expected a list of origins",
);

const sessionOptions = /* @__PURE__ */ optionsSchema<CredentialSessionOptions>({
  client: /* @__PURE__ */ methodsSchema(["getAuthCredentials"], "a CredentialClient"),
  store: /* @__PURE__ */ methodsSchema(
    ["getItem", "setItem", "removeItem"],
    "an object with getItem, setItem and removeItem, such as localStorage",
  ),
  key: token,
  credentials: CredentialsSchema,
  now: /* @__PURE__ */ functionSchema(),
  margin: /* @__PURE__ */ v.custom<number>(
    (value) => typeof value === "number" && value >= 0,
    "Expected a number of ms, 0 or more",
  ),
  lock: /* @__PURE__ */ v.custom<SessionLock | SessionLockManager>(
    (value) => typeof value === "function" || hasMethods(value, ["request"]),
    "Expected navigator.locks, or a function (name, { signal }, callback)",
  ),
  lockTimeout: /* @__PURE__ */ integerSchema(0, MAX_TIMER, " of ms"),
  onChange: /* @__PURE__ */ functionSchema(),
  fetch: /* @__PURE__ */ functionSchema(),
  origins: origins,
  endsSession: /* @__PURE__ */ functionSchema(),
  backgroundRefresh: booleanSchema,
}, { required: ["client"] });

/** Validates the options of a session, and fills in the defaults. */
export function sessionSettings(input: CredentialSessionOptions): SessionSettings {
  return {
    key: "saasus-credentials",
    now: () => Date.now(),
    lockTimeout: 5_000,
    endsSession: isDefinitiveRejection,
    fetch: (input, init) => globalThis.fetch(input, init),
    ...checkInput(sessionOptions, input, { message: "Cannot create the session" }),
  };
}

/** The origins whose requests get the ID token. Throws where nobody has named any, and there is no page. */
export function allowedOrigins(origins: readonly string[] | undefined): readonly string[] {
  if (origins !== undefined) return origins;
  const { location } = globalThis as { location?: { origin?: string } };
  const page = originOf(location?.origin ?? "");
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
  return /^https?:$/.test(protocol) && href === `${origin}/` ? origin : undefined;
}

function secureOriginOf(text: unknown): string | undefined {
  const origin = originOf(text);
  return origin !== undefined && isSecureUrl(new URL(origin)) ? origin : undefined;
}
