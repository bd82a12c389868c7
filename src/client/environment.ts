import { BASE_URL_EXPECTED, normalizeBaseUrl } from "./settings.ts";
import { bearerAuth } from "../auth/bearer_auth.ts";
import { CredentialInputError, isCredentialError } from "../errors.ts";
import type { RequestAuth } from "../auth/request_auth.ts";
import type { ValidationIssue } from "../errors.ts";
import { signatureAuth } from "../auth/signature_auth.ts";

/** Variables of an environment; an empty one counts as missing. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which variable each setting comes from. */
const VARIABLES: Readonly<Record<string, string>> = {
  saasId: "SAASUS_SAAS_ID",
  apiKey: "SAASUS_API_KEY",
  secretKey: "SAASUS_SECRET_KEY",
  token: "BEARER_TOKEN",
};

/**
 * The process's own environment, on Deno, Bun and Node; empty in a browser or a worker without one. Each variable is read
 * by itself, so that Deno asks for no permission but the ones in use.
 */
export function processEnvironment(): Environment {
  const { process } = globalThis as { process?: { env?: Environment } };
  return process?.env ?? {};
}

/** The authorization that the variables hold: the three parts of a signature, or else a bearer token. */
export function authFromEnv(env: Environment): RequestAuth {
  const [saasId, apiKey, secretKey] = ["saasId", "apiKey", "secretKey"].map((name) =>
    read(env, name)
  );
  if (saasId && apiKey && secretKey) {
    return named(() => signatureAuth({ saasId, apiKey, secretKey }));
  }
  const missing = Object.entries({ saasId, apiKey, secretKey })
    .filter(([, value]) => !value)
    .map(([name]) => name);
  if (missing.length < 3) {
    throw failure(issuesOf(missing, "a value, as the other parts of the signature have one"));
  }
  const token = read(env, "token");
  if (token) return named(() => bearerAuth(token));
  throw failure([
    ...issuesOf(missing, "a value"),
    ...issuesOf(["token"], "a value, if there is no signature"),
  ]);
}

/** The base URL that the variables of the official SDKs name, if they do. */
export function baseUrlFromEnv(env: Environment): string | undefined {
  const urls = [
    ...baseUrlIn(env, "SAASUS_API_URL_BASE", "/v1/auth"),
    ...baseUrlIn(env, "SAASUS_BASE_URL", "/auth"),
  ];
  if (new Set(urls).size < 2) return urls[0];
  throw failure([{
    path: "SAASUS_BASE_URL",
    expected: "the URL of SAASUS_API_URL_BASE with /v1 behind it, or only one of the two",
  }]);
}

function baseUrlIn(env: Environment, path: string, suffix: string): string[] {
  const text = read(env, path);
  if (!text) return [];
  const url = normalizeBaseUrl(text.replace(/\/+$/, "") + suffix);
  if (url !== undefined) return [url];
  throw failure([{ path, expected: BASE_URL_EXPECTED }]);
}

/** What was given for options, or for the variables, if it is an object. */
export function checkObject<T>(value: T, path: string): T & object {
  if (typeof value === "object" && value !== null) return value;
  throw failure([{ path, expected: "an object" }]);
}

/** Refuses an `auth` beside the variables that it is made of. */
export function checkNoAuth(options: object): void {
  if (Reflect.get(options, "auth") === undefined) return;
  throw failure([{ path: "auth", expected: "none, as it is read from the environment" }]);
}

/** The value of a variable, or of the variable that a setting comes from. */
function read(env: Environment, setting: string): string | undefined {
  const name = VARIABLES[setting] ?? setting;
  let value: unknown;
  try {
    value = env[name];
  } catch {
    // Deno throws for a variable that it has no permission to read.
    throw failure([{ path: name, expected: `permission to read it (Deno: --allow-env=${name})` }]);
  }
  if (value === undefined || typeof value === "string") return value;
  throw failure([{ path: name, expected: "a string" }]);
}

/** Names the variables in place of the settings that they are. */
function named(make: () => RequestAuth): RequestAuth {
  try {
    return make();
  } catch (error) {
    if (!isCredentialError(error) || error.code !== "invalid_input") throw error;
    throw failure(
      error.issues.map((issue) => ({ ...issue, path: VARIABLES[issue.path] ?? issue.path })),
    );
  }
}

function issuesOf(settings: readonly string[], expected: string): ValidationIssue[] {
  return settings.map((setting) => ({ path: VARIABLES[setting] ?? setting, expected }));
}

function failure(issues: readonly ValidationIssue[]): CredentialInputError {
  return new CredentialInputError("Cannot create the client from the environment", { issues });
}
