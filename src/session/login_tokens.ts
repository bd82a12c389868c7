import { type Credentials, jwtClaims } from "../models.ts";

/** The tokens of one login, with their times in ms of the local clock. */
export interface Login {
  /** The tokens. */
  readonly credentials: Credentials;
  /** The time of issue of the ID token, in s of the issuer's clock. */
  readonly issuedAt: number | undefined;
  /** The time when the tokens were received. */
  readonly receivedAt: number;
  /** The expiry of the ID token; `Infinity` if unknown: it is used until a server rejects it. */
  readonly expiresAt: number;
  /** The earliest plausible time: before it, the clock was set back, and the age is unknown. */
  readonly freshFrom: number;
  /** The time from which the ID token is due for a refresh. */
  readonly freshUntil: number;
}

/**
 * The source of received tokens, which limits their age: a refresh issues them at that moment, a
 * temporary code may stand for tokens that another application saved some time ago, and tokens
 * given by the application can have any age.
 */
export type TokenSource = "refresh" | "code" | "given";

/** The circumstances in which tokens were received. */
export interface Receipt {
  /** The time of receipt, in ms of the local clock. */
  readonly receivedAt: number;
  /** The source of the tokens. */
  readonly source: TokenSource;
  /** The time before expiry at which an ID token is due for a refresh, in ms. */
  readonly margin: number | undefined;
  /** The refresh token of the request. It stays in use if the response contains none. */
  readonly refreshToken?: string | undefined;
}

const DEFAULT_MARGIN = 300_000;

/** The age from which tokens behind a code count as saved earlier by another application. */
const HAND_OVER_AGE = 60_000;

/** Ten years. A longer lifetime is a mistake, such as an `exp` in ms. */
const MAX_LIFETIME = 315_360_000_000;

/** Creates a login from tokens that were just received. An empty refresh token counts as absent. */
export function receivedLogin(
  { id_token, access_token, refresh_token }: Credentials,
  { receivedAt, source, margin, refreshToken }: Receipt,
): Login {
  const current = refresh_token || refreshToken;
  const credentials = { id_token, access_token, ...current && { refresh_token: current } };
  const expiresAt = expiryOf(timeClaimsOf(id_token), receivedAt, source);
  return restoredLogin(credentials, { receivedAt, expiresAt }, margin);
}

/**
 * Creates a login from tokens whose lifetime is known. The ID token is due for a refresh a margin
 * ahead of its expiry: the smaller of 5 min and 20 % of its lifetime, or the `margin` option, but
 * at most 90 % of the lifetime, because otherwise a new token would be due at once.
 */
export function restoredLogin(
  credentials: Credentials,
  { receivedAt, expiresAt }: Pick<Login, "receivedAt" | "expiresAt">,
  margin: number | undefined,
): Login {
  const { iat: issuedAt } = timeClaimsOf(credentials.id_token);
  const login = { credentials, issuedAt, receivedAt, expiresAt };
  if (expiresAt === Infinity) return { ...login, freshFrom: -Infinity, freshUntil: Infinity };
  const lifetime = Math.max(0, expiresAt - receivedAt);
  const standard = Math.min(DEFAULT_MARGIN, lifetime / 5);
  return {
    ...login,
    freshFrom: receivedAt - standard,
    freshUntil: expiresAt - Math.min(margin ?? standard, lifetime * 0.9),
  };
}

/** The time claims of an ID token, in s since the epoch, if they are finite numbers. */
interface TimeClaims {
  readonly iat: number | undefined;
  readonly exp: number | undefined;
}

function timeClaimsOf(idToken: string): TimeClaims {
  const { iat, exp } = jwtClaims(idToken) ?? {};
  return { iat: finite(iat), exp: finite(exp) };
}

function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/**
 * Returns the expiry of an ID token on the local clock, which may be hours off. It is counted from
 * the receipt of the token: compared with `exp` itself, a clock that is ahead would see every new
 * token as expired, and refresh endlessly.
 */
function expiryOf({ iat, exp }: TimeClaims, receivedAt: number, source: TokenSource): number {
  if (exp === undefined) return Infinity;
  const byClock = exp * 1000;
  if (byClock - (iat === undefined ? receivedAt : iat * 1000) > MAX_LIFETIME) return Infinity;
  // A token that was just issued has not expired: its `exp` is nonsense, or the clock is ahead.
  if (iat === undefined) return byClock > receivedAt || source === "given" ? byClock : Infinity;
  if (exp <= iat) return Infinity;
  const byLifetime = receivedAt + byClock - iat * 1000;
  if (source === "given") return Math.min(byClock, byLifetime);
  const isHandedOver = source === "code" && iat * 1000 + HAND_OVER_AGE < receivedAt &&
    receivedAt < byClock;
  return isHandedOver ? byClock : byLifetime;
}

/** Checks whether the ID token is valid and not yet due for a refresh. */
export function isFresh({ freshFrom, freshUntil }: Login, now: number): boolean {
  return freshFrom <= now && now < freshUntil;
}

/** Checks whether the ID token is valid. */
export function isValid({ freshFrom, expiresAt }: Login, now: number): boolean {
  return freshFrom <= now && now < expiresAt;
}

/** Returns the token that identifies a login until the next rotation. */
export function keyOf({ credentials }: Login): string {
  return credentials.refresh_token ?? credentials.id_token;
}

/** Returns a text that identifies the record of a login in the store. */
export function recordOf(login: Login): string {
  return `${login.receivedAt} ${keyOf(login)}`;
}

/**
 * Checks which of two logins was issued later, by the issuer's clock, which all processes have in
 * common.
 */
export function isIssuedLater(one: Login, other: Login): boolean {
  const difference = (one.issuedAt ?? NaN) - (other.issuedAt ?? NaN);
  return difference ? difference > 0 : one.receivedAt > other.receivedAt;
}
