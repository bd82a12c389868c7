import { bearerAuth } from "../auth/bearer_auth.ts";
import type { RequestAuth } from "../auth/request_auth.ts";
import { signatureAuth, type SignatureAuthOptions } from "../auth/signature_auth.ts";
import { CredentialInputError, SET_VARIABLE, type ValidationIssue } from "../errors.ts";
import { isObject } from "../validation.ts";
import type { CredentialClientOptions, FromEnvOptions } from "./options.ts";
import { BASE_URL_EXPECTED, normalizeBaseUrl } from "./settings.ts";

/** Environment variables by name. An empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable of each option. */
const VARIABLES = {
  saasId: "SAASUS_SAAS_ID",
  apiKey: "SAASUS_API_KEY",
  secretKey: "SAASUS_SECRET_KEY",
  token: "BEARER_TOKEN",
} as const;

/** Returns the options of a client, with the `auth` and the base URL of the environment. */
export function optionsFromEnv(options: FromEnvOptions): CredentialClientOptions {
  const { env = processEnvironment(), ...settings } = checkObject(options, "");
  if (Reflect.get(settings, "auth") !== undefined) {
    throw inputError({
      path: "auth",
      expected: "no value",
    });
  }
  const variables = checkObject(env, "env");
  const baseUrl = settings.baseUrl ?? baseUrlFromEnv(variables);
  return { ...settings, baseUrl, auth: authFromEnv(variables) };
}

function checkObject<T>(value: T, path: string): T & object {
  if (isObject(value)) return value;
  throw inputError({ path, expected: "an object" });
}

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
  const signature = {
    saasId: read(env, VARIABLES.saasId),
    apiKey: read(env, VARIABLES.apiKey),
    secretKey: read(env, VARIABLES.secretKey),
  };
  const { saasId, apiKey, secretKey } = signature;
  const hasSignature = saasId || apiKey || secretKey;
  const token = hasSignature ? undefined : read(env, VARIABLES.token);
  if (!hasSignature && !token) throw inputError(...Object.values(VARIABLES).map(notSet));
  try {
    return token ? bearerAuth(token) : signatureAuth(signature as SignatureAuthOptions);
  } catch (error) {
    // The error names options, not variables.
    const { issues } = error as CredentialInputError;
    const values = { ...signature, token };
    throw inputError(...issues.map(({ path, expected }) => {
      const option = path as keyof typeof values;
      const name = VARIABLES[option];
      return values[option] ? { path: name, expected } : notSet(name);
    }));
  }
}

function notSet(path: string): ValidationIssue {
  return { path, expected: SET_VARIABLE };
}

/** Returns the base URL in the variables of the official SDKs, if one is set. */
export function baseUrlFromEnv(env: Environment): string | undefined {
  const url = baseUrlIn(env, "SAASUS_API_URL_BASE", "/v1/auth");
  const other = baseUrlIn(env, "SAASUS_BASE_URL", "/auth");
  if (url === undefined || other === undefined || url === other) return url ?? other;
  throw inputError({
    path: "SAASUS_BASE_URL",
    expected: "the URL of SAASUS_API_URL_BASE followed by /v1, or only one of the two variables",
  });
}

function baseUrlIn(env: Environment, name: string, suffix: string): string | undefined {
  const text = read(env, name);
  if (!text) return undefined;
  const url = normalizeBaseUrl(text.replace(/\/+$/, "") + suffix);
  if (url !== undefined) return url;
  throw inputError({ path: name, expected: BASE_URL_EXPECTED });
}

function read(env: Environment, name: string): string | undefined {
  let value: unknown;
  try {
    value = env[name];
  } catch {
    // Deno throws for a variable that it has no permission to read.
    throw inputError({
      path: name,
      expected: `permission to read it (Deno: --allow-env=${name})`,
    });
  }
  if (value === undefined || typeof value === "string") return value;
  throw inputError({ path: name, expected: "a string" });
}

function inputError(...issues: readonly ValidationIssue[]): CredentialInputError {
  return new CredentialInputError("Cannot create the client from the environment", { issues });
}
