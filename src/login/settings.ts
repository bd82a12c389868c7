import * as v from "valibot";
import {
  CredentialClient,
  CredentialInputError,
  type FromEnvOptions,
  type SessionLock,
  type SessionLockManager,
  type SessionStore,
} from "../../mod.ts";
import {
  checkInput,
  functionSchema,
  type Given,
  hasMethods,
  integerSchema,
  isSecureUrl,
  MAX_TIMER,
  methodsSchema,
  numberSchema,
  optionsSchema,
  type Schema,
} from "../validation.ts";
import type { CredentialLoginFromEnvOptions, CredentialLoginOptions } from "./options.ts";
import { returnPath } from "./return_path.ts";

/** The options that have a default. */
type Defaulted = "path" | "callbackPath" | "home" | "lifetime" | "unsolicited" | "now" | "onEvent";

/** The validated options of a login, with the defaults filled in. */
export type LoginSettings =
  & Given<CredentialLoginOptions>
  & { readonly [Name in Defaulted]-?: Exclude<CredentialLoginOptions[Name], undefined> };

/** The longest lifetime of a login, in ms: browsers keep no cookie for more than 400 days. */
const MAX_LIFETIME = 34_560_000_000;

const LOGIN_URL_EXPECTED =
  "an absolute https: URL (http: for a loopback host only) without user, such as https://auth.example.com/";

const ORIGIN_EXPECTED =
  "an https: origin (http: for a loopback host only) without path, query and user, such as https://app.example.com";

const origin: Schema<string> = v.pipe(
  v.unknown(),
  v.transform(originOf),
  v.string(`Expected ${ORIGIN_EXPECTED}`),
);

const path: Schema<string> = v.custom<string>(
  (value) => isPath(value) && value !== "/",
  "Expected a path without a slash at its end, such as /auth",
);

/** Any value. The sessions validate it. */
const unchecked: Schema<unknown> = v.unknown();

const loginOptions = optionsSchema<CredentialLoginOptions>({
  client: methodsSchema(["getAuthCredentials"], "a CredentialClient"),
  loginUrl: v.custom<CredentialLoginOptions["loginUrl"]>(
    (value) => typeof value === "function" || secureUrl(value) !== undefined,
    `Expected ${LOGIN_URL_EXPECTED}, or a function that returns one`,
  ),
  origin,
  store: methodsSchema<SessionStore>(
    ["getItem", "setItem", "removeItem"],
    "an object with getItem, setItem and removeItem, such as a driver of unstorage",
  ),
  path,
  callbackPath: path,
  home: v.pipe(v.unknown(), v.transform(localPath), v.string("Expected a path, such as /home")),
  lifetime: integerSchema(1_000, MAX_LIFETIME, " of ms"),
  recheck: numberSchema(0, MAX_TIMER, " of ms"),
  unsolicited: v.picklist(["restart", "accept"], 'Expected "restart" or "accept"'),
  onSignIn: functionSchema(),
  onEvent: functionSchema(),
  now: functionSchema(),
  lock: v.custom<SessionLock | SessionLockManager>(
    (value) => typeof value === "function" || hasMethods(value, ["request"]),
    "Expected a function (name, { signal }, callback), or an object with such a function request",
  ),
  margin: unchecked as Schema<number>,
  endsSession: functionSchema(),
  origins: unchecked as Schema<readonly string[]>,
  fetch: functionSchema(),
}, { required: ["client", "loginUrl", "origin"] });

/**
 * Validates the options of a login, and fills in the defaults.
 *
 * @throws {CredentialInputError} If an option is invalid. It names all invalid options.
 */
export function loginSettings(options: CredentialLoginOptions): LoginSettings {
  const message = "Cannot create the login";
  const settings: LoginSettings = {
    path: "/auth",
    callbackPath: "/callback",
    home: "/",
    lifetime: 2_592_000_000,
    unsolicited: "restart",
    now: () => Date.now(),
    onEvent: () => {},
    ...checkInput(loginOptions, options, { message }),
  };
  const { pathname } = new URL(settings.home, settings.origin);
  const own = ownPaths(settings);
  const issues = [
    ...new Set(own).size < own.length
      ? [{ path: "callbackPath", expected: 'another path than those below "path"' }]
      : [],
    ...own.includes(pathname) ? [{ path: "home", expected: "a path outside the login" }] : [],
  ];
  if (issues.length > 0) throw new CredentialInputError(message, { issues });
  const { now } = settings;
  // Cookies hold times in whole ms.
  return { ...settings, now: () => Math.floor(now()) };
}

/** Returns the paths that a login handles: start, callback, user and sign-out. */
export function ownPaths(
  { path, callbackPath }: Pick<LoginSettings, "path" | "callbackPath">,
): readonly [start: string, callback: string, me: string, signOut: string] {
  return [`${path}/login`, callbackPath, `${path}/me`, `${path}/logout`];
}

/** Returns the URL of a login page; `undefined` for a URL that is not safe to redirect to. */
export function secureUrl(value: unknown): URL | undefined {
  if (typeof value !== "string" && !(value instanceof URL)) return undefined;
  const url = URL.canParse(String(value)) ? new URL(value) : undefined;
  const isSafe = url !== undefined && isSecureUrl(url) && url.username === "" &&
    url.password === "";
  return isSafe ? url : undefined;
}

/**
 * Adds the client and the URL of the login page from environment variables to the options of a
 * login.
 */
export function optionsFromEnv(options: CredentialLoginFromEnvOptions): CredentialLoginOptions {
  const { env = processEnvironment(), client, loginUrl, ...rest } = options ?? {};
  return {
    ...rest,
    client: client ?? CredentialClient.fromEnv({ env, now: rest.now }),
    loginUrl: loginUrl ?? loginUrlFromEnv(env),
  };
}

type Environment = NonNullable<FromEnvOptions["env"]>;

function processEnvironment(): Environment {
  const { process } = globalThis as { process?: { env?: Environment } };
  return process?.env ?? {};
}

function loginUrlFromEnv(env: Environment): string {
  const name = "SAASUS_LOGIN_URL";
  let value: unknown;
  try {
    value = env[name];
  } catch {
    // Deno throws for a variable that it has no permission to read.
    throw environmentError(name, `permission to read it (Deno: --allow-env=${name})`);
  }
  if (value === undefined || value === "") throw environmentError(name, "a value");
  if (secureUrl(value) === undefined) throw environmentError(name, LOGIN_URL_EXPECTED);
  return String(value);
}

function environmentError(path: string, expected: string): CredentialInputError {
  const message = "Cannot create the login from the environment";
  return new CredentialInputError(message, { issues: [{ path, expected }] });
}

function originOf(value: unknown): string | undefined {
  const url = typeof value === "string" ? secureUrl(value) : undefined;
  return url !== undefined && url.href === `${url.origin}/` && !/[\s?#]/.test(String(value))
    ? url.origin
    : undefined;
}

/** Checks whether a value is the path of a URL, as the URL parser writes it. */
function isPath(value: unknown): value is string {
  if (typeof value !== "string" || !/^\/[^/]*(?:\/[^/]+)*$/.test(value)) return false;
  const base = "https://app.example.com";
  return URL.canParse(value, base) && new URL(value, base).href === base + value &&
    !/[?#]/.test(value);
}

function localPath(value: unknown): string | undefined {
  return typeof value === "string" && value.startsWith("/")
    ? returnPath(value, "https://app.example.com")
    : undefined;
}
