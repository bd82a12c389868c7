import { must, type OptionReader } from "../read_options.ts";

/**
 * Whether a text can be a header's value: Latin-1 without control characters. CR, LF and NUL would let a value end its
 * header and begin another (RFC 9110, section 5.5).
 */
export function isHeaderValue(text: unknown): text is string {
  return typeof text === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** Whether a text is one word of visible ASCII, as keys, tokens and ids are. */
export function isVisibleAscii(text: unknown): text is string {
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text);
}

/** Headers under lower-case names. */
export type CallHeaders = Readonly<Record<string, string>>;

/** Headers that belong to the connection: a `fetch` that is given one fails, or waits for bytes that never come. */
const CONNECTION_HEADERS: readonly string[] = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Reads the `headers` option: a `Headers`, a list of pairs or a record. */
export const readHeaders: OptionReader<CallHeaders> = (value, refuse) => {
  const headers = new Map<string, string>();
  for (const pair of pairsOf(value)) {
    const [name, text] = Array.isArray(pair) && pair.length === 2 ? pair : [];
    if (!isHeaderName(name) || !isHeaderValue(text)) {
      refuse("headers whose values are Latin-1 without control characters such as CR, LF and NUL");
    }
    const key = name.toLowerCase();
    const earlier = headers.get(key);
    headers.set(key, earlier === undefined ? text : `${earlier}, ${text}`);
  }
  if (headers.has("authorization")) refuse('no "Authorization" header: it is what "auth" is for');
  if (CONNECTION_HEADERS.some((name) => headers.has(name))) {
    refuse(`none of the connection's headers: ${CONNECTION_HEADERS.join(", ")}`);
  }
  return Object.fromEntries(headers);
};

/** Reads a page's URL for `Referer`, without user, query and fragment: the query of a callback holds a code. */
export const readReferer: OptionReader<string | null> = (value, refuse) => {
  if (value === null) return null;
  if (isHeaderValue(value)) return pageOf(value) || null;
  return refuse("a URL in Latin-1 without control characters such as CR, LF and NUL");
};

/** Reads a trace id. */
export const readTraceId: OptionReader<string | null> = /* @__PURE__ */ must(
  (value) => value === null || isVisibleAscii(value),
  "one word of visible ASCII characters",
);

function pageOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Without a host, the user can be anywhere.
  if (!url?.host) return text.trim().replace(/[?#].*$/s, "").replace(/^.*@/s, "");
  return Object.assign(url, { username: "", password: "", search: "", hash: "" }).href;
}

function pairsOf(input: unknown): Iterable<unknown> {
  if (typeof input !== "object" || input === null) return [undefined];
  return Symbol.iterator in input ? input as Iterable<unknown> : Object.entries(input);
}

/** A token of RFC 9110, section 5.6.2. */
function isHeaderName(name: unknown): name is string {
  return typeof name === "string" && /^[\w!#$%&'*+\-.^`|~]+$/.test(name);
}
