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

/**
 * Each reason with its message, and its signs in the errors of Deno, Bun, Node and browsers. The
 * first match counts, because a connection over TLS that is cut off also mentions TLS.
 */
const REASONS: readonly (readonly [NetworkErrorReason, string, RegExp])[] = [
  ["dns", "the host name was not found", /ENOTFOUND|EAI_|dns error/i],
  ["refused", "the connection was refused", /ECONNREFUSED|connection ?refused/i],
  [
    "reset",
    "the connection was reset",
    /ECONNRESET|EPIPE|UND_ERR_SOCKET|connection ?(?:was )?(?:closed|reset)|reset by peer|other side closed|terminated|reading a body|broken pipe|close_notify|handshake eof/i,
  ],
  [
    "tls",
    "the TLS connection failed",
    /certificate|(?:\b|_)(?:cert|tls|ssl)(?:\b|_)|EPROTO|handshake|corrupt message|fatal alert/i,
  ],
];

/**
 * Returns the error for a `fetch` that failed. Of the thrown error, nothing is kept but the reason,
 * because its message, causes and fields can contain the URL with its tokens.
 */
export function networkError(
  thrown: unknown,
  message: string,
  options: CredentialErrorOptions,
): CredentialNetworkError {
  const text = textOf(thrown);
  const [reason, problem] = REASONS.find(([, , signs]) => signs.test(text)) ??
    ["other", "no response was received"] as const;
  return new CredentialNetworkError(`${message}: ${problem}`, { ...options, reason });
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
