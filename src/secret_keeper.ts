import type { RequestAuth } from "./request_auth.ts";
import { quotesSecret } from "./untrusted.ts";

/** Not enumerable, and a function: whoever looks at an auth sees no secret. */
const KEEPS_SECRET: unique symbol = Symbol("keepsSecret");

/**
 * Lets an `auth` find a secret of its own that never goes on the wire, but that the service knows, and could repeat in an
 * error.
 */
export function keepSecret(auth: RequestAuth, secret: string): RequestAuth {
  const value = (text: string) => quotesSecret(text, [secret]);
  return Object.defineProperty(auth, KEEPS_SECRET, { value });
}

/** Whether a text quotes the secret that an `auth` keeps. */
export function keepsSecret(
  auth: RequestAuth & { [KEEPS_SECRET]?: (text: string) => boolean },
  text: string,
): boolean {
  return auth[KEEPS_SECRET]?.(text) ?? false;
}
