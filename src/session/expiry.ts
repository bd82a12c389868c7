import * as v from "valibot";
import { type Schema, validate } from "../validation.ts";

/** How credentials came to the session, and so what is known of their age. */
export type Origin =
  /** Out of a refresh: minted just now. */
  | "refresh"
  /** Out of a temporary code, behind which another application may have saved tokens that were not new any more. */
  | "code"
  /** From the application: out of a cookie or a test, of any age. */
  | "known";

/** The claims of an ID token that tell how long it is valid, in s since the epoch; those that are no numbers left out. */
export interface TimeClaims {
  /** When the token was issued. */
  readonly iat?: number | undefined;
  /** When it expires. */
  readonly exp?: number | undefined;
}

/** When credentials came, and when their ID token expires, in ms of the local clock. */
export interface Span {
  /** When they came. */
  readonly receivedAt: number;
  /** When the ID token expires; `Infinity` where nobody knows: it is then used until somebody answers 401 to it. */
  readonly expiresAt: number;
}

/** From when until when an ID token is handed out without a second thought, in ms of the local clock. */
export interface Freshness {
  /** Before that, the clock must have been set back, and the token may be older than it seems. */
  readonly freshFrom: number;
  /** From then on the token is due for a refresh. */
  readonly freshUntil: number;
}

const DEFAULT_MARGIN = 5 * 60_000;

/** The age from which on the tokens behind a code count as handed over, and not as minted for this login. */
const HANDED_OVER_AGE = 60_000;

/** What claims to be valid for longer is nonsense, such as an `exp` in ms. */
const LONGEST_LIFETIME = 10 * 365 * 24 * 60 * 60_000;

const seconds = /* @__PURE__ */ v.fallback(
  /* @__PURE__ */ v.optional(/* @__PURE__ */ v.pipe(
    /* @__PURE__ */ v.number(),
    /* @__PURE__ */ v.finite(),
  )),
  undefined,
);

const timeClaims: Schema<TimeClaims> = /* @__PURE__ */ v.object({ iat: seconds, exp: seconds });

/** Reads the claims of a JWT without verifying it: the session has it from the service itself, over TLS. */
export function timeClaimsOf(idToken: string): TimeClaims {
  const payload = idToken.split(".")[1];
  if (payload === undefined) return {};
  try {
    // atob returns bytes, not UTF-8: that garbles names, but no numbers.
    const json: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const claims = validate(timeClaims, json);
    return claims.ok ? claims.value : {};
  } catch {
    return {};
  }
}

/**
 * When an ID token expires, on the local clock, which may be hours off: what counts is the lifetime, from the receipt on.
 * Counted against `exp` itself, a clock that is ahead would see every new token as expired, and refresh forever.
 *
 * @param claims The claims of the token.
 * @param receivedAt When it came, in ms of the local clock.
 * @param origin Where it came from.
 */
export function expiryOf({ iat, exp }: TimeClaims, receivedAt: number, origin: Origin): number {
  if (exp === undefined) return Infinity;
  const byClock = exp * 1000;
  if (byClock - (iat === undefined ? receivedAt : iat * 1000) > LONGEST_LIFETIME) return Infinity;
  // Nonsense, or a clock that is ahead, is no reason to refresh a token that came just now.
  if (iat === undefined) return byClock > receivedAt || origin === "known" ? byClock : Infinity;
  if (exp <= iat) return Infinity;
  const byLifetime = receivedAt + (exp - iat) * 1000;
  switch (origin) {
    case "refresh":
      return byLifetime;
    case "code":
      return iat * 1000 + HANDED_OVER_AGE < receivedAt && receivedAt < byClock
        ? byClock
        : byLifetime;
    case "known":
      return Math.min(byClock, byLifetime);
    default:
      return origin satisfies never;
  }
}

/**
 * How long an ID token is handed out as it is. It is refreshed a margin ahead of its expiry: the smaller of 5 min and 20 %
 * of its lifetime, or what the application says, but never so much that a new token would be due at once.
 */
export function freshnessOf(
  { receivedAt, expiresAt }: Span,
  margin: number | undefined,
): Freshness {
  if (expiresAt === Infinity) return { freshFrom: -Infinity, freshUntil: Infinity };
  const lifetime = Math.max(0, expiresAt - receivedAt);
  const usual = Math.min(DEFAULT_MARGIN, lifetime / 5);
  return {
    freshFrom: receivedAt - usual,
    freshUntil: expiresAt - Math.min(margin ?? usual, lifetime * 0.9),
  };
}
