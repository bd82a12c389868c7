import { randomUUID } from "node:crypto";
import { ExpiringMap } from "./expiring_map.ts";
import { type Login, mintRefreshToken, type TokenMint } from "./tokens.ts";
import { type Credentials, jwtClaims } from "../models.ts";
import type { User, UserDirectory } from "./users.ts";

/** Options for {@linkcode CredentialVault}. */
export interface CredentialVaultOptions {
  /** The lifetime of temporary codes, in ms. */
  codeLifetime: number;
  /** The lifetime of ID tokens and access tokens, in ms. */
  idTokenLifetime: number;
  /** Whether a refresh returns a new refresh token and retires the old one. */
  rotation: boolean;
  /** The time for which a refresh token stays valid after its rotation, in ms. */
  rotationGrace: number;
  /** The clock, in ms since the epoch. */
  now: () => number;
  /** The issuer of tokens. */
  mint: TokenMint;
  /** The users. */
  users: UserDirectory;
}

/** Credentials, and the user to whom they belong. */
export interface OwnedCredentials {
  /** The credentials. */
  readonly credentials: Credentials;
  /** The user. */
  readonly user: User;
}

/** Differences of a login from the settings of the emulator. */
export interface LoginChanges {
  /** Whether the login has a refresh token. */
  readonly refreshToken?: boolean;
  /** The time after which the refresh token is revoked, in ms. */
  readonly revokedAfter?: number | undefined;
  /** The lifetime of ID tokens and access tokens, in ms. */
  readonly idTokenLifetime?: number | undefined;
  /** Whether a refresh returns a new refresh token. */
  readonly rotation?: boolean | undefined;
}

const REFRESH_TOKEN_LIFETIME = 30 * 24 * 60 * 60 * 1000;

/** The number of codes, and of refresh tokens, that are kept. The oldest goes first. */
const CAPACITY = 10_000;

/** A refresh token that was rotated or revoked, and the time until which it is accepted. */
interface Retired {
  readonly login: Login | undefined;
  readonly validUntil: number;
}

/**
 * The codes and refresh tokens of an emulator. No method awaits anything, so that each is one step:
 * of many concurrent calls with one code, a single call gets the tokens.
 */
export class CredentialVault {
  readonly #options: CredentialVaultOptions;
  readonly #codes: ExpiringMap<OwnedCredentials>;
  readonly #refreshTokens: ExpiringMap<Login>;
  /** Kept, so that saving a dead refresh token does not bring it back to life. */
  readonly #retired: ExpiringMap<Retired>;

  /** Creates an empty vault. */
  constructor(options: CredentialVaultOptions) {
    this.#options = options;
    const { now } = options;
    this.#codes = new ExpiringMap({ capacity: CAPACITY, now });
    this.#refreshTokens = new ExpiringMap({ capacity: CAPACITY, now });
    this.#retired = new ExpiringMap({ capacity: CAPACITY, now });
  }

  /** Issues the tokens of a new login. */
  logIn(user: User, changes: LoginChanges = {}): Credentials {
    const { idTokenLifetime, rotation, mint, now } = this.#options;
    const login: Login = {
      user,
      authTime: now(),
      idTokenLifetime: changes.idTokenLifetime ?? idTokenLifetime,
      rotation: changes.rotation ?? rotation,
    };
    this.#options.users.remember(user);
    if (changes.refreshToken === false) return mint.issue(login);
    const refresh_token = this.#mintFor(login);
    if (changes.revokedAfter !== undefined) this.#retire(refresh_token, changes.revokedAfter);
    return { ...mint.issue(login), refresh_token };
  }

  /** Saves credentials, and returns the code for which they can be had once. */
  save(credentials: Credentials, lifetime: number = this.#options.codeLifetime): string {
    const user = this.#options.users.ofClaims(jwtClaims(credentials.id_token) ?? {});
    if (credentials.refresh_token !== undefined) this.#learn(credentials.refresh_token, user);
    const code = randomUUID();
    this.#codes.set(code, { credentials, user }, lifetime);
    return code;
  }

  /**
   * Returns the credentials of a code and ends the code; `undefined` if it is unknown, used or
   * expired.
   */
  exchange(code: string): OwnedCredentials | undefined {
    return this.#codes.take(code);
  }

  /**
   * Returns new tokens for a refresh token; `undefined` if it is unknown, expired, revoked or
   * rotated.
   */
  refresh(refreshToken: string): OwnedCredentials | undefined {
    const login = this.#loginOf(refreshToken);
    if (login === undefined) return undefined;
    const { mint, rotationGrace } = this.#options;
    const tokens = mint.issue(login);
    if (!login.rotation) return { credentials: tokens, user: login.user };
    this.#retire(refreshToken, rotationGrace);
    const credentials = { ...tokens, refresh_token: this.#mintFor(login) };
    return { credentials, user: login.user };
  }

  /** Revokes a refresh token at once, and returns whether it was valid. */
  revoke(refreshToken: string): boolean {
    const wasValid = this.#loginOf(refreshToken) !== undefined;
    this.#retired.take(refreshToken);
    this.#retire(refreshToken, 0);
    return wasValid;
  }

  /** Forgets all codes and refresh tokens. */
  reset(): void {
    for (const map of [this.#codes, this.#refreshTokens, this.#retired]) map.clear();
  }

  #loginOf(refreshToken: string): Login | undefined {
    const retired = this.#retired.get(refreshToken);
    if (retired === undefined) return this.#refreshTokens.get(refreshToken);
    return this.#options.now() < retired.validUntil ? retired.login : undefined;
  }

  #mintFor(login: Login): string {
    const refreshToken = mintRefreshToken();
    this.#refreshTokens.set(refreshToken, login, REFRESH_TOKEN_LIFETIME);
    return refreshToken;
  }

  /** Keeps a refresh token that somebody has saved. */
  #learn(refreshToken: string, user: User): void {
    if (this.#refreshTokens.get(refreshToken) !== undefined) return;
    const { idTokenLifetime, rotation, now } = this.#options;
    const login = { user, authTime: now(), idTokenLifetime, rotation };
    this.#refreshTokens.set(refreshToken, login, REFRESH_TOKEN_LIFETIME);
  }

  /** Ends a refresh token after a time. A second refresh within that time does not lengthen it. */
  #retire(refreshToken: string, grace: number): void {
    const earlier = this.#retired.get(refreshToken);
    const validUntil = this.#options.now() + grace;
    if (earlier !== undefined && earlier.validUntil <= validUntil) return;
    const login = earlier?.login ?? this.#refreshTokens.take(refreshToken);
    this.#retired.set(refreshToken, { login, validUntil }, REFRESH_TOKEN_LIFETIME);
  }
}
