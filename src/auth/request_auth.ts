/** The request that an `Authorization` header is asked for. */
export interface AuthRequest {
  /** The HTTP method, in upper case. */
  method: string;
  /** The whole URL, exactly as it goes on the wire. It holds tokens: do not log it. */
  url: string;
  /** The body, exactly as it goes on the wire; `""` where there is none. It holds tokens: do not log it. */
  body: string;
  /** The time now in ms since the epoch, corrected by the server's clock where the two differ. */
  timestamp: number;
  /** Whether the server has just answered 401 to the value that was given before. */
  rejected: boolean;
}

/**
 * Returns the value of a request's `Authorization` header. It is asked anew for every attempt.
 *
 * After a 401 it is asked once more with `rejected: true`. Where the value then comes out different, the request is
 * sent once more; where it does not, the call fails.
 *
 * @example A scheme of your own
 * ```ts
 * import { CredentialClient, type RequestAuth } from "@saasus-sdk/credential";
 *
 * const auth: RequestAuth = ({ rejected }) => `Bearer ${rejected ? "renewed" : "cached"}`;
 * const client = new CredentialClient({ auth });
 * ```
 */
export type RequestAuth = (request: AuthRequest) => string | Promise<string>;
