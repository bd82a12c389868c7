import { Buffer } from "node:buffer";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { Credentials } from "../models.ts";

/** What a {@linkcode TokenMint} is made of. */
export interface TokenMintOptions {
  /** The key of the JWTs' signatures. */
  secretKey: string;
  /** How long ID tokens and access tokens are valid, in ms. */
  idTokenLifetime: number;
  /** The clock: ms since the epoch. */
  now: () => number;
}

/** The tokens that come with every login and every refresh. */
export type ShortLivedTokens = Pick<Credentials, "id_token" | "access_token">;

/** Makes tokens that no two calls share. */
export class TokenMint {
  readonly #options: TokenMintOptions;

  /** Makes a mint. */
  constructor(options: TokenMintOptions) {
    this.#options = options;
  }

  /** A new ID token and a new access token. */
  shortLived(subject: string): ShortLivedTokens {
    return { id_token: this.#jwt(subject, "id"), access_token: this.#jwt(subject, "access") };
  }

  #jwt(subject: string, use: "id" | "access"): string {
    const { secretKey, idTokenLifetime, now } = this.#options;
    const iat = Math.floor(now() / 1000);
    const claims = {
      sub: subject,
      token_use: use,
      jti: randomUUID(),
      iat,
      // Both may have fractions (RFC 7519, section 2, NumericDate).
      exp: iat + idTokenLifetime / 1000,
    };
    const text = `${base64urlJson({ alg: "HS256", typ: "JWT" })}.${base64urlJson(claims)}`;
    return `${text}.${createHmac("sha256", secretKey).update(text).digest("base64url")}`;
  }
}

/** A new refresh token: opaque, and of the size and the characters of a real one, which is a JWE of five parts. */
export function mintRefreshToken(): string {
  const header = base64urlJson({ cty: "JWT", enc: "A256GCM", alg: "RSA-OAEP" });
  const [key, iv, content, tag] = [256, 12, 480, 16].map((size) =>
    randomBytes(size).toString("base64url")
  );
  return [header, key, iv, content, tag].join(".");
}

/** The `sub` claim of an ID token; `undefined` where it is no JWT or has none. */
export function subjectOf(idToken: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString(),
    );
    return typeof claims === "object" && claims !== null && "sub" in claims &&
        typeof claims.sub === "string"
      ? claims.sub
      : undefined;
  } catch {
    return undefined;
  }
}

function base64urlJson(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
