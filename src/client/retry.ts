import type { AnyCredentialError } from "../errors.ts";
import type { RetrySettings } from "./settings.ts";

/** The state of a call whose attempt has failed. */
export interface RetryState {
  /** The number of the failed attempt, counted from 1. */
  readonly attempt: number;
  /** The remaining time of the call, in ms. */
  readonly remaining: number;
  /** A random number from 0 to 1. */
  readonly random: number;
}

/**
 * Returns the wait before the next attempt.
 *
 * A wait that exceeds the remaining time is not started. The call fails at once with the error of
 * the attempt, instead of waiting for the timeout.
 *
 * @returns The wait in ms, or `undefined` if the call must not be retried.
 */
export function retryDelay(
  error: AnyCredentialError,
  { attempt, remaining, random }: RetryState,
  { delay, maxDelay }: RetrySettings,
): number | undefined {
  if (!isRetried(error)) return undefined;
  const backoff = random * Math.min(maxDelay, delay * 2 ** (attempt - 1));
  const wait = (error.code === "api_error" ? error.retryAfter : undefined) ?? backoff;
  return wait < remaining ? wait : undefined;
}

function isRetried(error: AnyCredentialError): boolean {
  // A retry does not make a certificate valid.
  if (error.code === "network_error") return error.reason !== "tls";
  return isResponseLost(error) ||
    (error.code === "api_error" && [408, 429, 500, 503].includes(error.status));
}

/**
 * Checks whether the service may have processed a request whose response was lost, on its way to us
 * or to a gateway.
 */
export function isResponseLost(error: AnyCredentialError): boolean {
  if (error.code === "network_error") return error.reason === "reset" || error.reason === "other";
  return error.code === "timeout" ||
    (error.code === "api_error" && [502, 504].includes(error.status));
}
