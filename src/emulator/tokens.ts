import { Buffer } from "node:buffer";
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { type Credentials, jwtClaims } from "../models.ts";
import type { User } from "./users.ts";

/** A login, from the login page to the last refresh. */
export interface Login {
  /** The user. */
  readonly user: User;
  /** The time of the sign-in, in ms since the epoch. */
  readonly authTime: number;
  /** The lifetime of ID tokens and access tokens, in ms. */
  readonly idTokenLifetime: number;
  /** Whether a refresh returns a new refresh token. */
  readonly rotation: boolean;
}

/** Options for {@linkcode TokenMint}. */
export interface TokenMintOptions {
  /** The key of the JWTs' signatures. */
  secretKey: string;
  /** The clock, in ms since the epoch. */
  now: () => number;
}

/** Tokens that every login and every refresh returns. */
export type ShortLivedTokens = Pick<Credentials, "id_token" | "access_token">;

/** The claims of a JWT. */
export type Claims = Readonly<Record<string, unknown>>;

/** The user pool of the tokens. It does not exist. */
const ISSUER = "https://cognito-idp.ap-northeast-1.amazonaws.com/ap-northeast-1_emulator";
const CLIENT_ID = "emulator-client-id";

/** Issues tokens, and checks them. No two tokens are equal. */
export class TokenMint {
  readonly #options: TokenMintOptions;

  /** Creates a mint. */
  constructor(options: TokenMintOptions) {
    this.#options = options;
  }

  /** Issues an ID token and an access token. */
  issue(login: Login): ShortLivedTokens {
    const { user: { sub, email, claims }, idTokenLifetime } = login;
    const iat = Math.floor(this.#options.now() / 1000);
    const common = {
      auth_time: Math.floor(login.authTime / 1000),
      event_id: randomUUID(),
      iss: ISSUER,
    };
    // The times may have fractions (RFC 7519, section 2, NumericDate).
    const fixed = { sub, iat, exp: iat + idTokenLifetime / 1000 };
    return {
      id_token: this.#jwt({
        ...common,
        aud: CLIENT_ID,
        "cognito:username": sub,
        ...(email === "" ? {} : { email, email_verified: true }),
        ...claims,
        ...fixed,
        token_use: "id",
      }),
      access_token: this.#jwt({
        ...common,
        client_id: CLIENT_ID,
        username: sub,
        scope: "aws.cognito.signin.user.admin",
        ...fixed,
        token_use: "access",
      }),
    };
  }

  /** Returns the claims of an ID token that this mint has issued and that has not expired. */
  verify(idToken: string): Claims | undefined {
    const claims = jwtClaims(idToken);
    const [header, payload, signature = ""] = idToken.split(".");
    if (claims === undefined || !isSame(signature, this.#signatureOf(`${header}.${payload}`))) {
      return undefined;
    }
    const isAlive = this.#options.now() < Number(claims["exp"]) * 1000;
    return claims["token_use"] === "id" && isAlive ? claims : undefined;
  }

  #jwt(claims: Claims): string {
    const text = `${base64urlJson({ alg: "HS256", typ: "JWT" })}.${base64urlJson(claims)}`;
    return `${text}.${this.#signatureOf(text)}`;
  }

  #signatureOf(text: string): string {
    return createHmac("sha256", this.#options.secretKey).update(text).digest("base64url");
  }
}

/**
 * Issues a refresh token: opaque, and of the size and characters of a real one, which is a JWE of
 * five parts.
 */
export function mintRefreshToken(): string {
  const header = base64urlJson({ cty: "JWT", enc: "A256GCM", alg: "RSA-OAEP" });
  const [key, iv, content, tag] = [256, 12, 480, 16].map((size) =>
    randomBytes(size).toString("base64url")
  );
  return [header, key, iv, content, tag].join(".");
}

/** Compares two texts in a time that does not depend on where they differ. */
export function isSame(text: string, expected: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function base64urlJson(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
