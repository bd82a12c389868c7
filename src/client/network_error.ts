import type { NetworkErrorReason } from "../errors.ts";

/** What each reason says in a message. */
export const NO_ANSWER: Readonly<Record<NetworkErrorReason, string>> = {
  refused: "the connection was refused",
  reset: "the connection ended before the answer did",
  dns: "the name of the host was not found",
  tls: "no secure connection could be made (TLS)",
  other: "no answer came",
};

/**
 * How Deno, Bun, Node and browsers speak of each reason: in codes, or only in messages. The first that fits counts: over
 * TLS, a connection that is cut off speaks of TLS too.
 */
const SIGNS: readonly (readonly [NetworkErrorReason, RegExp])[] = [
  ["dns", /ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|name not resolved/i],
  ["refused", /ECONNREFUSED|connection ?refused/i],
  [
    "reset",
    /ECONNRESET|EPIPE|UND_ERR_SOCKET|reset by peer|connection ?(?:closed|reset)|socket connection was closed|other side closed|terminated|reading a body|broken pipe|unexpected end|close_notify|handshake eof|before secure TLS/i,
  ],
  [
    "tls",
    /certificate|\btls\b|\bssl\b|_TLS_|_SSL_|CERT_|EPROTO|handshake|corrupt message|fatal alert/i,
  ],
];

/**
 * Why a `fetch` failed. What a runtime throws may hold the URL, and so tokens, in its message, its causes and its
 * fields: this word is all that is kept of it.
 */
export function networkErrorReason(thrown: unknown): NetworkErrorReason {
  const text = textOf(thrown);
  return SIGNS.find(([, sign]) => sign.test(text))?.[0] ?? "other";
}

/** Whether the runtime did not let a request out, as Deno does without `--allow-net`. */
export function isNotPermitted(thrown: unknown): boolean {
  return /\bNotCapable\b|\bPermissionDenied\b/.test(textOf(thrown));
}

function textOf(thrown: unknown): string {
  try {
    return describe(thrown, 5);
  } catch {
    // A getter of what was thrown has thrown itself.
    return "";
  }
}

/** Names, codes and messages along the causes, without URLs and hosts, which could have any word in them. */
function describe(thrown: unknown, depth: number): string {
  if (typeof thrown !== "object" || thrown === null || depth === 0) return "";
  const { name, code, message, cause, errors } = thrown as Record<string, unknown>;
  const first = Array.isArray(errors) ? errors[0] : undefined;
  const own = [name, code, message].filter((part) => typeof part === "string").join(" ");
  const plain = own.replace(/\bhttps?:\/\/\S+|[\w.-]+:\d+|"[^"]*"/g, "");
  return [plain, describe(cause, depth - 1), describe(first, depth - 1)].join(" ");
}
