import type { AuthRequest, RequestAuth } from "../auth/request_auth.ts";
import { signatureAuth, type SignatureAuthOptions } from "../auth/signature_auth.ts";
import { isSame } from "./tokens.ts";

/**
 * Default bearer token of an emulator.
 *
 * @category Emulator
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
 * Default signature settings of an emulator.
 *
 * @category Emulator
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

/** Options for {@linkcode AuthorizationCheck}. */
export interface AuthorizationCheckOptions {
  /** The accepted bearer token. */
  bearerToken: string;
  /** The accepted signature. */
  signature: SignatureAuthOptions;
  /** The accepted difference of the clocks, in whole minutes each way. */
  signatureWindow: number;
  /** The clock, in ms since the epoch. */
  now: () => number;
}

const MINUTE = 60_000;

/** Checks the `Authorization` of requests. */
export class AuthorizationCheck {
  readonly #bearerToken: string;
  readonly #sign: RequestAuth;
  readonly #signatureWindow: number;
  readonly #now: () => number;

  /** Creates a check. */
  constructor({ bearerToken, signature, signatureWindow, now }: AuthorizationCheckOptions) {
    this.#bearerToken = bearerToken;
    this.#sign = signatureAuth(signature);
    this.#signatureWindow = signatureWindow;
    this.#now = now;
  }

  /** Returns the problem of an `Authorization`; `undefined` if it is valid. */
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

/** Yields 0, -1, 1, -2, 2 and so on. */
function* nearestFirst(window: number): Generator<number> {
  yield 0;
  for (let minutes = 1; minutes <= window; minutes++) {
    yield -minutes;
    yield minutes;
  }
}
