import { type AnyCredentialError, CredentialInputError } from "../errors.ts";
import { type Credentials, CredentialsSchema } from "../models.ts";
import {
  callback,
  type Given,
  integerBetween,
  LONGEST_TIME,
  must,
  type OptionReader,
  type OptionReaders,
  readOptions,
} from "../read_options.ts";
import { validate } from "../validation.ts";
import type { CredentialSessionOptions } from "./options.ts";
import { globalFetch } from "../client/settings.ts";

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
    fetch: globalFetch,
    ...readOptions(sessionReaders, input, { message: "Cannot create the session" }, ["client"]),
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

/* @__NO_SIDE_EFFECTS__ */
function having<T>(methods: readonly string[], expected: string): OptionReader<T> {
  return must<T>((value) => hasMethods(value, methods), expected);
}

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return (typeof value === "object" || typeof value === "function") && value !== null &&
    methods.every((name) => typeof Reflect.get(value, name) === "function");
}
