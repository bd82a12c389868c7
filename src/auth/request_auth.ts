/**
 * The request to authorize.
 *
 * @category Authorization
 */
export interface AuthRequest {
  /** The HTTP method, in upper case. */
  method: string;
  /** The whole URL, exactly as it is sent. It contains tokens, so do not log it. */
  url: string;
  /** The body, exactly as it is sent, or `""`. It contains tokens, so do not log it. */
  body: string;
  /** The current time in ms since the epoch, corrected by the server's clock. */
  timestamp: number;
  /** Whether the server has just responded with 401 to the previous value. */
  rejected: boolean;
}

/**
 * A function that returns the value of a request's `Authorization` header. It is called for every
 * attempt.
 *
 * After a 401 it is called once more with `rejected: true`. If it then returns another value, the
 * request is sent once more. Otherwise the call fails.
 *
 * @example A custom scheme
 * ```ts
 * import {
 *   CredentialClient,
 *   type RequestAuth,
 * } from "@saasus-sdk/credential";
 *
 * const auth: RequestAuth = ({ rejected }) =>
 *   `Bearer ${rejected ? "renewed" : "cached"}`;
 * const client = new CredentialClient({ auth });
 * ```
 *
 * @category Authorization
 */
export type RequestAuth = (request: AuthRequest) => string | Promise<string>;
