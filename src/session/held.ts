import type { Credentials } from "../models.ts";
import {
  expiryOf,
  type Freshness,
  freshnessOf,
  type Origin,
  type Span,
  timeClaimsOf,
} from "./expiry.ts";

/** Credentials with all that has to be known to use them, worked out once. */
export interface HeldCredentials extends Span, Freshness {
  /** The tokens. */
  readonly credentials: Credentials;
  /** When the ID token was issued, in s of the issuer's clock. */
  readonly issuedAt: number | undefined;
}

/** Where credentials came from, and when. */
export interface Receipt {
  /** When they came, in ms of the local clock. */
  readonly receivedAt: number;
  /** Where they came from. */
  readonly origin: Origin;
  /** How long ahead of its expiry an ID token is due for a refresh, in ms. */
  readonly margin: number | undefined;
  /** The refresh token that was asked with; it stays in use if no other comes. */
  readonly refreshToken?: string | undefined;
}

/** Credentials that came just now. An empty `refresh_token`, or `null`, says what an absent one does. */
export function received(
  { id_token, access_token, refresh_token }: Credentials,
  { receivedAt, origin, margin, refreshToken }: Receipt,
): HeldCredentials {
  const current = refresh_token || refreshToken;
  const credentials = current
    ? { id_token, access_token, refresh_token: current }
    : { id_token, access_token };
  const claims = timeClaimsOf(id_token);
  const span = { receivedAt, expiresAt: expiryOf(claims, receivedAt, origin) };
  return { credentials, issuedAt: claims.iat, ...span, ...freshnessOf(span, margin) };
}

/** Credentials that were stored, with their times. */
export function restored(
  credentials: Credentials,
  span: Span,
  margin: number | undefined,
): HeldCredentials {
  const { iat } = timeClaimsOf(credentials.id_token);
  return { credentials, issuedAt: iat, ...span, ...freshnessOf(span, margin) };
}

/** Whether the ID token is valid, and not yet due for a refresh. */
export function isFresh({ freshFrom, freshUntil }: HeldCredentials, now: number): boolean {
  return freshFrom <= now && now < freshUntil;
}

/** Whether the ID token is valid. */
export function isValid({ freshFrom, expiresAt }: HeldCredentials, now: number): boolean {
  return freshFrom <= now && now < expiresAt;
}

/** What a login is known by: its refresh token, as that of one generation of a rotation. */
export function keyOf({ credentials }: HeldCredentials): string {
  return credentials.refresh_token ?? credentials.id_token;
}

/** Which of two was issued later: by the clock of the issuer, which all who share a store have in common. */
export function isIssuedLater(one: HeldCredentials, other: HeldCredentials): boolean {
  const difference = (one.issuedAt ?? NaN) - (other.issuedAt ?? NaN);
  return difference ? difference > 0 : one.receivedAt > other.receivedAt;
}

/** How many logins that are over are remembered. */
const MOST_SPENT = 20;

/** The logins that are over: replaced by a rotation, rejected or signed out. What a store still has of them counts for nothing. */
export class SpentLogins {
  /** The oldest first. */
  readonly #keys = new Set<string>();

  /** Remembers one, and forgets the oldest if there are too many. */
  add(held: HeldCredentials): void {
    this.#keys.add(keyOf(held));
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST_SPENT && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Forgets one, since it is used again. */
  delete(held: HeldCredentials): void {
    this.#keys.delete(keyOf(held));
  }

  /** Whether it is one of them. */
  has(held: HeldCredentials): boolean {
    return this.#keys.has(keyOf(held));
  }
}
