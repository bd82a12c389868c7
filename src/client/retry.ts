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

/** The status codes of temporary errors. */
const RETRIED_STATUSES: readonly number[] = [408, 429, 500, 502, 503, 504];

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
  switch (error.code) {
    case "network_error":
      // A retry does not make a certificate valid.
      return error.reason !== "tls";
    case "timeout":
      return true;
    case "api_error":
      return RETRIED_STATUSES.includes(error.status);
    case "invalid_input":
    case "invalid_response":
    case "session_ended":
      return false;
    default:
      return error satisfies never;
  }
}

/**
 * Checks whether the service may have processed a request whose response was lost, on its way to us
 * or to a gateway.
 */
export function isResponseLost(error: AnyCredentialError): boolean {
  switch (error.code) {
    case "timeout":
      return true;
    case "network_error":
      return !["refused", "dns", "tls"].includes(error.reason);
    case "api_error":
      return error.status === 502 || error.status === 504;
    default:
      return false;
  }
}
