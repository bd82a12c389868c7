import type { AnyCredentialError } from "../errors.ts";
import type { RetrySettings } from "./settings.ts";

/** What the decision about a retry depends on. */
export interface RetryState {
  /** The attempt that failed, counted from 1. */
  readonly attempt: number;
  /** What is left of the call's time, in ms. */
  readonly remaining: number;
  /** A random number from 0 to 1. */
  readonly random: number;
}

/** The answers that another attempt may turn into a good one. */
const RETRIED_STATUSES: readonly number[] = [408, 429, 500, 502, 503, 504];

/**
 * Decides whether a failed attempt is followed by another, and when.
 *
 * A wait that does not fit into what is left of the call's time is not begun: the call fails at once, with the error that
 * tells why, instead of sleeping its time out.
 *
 * @returns The wait in ms, or `undefined` to give up.
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
      // A certificate does not get better by asking again.
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

/** Whether the service may have acted on a request whose answer never came, to us or to a gateway before it. */
export function isAnswerLost(error: AnyCredentialError): boolean {
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
