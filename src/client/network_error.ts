import {
  type CredentialErrorOptions,
  CredentialNetworkError,
  type NetworkErrorReason,
} from "../errors.ts";
import { isObject } from "../validation.ts";

/**
 * The longest text of an error that is searched, in characters. Longer ones would take too long.
 */
const LONGEST_TEXT = 1_000;

/** The message of each reason. */
const NO_RESPONSE: Readonly<Record<NetworkErrorReason, string>> = {
  refused: "the connection was refused",
  reset: "the connection was reset",
  dns: "the host name was not found",
  tls: "the TLS connection failed",
  other: "no response was received",
};

/**
 * The codes and messages of Deno, Bun, Node and browsers for each reason. The first match counts,
 * because a connection over TLS that is cut off also mentions TLS.
 */
const SIGNS: readonly (readonly [NetworkErrorReason, RegExp])[] = [
  ["dns", /ENOTFOUND|EAI_AGAIN|dns error/i],
  ["refused", /ECONNREFUSED|connection ?refused/i],
  [
    "reset",
    /ECONNRESET|EPIPE|UND_ERR_SOCKET|connection ?(?:closed|reset)|terminated|reading a body|broken pipe|close_notify|handshake eof/i,
  ],
  [
    "tls",
    /cert|(?:\b|_)(?:tls|ssl)(?:\b|_)|handshake|corrupt message|fatal alert/i,
  ],
];

/** Returns the error for a `fetch` that failed. */
export function networkError(
  thrown: unknown,
  message: string,
  options: CredentialErrorOptions,
): CredentialNetworkError {
  const reason = networkErrorReason(thrown);
  return new CredentialNetworkError(`${message}: ${NO_RESPONSE[reason]}`, { ...options, reason });
}

/**
 * Returns the reason why a `fetch` failed. Nothing else of the error is kept, because its message,
 * causes and fields can contain the URL with its tokens.
 */
export function networkErrorReason(thrown: unknown): NetworkErrorReason {
  const text = textOf(thrown);
  return SIGNS.find(([, sign]) => sign.test(text))?.[0] ?? "other";
}

/** Checks whether Deno denied a request for lack of `--allow-net`. */
export function isNotPermitted(thrown: unknown): boolean {
  const { Deno: deno } = globalThis as { Deno?: { errors?: { NotCapable?: new () => unknown } } };
  const denied = deno?.errors?.NotCapable;
  return denied !== undefined && thrown instanceof denied;
}

/**
 * Returns the names, codes and messages of an error and its causes, without URLs and hosts, which
 * can contain any word.
 */
function textOf(thrown: unknown): string {
  let text = "";
  try {
    let error = thrown;
    for (let depth = 0; depth < 5 && isObject(error); depth++) {
      const { name, code, message, cause, errors } = error;
      const own = [name, code, message].filter((part) => typeof part === "string").join(" ");
      text += own.replace(/\bhttps?:\/\/\S+|"[^"]*"/g, "")
        .slice(0, LONGEST_TEXT)
        .replace(/[\w.-]+:\d+/g, "") + " ";
      error = cause ?? (errors as readonly unknown[] | undefined)?.[0];
    }
    return text;
  } catch {
    // A getter of the error threw.
    return "";
  }
}
