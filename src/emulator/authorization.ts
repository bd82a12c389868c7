import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { AuthRequest, RequestAuth } from "../auth/request_auth.ts";
import { signatureAuth, type SignatureAuthOptions } from "../auth/signature_auth.ts";

/**
 * The bearer token that an emulator takes unless it is given another.
 *
 * @example A client for an emulator
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 * import { EMULATOR_BEARER_TOKEN } from "@saasus-sdk/credential/emulator";
 *
 * const client = new CredentialClient({
 *   auth: bearerAuth(EMULATOR_BEARER_TOKEN),
 *   baseUrl: "http://127.0.0.1:4010/v1/auth",
 * });
 * ```
 */
export const EMULATOR_BEARER_TOKEN = "emulator-bearer-token";

/**
 * The three parts of the signature that an emulator takes unless it is given others.
 *
 * @example A client that signs, for an emulator
 * ```ts
 * import { CredentialClient, signatureAuth } from "@saasus-sdk/credential";
 * import { EMULATOR_SIGNATURE } from "@saasus-sdk/credential/emulator";
 *
 * const client = new CredentialClient({
 *   auth: signatureAuth(EMULATOR_SIGNATURE),
 *   baseUrl: "http://127.0.0.1:4010/v1/auth",
 * });
 * ```
 */
export const EMULATOR_SIGNATURE: Readonly<SignatureAuthOptions> = /* @__PURE__ */ Object.freeze({
  saasId: "emulator-saas-id",
  apiKey: "emulator-api-key",
  secretKey: "emulator-secret-key-0123456789abcdef",
});

/** What an {@linkcode AuthorizationCheck} is made of. */
export interface AuthorizationCheckOptions {
  /** The bearer token that is taken. */
  bearerToken: string;
  /** The signature that is taken. */
  signature: SignatureAuthOptions;
  /** How many whole minutes the clocks may differ, each way. */
  signatureWindow: number;
  /** The clock: ms since the epoch. */
  now: () => number;
}

const MINUTE = 60_000;

/** Checks the `Authorization` of requests. */
export class AuthorizationCheck {
  readonly #bearerToken: string;
  readonly #sign: RequestAuth;
  readonly #signatureWindow: number;
  readonly #now: () => number;

  /** Makes a check. */
  constructor({ bearerToken, signature, signatureWindow, now }: AuthorizationCheckOptions) {
    this.#bearerToken = bearerToken;
    this.#sign = signatureAuth(signature);
    this.#signatureWindow = signatureWindow;
    this.#now = now;
  }

  /** Answers what is wrong with an `Authorization`; `undefined` if nothing is. */
  async problemWith(
    authorization: string | null,
    request: Pick<AuthRequest, "method" | "url" | "body">,
  ): Promise<string | undefined> {
    if (authorization === null) return 'Header "Authorization" is missing';
    const [scheme = ""] = authorization.split(" ", 1);
    switch (scheme.toLowerCase()) {
      case "bearer":
        return isSame(authorization.slice("Bearer ".length), this.#bearerToken)
          ? undefined
          : "The bearer token is wrong";
      case "saasussigv1":
        return await this.#isSigned(authorization, request)
          ? undefined
          : "The signature is wrong: compare the SaaS ID, the API key, the secret key and the clock";
      default:
        return 'The scheme is neither "Bearer" nor "SAASUSSIGV1"';
    }
  }

  async #isSigned(
    authorization: string,
    request: Pick<AuthRequest, "method" | "url" | "body">,
  ): Promise<boolean> {
    const now = this.#now();
    for (const minutes of nearestFirst(this.#signatureWindow)) {
      const timestamp = now + minutes * MINUTE;
      const expected = await this.#sign({ ...request, timestamp, rejected: false });
      if (isSame(authorization, expected)) return true;
    }
    return false;
  }
}

/** 0, -1, 1, -2, 2 and so on. */
function* nearestFirst(window: number): Generator<number> {
  yield 0;
  for (let minutes = 1; minutes <= window; minutes++) {
    yield -minutes;
    yield minutes;
  }
}

/** Takes as long for texts that differ early as for those that differ late. */
function isSame(text: string, expected: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
