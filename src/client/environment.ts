import { bearerAuth } from "../auth/bearer_auth.ts";
import type { RequestAuth } from "../auth/request_auth.ts";
import { signatureAuth } from "../auth/signature_auth.ts";
import {
  CredentialInputError,
  isCredentialError,
  SET_VARIABLE,
  type ValidationIssue,
} from "../errors.ts";
import { BASE_URL_EXPECTED, normalizeBaseUrl } from "./settings.ts";

/** Environment variables by name. An empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable of each option. */
const VARIABLES: Readonly<Record<string, string>> = {
  saasId: "SAASUS_SAAS_ID",
  apiKey: "SAASUS_API_KEY",
  secretKey: "SAASUS_SECRET_KEY",
  token: "BEARER_TOKEN",
};

/**
 * Returns the environment of the process on Deno, Bun and Node, and an empty one in browsers and
 * workers without one. Each variable is read separately, so that Deno requires no permission for
 * other variables.
 */
export function processEnvironment(): Environment {
  const { process } = globalThis as { process?: { env?: Environment } };
  return process?.env ?? {};
}

/** Creates an `auth` from the three variables of a signature, or else from the bearer token. */
export function authFromEnv(env: Environment): RequestAuth {
  const [saasId, apiKey, secretKey] = ["saasId", "apiKey", "secretKey"].map((name) =>
    read(env, name)
  );
  if (saasId && apiKey && secretKey) {
    return withVariableNames(() => signatureAuth({ saasId, apiKey, secretKey }));
  }
  const missing = Object.entries({ saasId, apiKey, secretKey })
    .filter(([, value]) => !value)
    .map(([name]) => name);
  if (missing.length < 3) throw inputError(missingIssues(missing));
  const token = read(env, "token");
  if (token) return withVariableNames(() => bearerAuth(token));
  throw inputError(missingIssues([...missing, "token"]));
}

/** Returns the base URL in the variables of the official SDKs, if one is set. */
export function baseUrlFromEnv(env: Environment): string | undefined {
  const urls = [
    ...baseUrlIn(env, "SAASUS_API_URL_BASE", "/v1/auth"),
    ...baseUrlIn(env, "SAASUS_BASE_URL", "/auth"),
  ];
  if (new Set(urls).size < 2) return urls[0];
  throw inputError([{
    path: "SAASUS_BASE_URL",
    expected: "the URL of SAASUS_API_URL_BASE followed by /v1, or only one of the two variables",
  }]);
}

function baseUrlIn(env: Environment, path: string, suffix: string): string[] {
  const text = read(env, path);
  if (!text) return [];
  const url = normalizeBaseUrl(text.replace(/\/+$/, "") + suffix);
  if (url !== undefined) return [url];
  throw inputError([{ path, expected: BASE_URL_EXPECTED }]);
}

/** Returns options or variables if they are an object. */
export function checkObject<T>(value: T, path: string): T & object {
  if (typeof value === "object" && value !== null) return value;
  throw inputError([{ path, expected: "an object" }]);
}

/** Rejects an `auth`, because the variables contain it. */
export function checkNoAuth(options: object): void {
  if (Reflect.get(options, "auth") === undefined) return;
  throw inputError([{
    path: "auth",
    expected: "no value, because it is read from the environment",
  }]);
}

/** Returns the value of a variable, or of the variable of an option. */
function read(env: Environment, option: string): string | undefined {
  const name = VARIABLES[option] ?? option;
  let value: unknown;
  try {
    value = env[name];
  } catch {
    // Deno throws for a variable that it has no permission to read.
    throw inputError([{
      path: name,
      expected: `permission to read it (Deno: --allow-env=${name})`,
    }]);
  }
  if (value === undefined || typeof value === "string") return value;
  throw inputError([{ path: name, expected: "a string" }]);
}

/** Names the variables instead of the options in an error. */
function withVariableNames(create: () => RequestAuth): RequestAuth {
  try {
    return create();
  } catch (error) {
    if (!isCredentialError(error) || error.code !== "invalid_input") throw error;
    throw inputError(
      error.issues.map((issue) => ({ ...issue, path: VARIABLES[issue.path] ?? issue.path })),
    );
  }
}

function missingIssues(options: readonly string[]): ValidationIssue[] {
  return options.map((name) => ({ path: VARIABLES[name] ?? name, expected: SET_VARIABLE }));
}

function inputError(issues: readonly ValidationIssue[]): CredentialInputError {
  return new CredentialInputError("Cannot create the client from the environment", { issues });
}
