import { isVisibleAscii } from "./validation.ts";
import type { RequestAuth } from "./auth/request_auth.ts";

/** So many characters of a secret in a row are taken for a quotation of it. */
const QUOTATION = 12;

/** A secret of fewer characters is met by chance within a word, so that only a whole word counts. */
export const SHORTEST_SECRET = 8;

/** So many times over may a secret be percent-encoded. */
const MOST_ENCODINGS = 3;

/** The longest trace id that is passed on, in characters. */
const LONGEST_TRACE_ID = 128;

/** How much text and how many values the `data` of an error may have to be passed on. */
const MOST_DATA = { characters: 4_096, values: 512 };

/**
 * Whether a text quotes a secret, as it is or percent-encoded, in any case of its letters: a whole one, or a piece of one
 * that is long enough to matter.
 */
export function quotesSecret(text: string, secrets: readonly string[]): boolean {
  const versions = [text];
  let decoded = text;
  while (decoded.includes("%") && versions.length <= MOST_ENCODINGS) {
    decoded = percentDecoded(decoded);
    versions.push(decoded);
  }
  const searched = versions.join("\n").toLowerCase();
  return secrets.some((secret) => secret !== "" && quotes(searched, secret.toLowerCase()));
}

function quotes(text: string, secret: string): boolean {
  if (secret.length < SHORTEST_SECRET) return hasWord(text, secret);
  if (text.includes(secret)) return true;
  for (let start = 0; start + QUOTATION <= text.length; start++) {
    if (secret.includes(text.slice(start, start + QUOTATION))) return true;
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

/** Decodes what is encoded, whatever stands beside it. */
function percentDecoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (encoded) => {
    const bytes = encoded.slice(1).split("%").map((byte) => parseInt(byte, 16));
    return new TextDecoder().decode(new Uint8Array(bytes));
  });
}

/** Not enumerable, and a function: whoever looks at an auth sees no secret. */
const QUOTES_HIDDEN: unique symbol = Symbol("quotesHidden");

/**
 * Lets an `auth` find a secret of its own that never goes on the wire, but that the service knows, and could repeat in an
 * error.
 */
export function hideSecret(auth: RequestAuth, secret: string): RequestAuth {
  const value = (text: string) => quotesSecret(text, [secret]);
  return Object.defineProperty(auth, QUOTES_HIDDEN, { value });
}

/** Whether a text quotes the secret that an `auth` hides. */
export function quotesHidden(
  auth: RequestAuth & { [QUOTES_HIDDEN]?: (text: string) => boolean },
  text: string,
): boolean {
  return auth[QUOTES_HIDDEN]?.(text) ?? false;
}

/** Tells whether a text quotes a secret of the call. */
export type SecretFinder = (text: string) => boolean;

/** A trace id that the server has sent, if it is one and quotes no secret. */
export function safeTraceId(text: unknown, quotes: SecretFinder): string | undefined {
  return isVisibleAscii(text) && text.length <= LONGEST_TRACE_ID && !quotes(text)
    ? text
    : undefined;
}

/**
 * The `type` of an error that the server has sent, if it is a word such as `permission_denied` and quotes no secret. With
 * digits it may be no longer than 32 characters: keys and UUIDs are.
 */
export function safeType(text: unknown, quotes: SecretFinder): string | undefined {
  return typeof text === "string" && /^[A-Za-z](?:[A-Za-z_.-]{0,63}|[\w.-]{0,31})$/.test(text) &&
      !quotes(text)
    ? text
    : undefined;
}

/** An object that the server has sent, if it is not too large and quotes no secret anywhere in it. */
export function safeData(
  data: unknown,
  quotes: SecretFinder,
): Record<string, unknown> | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const text = textOf(data);
  return text === undefined || quotes(text) ? undefined : data as Record<string, unknown>;
}

/** All keys and values, a line each, or `undefined` if there are too many. Without recursion: the nesting is the server's. */
function textOf(data: unknown): string | undefined {
  const lines: string[] = [];
  const pending = [data];
  for (let values = 0, characters = 0; pending.length > 0; values++) {
    const value = pending.pop();
    const line = typeof value === "object" && value !== null
      ? Object.keys(value).join("\n")
      : String(value);
    characters += line.length;
    if (values > MOST_DATA.values || characters > MOST_DATA.characters) return undefined;
    lines.push(line);
    if (typeof value === "object" && value !== null) {
      for (const item of Object.values(value)) pending.push(item);
    }
  }
  return lines.join("\n");
}
