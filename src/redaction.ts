/** The shortest piece of a secret, in characters, that counts as a quotation. */
const SHORTEST_QUOTATION = 12;

/**
 * The length, in characters, below which a secret has to be quoted as a whole word, because it can
 * occur by chance.
 */
export const SHORTEST_SECRET = 8;

/** A word that is long enough to be a token, in the `data` of an error response. */
const LONG_WORD = /\S{20}/;

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
  if (!isLong(secret)) return hasWord(text, secret);
  if (text.includes(secret)) return true;
  for (let start = 0; start + SHORTEST_QUOTATION <= text.length; start++) {
    if (secret.includes(text.slice(start, start + SHORTEST_QUOTATION))) return true;
  }
  return false;
}

function isLong(text: string): boolean {
  return text.length >= SHORTEST_SECRET;
}

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const neighbours = text.charAt(at - 1) + text.charAt(at + word.length);
    if (!/\w/.test(neighbours)) return true;
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
    ...base64.flatMap((word) => [0, 1, 2, 3].map((start) => bytesOfBase64(word.slice(start)))),
    ...hex.flatMap((word) => [0, 1].map((start) => bytesOfHex(word.slice(start)))),
  ].map((bytes) => new TextDecoder().decode(Uint8Array.from(bytes)));
}

function bytesOfBase64(text: string): number[] {
  const binary = atob(text.slice(0, text.length - text.length % 4));
  return Array.from(binary, (character) => character.charCodeAt(0));
}

function bytesOfHex(text: string): number[] {
  return text.match(/../g)?.map((byte) => parseInt(byte, 16)) ?? [];
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
  return safeMatch(/^[\x21-\x7e]{1,128}$/, text, quotes);
}

/**
 * Returns the `type` of an error response, or `undefined` if it is no word such as
 * `permission_denied` or could contain a secret. A word with digits must not exceed 32 characters,
 * because keys and UUIDs have digits.
 */
export function safeType(text: unknown, quotes: SecretSearch): string | undefined {
  return safeMatch(/^[A-Za-z](?:[A-Za-z_.-]{0,63}|[\w.-]{0,31})$/, text, quotes);
}

function safeMatch(pattern: RegExp, text: unknown, quotes: SecretSearch): string | undefined {
  return typeof text === "string" && pattern.test(text) && isSafe(text, quotes) ? text : undefined;
}

function isSafe(text: string, quotes: SecretSearch): boolean {
  return !PERCENT_ENCODED.test(text) && !JWT.test(text) && !quotes(text);
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
  if (!isObject(data) || Array.isArray(data)) return undefined;
  const text = textOf(data);
  // The other searches are slow for long words.
  return text !== undefined && !LONG_WORD.test(text) && isSafe(text, quotes) ? data : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
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
    const line = isObject(value) ? Object.keys(value).join("\n") : String(value);
    characters += line.length;
    if (values > MOST_VALUES || characters > LONGEST_DATA) return undefined;
    lines.push(line);
    if (isObject(value)) {
      for (const item of Object.values(value)) pending.push(item);
    }
  }
  return lines.join("\n");
}
