import { bearerAuth } from "./bearer_auth.ts";
import { CredentialInputError } from "./errors.ts";
import type { RequestAuth } from "./request_auth.ts";
import type { ValidationIssue } from "./schema.ts";
import { signatureAuth } from "./signature_auth.ts";

/** Variables of an environment; an empty one counts as missing. */
export type Environment = Readonly<Record<string, string | undefined>>;

const SIGNATURE_VARIABLES = ["SAASUS_SAAS_ID", "SAASUS_API_KEY", "SAASUS_SECRET_KEY"] as const;

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
  const [saasId, apiKey, secretKey] = SIGNATURE_VARIABLES.map((name) => read(env, name));
  if (saasId && apiKey && secretKey) return signatureAuth({ saasId, apiKey, secretKey });
  const missing = SIGNATURE_VARIABLES.filter((name) => !read(env, name));
  if (missing.length < SIGNATURE_VARIABLES.length) {
    throw failure(
      missing.map((path) => ({
        path,
        expected: "a value, as the other parts of the signature have one",
      })),
    );
  }
  const token = read(env, "BEARER_TOKEN");
  if (token) return bearerAuth(token);
  throw failure([
    ...missing.map((path) => ({ path, expected: "a value" })),
    { path: "BEARER_TOKEN", expected: "a value, if there is no signature" },
  ]);
}

/** The base URL that the variables of the official SDKs name, if they do. */
export function baseUrlFromEnv(env: Environment): string | undefined {
  const origin = read(env, "SAASUS_API_URL_BASE");
  const version = read(env, "SAASUS_BASE_URL");
  const urls = [
    ...(origin ? [`${withoutSlash(origin)}/v1/auth`] : []),
    ...(version ? [`${withoutSlash(version)}/auth`] : []),
  ];
  if (urls.length === 2 && urls[0] !== urls[1]) {
    throw failure([{
      path: "SAASUS_BASE_URL",
      expected: "the URL of SAASUS_API_URL_BASE with /v1 behind it, or only one of the two",
    }]);
  }
  return urls[0];
}

function read(env: Environment, name: string): string | undefined {
  try {
    return env[name];
  } catch {
    // Deno throws for a variable that it has no permission to read.
    throw failure([{ path: name, expected: `permission to read it (--allow-env=${name})` }]);
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

function failure(issues: readonly ValidationIssue[]): CredentialInputError {
  return new CredentialInputError("Cannot create the client from the environment", { issues });
}
