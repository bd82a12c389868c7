/** The shortest piece of a secret, in characters, that counts as a quotation. */
const SHORTEST_QUOTATION = 12;

/**
 * The length, in characters, below which a secret has to be quoted as a whole word, because it can
 * occur by chance.
 */
export const SHORTEST_SECRET = 8;

/**
 * The length, in characters, from which a word in the `data` of an error response could be a token.
 */
const SHORTEST_TOKEN = 20;

/** The longest trace id that is kept, in characters. */
const LONGEST_TRACE_ID = 128;

/** The longest `data` of an error response that is kept, in characters. */
const LONGEST_DATA = 4_096;

/** The largest number of values in the `data` of an error response that is kept. */
const MOST_VALUES = 512;

/** A percent-encoded character, which could hide a secret. */
const PERCENT_ENCODED = /%[\da-f]{2}/i;

/** A JWT: its first part is a JSON object in base64url, and dots separate its three parts. */
const JWT = /eyJ[\w-]{4}|[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}/;

/**
 * Checks whether a text could contain a secret: as a whole or a piece of 12 characters,
 * case-insensitive, plain, in base64, base64url or hexadecimal. A text with a percent-encoded
 * character always counts if there are secrets.
 */
export function quotesSecret(text: string, secrets: readonly string[]): boolean {
  const known = secrets.filter((secret) => secret !== "");
  if (known.length === 0) return false;
  if (PERCENT_ENCODED.test(text)) return true;
  const plain = text.toLowerCase();
  const decoded = decodingsOf(text).join("\n").toLowerCase();
  return known.some((secret) => {
    const lower = secret.toLowerCase();
    return quotes(plain, lower) || (isLong(secret) && quotes(decoded, lower));
  });
}

function quotes(text: string, secret: string): boolean {
  if (secret.length < SHORTEST_SECRET) return hasWord(text, secret);
  if (text.includes(secret)) return true;
  for (let start = 0; start + SHORTEST_QUOTATION <= text.length; start++) {
    if (secret.includes(text.slice(start, start + SHORTEST_QUOTATION))) return true;
  }
  return false;
}

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text.charAt(at - 1), text.charAt(at + word.length)];
    if (!/\w/.test(before) && !/\w/.test(after)) return true;
  }
  return false;
}

/**
 * Decodes the words of a text as base64 and hexadecimal, from each position at which a code could
 * begin.
 */
function decodingsOf(text: string): string[] {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/").match(/[A-Za-z\d+/]{16,}/g) ?? [];
  const hex = text.match(/[\da-f]{16,}/gi) ?? [];
  return [
    ...base64.flatMap((word) => [0, 1, 2, 3].map((start) => decodeBase64(word.slice(start)))),
    ...hex.flatMap((word) => [0, 1].map((start) => decodeHex(word.slice(start)))),
  ];
}

function decodeBase64(text: string): string {
  const bytes = atob(text.slice(0, text.length - text.length % 4));
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}

function decodeHex(text: string): string {
  const bytes = text.match(/../g) ?? [];
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => parseInt(byte, 16)));
}

function isLong(text: string): boolean {
  return text.length >= SHORTEST_SECRET;
}

/**
 * Returns the secrets in the headers of requests: the whole values and the words in them, because a
 * token can be quoted without its scheme and a cookie without its name. Short values of other
 * headers than `Authorization`, and the headers of the API, are no secrets.
 */
export function secretsOfHeaders(
  authorizations: Iterable<string>,
  headers: Readonly<Record<string, string>>,
): string[] {
  const sent = [...authorizations];
  const credentials = sent.map((value) => value.replace(/^\S+\s|\w+=(?!=|$)/g, ""));
  const others = Object.entries(headers)
    .filter(([name]) => !/^(?:x-saasus-|referer$)/.test(name))
    .flatMap(([, value]) => [value, ...wordsOf(value)])
    .filter(isLong);
  return [...sent, ...credentials.flatMap(wordsOf), ...others];
}

function wordsOf(value: string): string[] {
  return value.split(/[\s,;=]+/);
}

/**
 * The property that holds the search for a hidden secret. It is a function, so that no inspection
 * shows the secret.
 */
const QUOTES_HIDDEN: unique symbol = Symbol("quotesHidden");

/**
 * Adds a search for a secret that is never sent, but that the service knows and could repeat in an
 * error.
 */
export function hideSecret<T extends object>(owner: T, secret: string): T {
  const value = (text: string) => quotesSecret(text, [secret]);
  return Object.defineProperty(owner, QUOTES_HIDDEN, { value });
}

/** Checks whether a text contains the secret that was hidden with {@linkcode hideSecret}. */
export function quotesHidden(
  owner: object & { readonly [QUOTES_HIDDEN]?: (text: string) => boolean },
  text: string,
): boolean {
  return owner[QUOTES_HIDDEN]?.(text) ?? false;
}

/** Checks whether a text contains a secret of the call. */
export type SecretSearch = (text: string) => boolean;

/**
 * Returns a trace id from the server, or `undefined` if it is invalid or could contain a secret.
 */
export function safeTraceId(text: unknown, quotes: SecretSearch): string | undefined {
  const isTraceId = typeof text === "string" && /^[\x21-\x7e]+$/.test(text) &&
    text.length <= LONGEST_TRACE_ID;
  return isTraceId && !JWT.test(text) && !PERCENT_ENCODED.test(text) && !quotes(text)
    ? text
    : undefined;
}

/**
 * Returns the `type` of an error response, or `undefined` if it is no word such as
 * `permission_denied` or could contain a secret. A word with digits must not exceed 32 characters,
 * because keys and UUIDs have digits.
 */
export function safeType(text: unknown, quotes: SecretSearch): string | undefined {
  const isWord = typeof text === "string" &&
    /^[A-Za-z](?:[A-Za-z_.-]{0,63}|[\w.-]{0,31})$/.test(text);
  return isWord && !JWT.test(text) && !quotes(text) ? text : undefined;
}

/**
 * Returns the `data` of an error response, or `undefined` if it is no object, is too large, or has
 * a name or value that could contain a secret: one of the call, a percent-encoded text, or a word
 * of 20 or more characters.
 */
export function safeData(
  data: unknown,
  quotes: SecretSearch,
): Record<string, unknown> | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const text = textOf(data);
  // The other searches are slow for long words.
  const isSafe = text !== undefined &&
    !text.split(/\s+/).some((word) => word.length >= SHORTEST_TOKEN) &&
    !PERCENT_ENCODED.test(text) && !JWT.test(text) && !quotes(text);
  return isSafe ? data as Record<string, unknown> : undefined;
}

/**
 * Returns all names and values, one a line, or `undefined` if there are too many. Not recursive,
 * because of deep nesting.
 */
function textOf(data: unknown): string | undefined {
  const lines: string[] = [];
  const pending = [data];
  for (let values = 0, characters = 0; pending.length > 0; values++) {
    const value = pending.pop();
    const line = typeof value === "object" && value !== null
      ? Object.keys(value).join("\n")
      : String(value);
    characters += line.length;
    if (values > MOST_VALUES || characters > LONGEST_DATA) return undefined;
    lines.push(line);
    if (typeof value === "object" && value !== null) {
      for (const item of Object.values(value)) pending.push(item);
    }
  }
  return lines.join("\n");
}
