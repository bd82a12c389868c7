import { randomUUID } from "node:crypto";
import { ExpiringMap } from "./expiring_map.ts";
import { mintRefreshToken, subjectOf, type TokenMint } from "./tokens.ts";
import type { Credentials } from "../models.ts";

/** What a {@linkcode CredentialVault} is made of. */
export interface CredentialVaultOptions {
  /** How long a temporary code is valid, in ms. */
  codeLifetime: number;
  /** Whether a refresh issues a new refresh token and retires the old one. */
  rotation: boolean;
  /** How long a refresh token stays valid after its rotation, in ms. */
  rotationGrace: number;
  /** How many codes, and how many refresh tokens, are held at most. */
  capacity: number;
  /** The clock: ms since the epoch. */
  now: () => number;
  /** Makes the tokens. */
  mint: TokenMint;
}

const REFRESH_TOKEN_LIFETIME = 30 * 24 * 60 * 60 * 1000;

/** A refresh token that was rotated or revoked, and until when it is still taken. */
interface Retired {
  readonly subject: string;
  readonly validUntil: number;
}

/**
 * The codes and refresh tokens that the emulator knows. No method awaits anything, so that each is one step: of many
 * simultaneous calls with the same code, one gets the tokens.
 */
export class CredentialVault {
  readonly #options: CredentialVaultOptions;
  readonly #codes: ExpiringMap<Credentials>;
  /** The subject of each valid refresh token. */
  readonly #refreshTokens: ExpiringMap<string>;
  /** Kept, so that saving a dead refresh token does not bring it back to life. */
  readonly #retired: ExpiringMap<Retired>;

  /** Makes an empty vault. */
  constructor(options: CredentialVaultOptions) {
    this.#options = options;
    this.#codes = new ExpiringMap(options);
    this.#refreshTokens = new ExpiringMap(options);
    this.#retired = new ExpiringMap(options);
  }

  /** Tokens of a new login. */
  logIn(subject: string): Credentials {
    return { ...this.#options.mint.shortLived(subject), refresh_token: this.#mintFor(subject) };
  }

  /** Saves credentials, and returns the code that they can be had for, once. */
  save(credentials: Credentials): string {
    const { id_token, refresh_token } = credentials;
    if (refresh_token !== undefined) this.#learn(refresh_token, subjectOf(id_token));
    const code = randomUUID();
    this.#codes.set(code, credentials, this.#options.codeLifetime);
    return code;
  }

  /** The credentials behind a code, which is spent with that; `undefined` if it is unknown, spent or expired. */
  exchange(code: string): Credentials | undefined {
    return this.#codes.take(code);
  }

  /** New tokens for a refresh token; `undefined` if it is unknown, expired, revoked or rotated. */
  refresh(refreshToken: string): Credentials | undefined {
    const subject = this.#subjectOf(refreshToken);
    if (subject === undefined) return undefined;
    const { mint, rotation, rotationGrace } = this.#options;
    if (!rotation) return mint.shortLived(subject);
    this.#retire(refreshToken, rotationGrace);
    return { ...mint.shortLived(subject), refresh_token: this.#mintFor(subject) };
  }

  /** Makes a refresh token invalid at once, and returns whether it was valid. */
  revoke(refreshToken: string): boolean {
    const wasValid = this.#subjectOf(refreshToken) !== undefined;
    this.#retired.take(refreshToken);
    this.#retire(refreshToken, 0);
    return wasValid;
  }

  #subjectOf(refreshToken: string): string | undefined {
    const retired = this.#retired.get(refreshToken);
    if (retired === undefined) return this.#refreshTokens.get(refreshToken);
    return this.#options.now() < retired.validUntil ? retired.subject : undefined;
  }

  #mintFor(subject: string): string {
    const refreshToken = mintRefreshToken();
    this.#learn(refreshToken, subject);
    return refreshToken;
  }

  #learn(refreshToken: string, subject: string = randomUUID()): void {
    if (this.#refreshTokens.get(refreshToken) === undefined) {
      this.#refreshTokens.set(refreshToken, subject, REFRESH_TOKEN_LIFETIME);
    }
  }

  /** A second refresh within the grace time does not lengthen it. */
  #retire(refreshToken: string, grace: number): void {
    if (this.#retired.get(refreshToken) !== undefined) return;
    const subject = this.#refreshTokens.take(refreshToken) ?? "";
    const validUntil = this.#options.now() + grace;
    this.#retired.set(refreshToken, { subject, validUntil }, REFRESH_TOKEN_LIFETIME);
  }
}
