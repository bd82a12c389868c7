import * as v from "valibot";
import { isHeaderValue, isVisibleAscii } from "./header_value.ts";

/** Headers under lower-case names; `null` for one that a call takes back from its client. */
export type CallHeaders = Readonly<Record<string, string | null>>;

const HEADERS_EXPECTED =
  "Expected headers whose values are Latin-1 without control characters such as CR, LF and NUL";

/** Headers that belong to the connection: a `fetch` that is given one fails, or waits for bytes that never come. */
const CONNECTION_HEADERS = [
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
export const headersSchema: v.GenericSchema<unknown, CallHeaders> = /* @__PURE__ */ v.pipe(
  /* @__PURE__ */ v.unknown(),
  /* @__PURE__ */ v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const headers = readHeaders(dataset.value);
    if (headers === undefined) {
      addIssue({ message: HEADERS_EXPECTED });
      return NEVER;
    }
    if ("authorization" in headers) {
      addIssue({ message: 'Expected no "Authorization" header: it is what "auth" is for' });
    }
    if (CONNECTION_HEADERS.some((name) => name in headers)) {
      addIssue({
        message: `Expected none of the connection's headers: ${CONNECTION_HEADERS.join(", ")}`,
      });
    }
    return headers;
  }),
);

/** Reads a page's URL for `Referer`, without user, query and fragment: the query of a callback holds a code. */
export const refererSchema: v.GenericSchema<unknown, string | null> = /* @__PURE__ */ v.pipe(
  /* @__PURE__ */ v.nullable(
    /* @__PURE__ */ v.custom<string>(
      isHeaderValue,
      "Expected a URL in Latin-1 without control characters such as CR, LF and NUL",
    ),
  ),
  /* @__PURE__ */ v.transform((url) => page(url ?? "") || null),
);

/** Reads a trace id. */
export const traceIdSchema: v.GenericSchema<unknown, string | null> = /* @__PURE__ */ v.nullable(
  /* @__PURE__ */ v.custom<string>(isVisibleAscii, "Expected one word of visible ASCII characters"),
);

function page(text: string): string {
  if (!URL.canParse(text)) {
    return text.trim().replace(/[?#].*$/s, "").replace(/^[\\/]*[^\\/]*@/, "");
  }
  const url = new URL(text);
  url.username =
    url.password =
    url.search =
    url.hash =
      "";
  return url.href;
}

function readHeaders(input: unknown): Record<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const pair of pairsOf(input)) {
    const [name, value] = Array.isArray(pair) && pair.length === 2 ? pair : [];
    if (!isHeaderName(name) || !isHeaderValue(value)) return undefined;
    const key = name.toLowerCase();
    const earlier = headers.get(key);
    headers.set(key, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return Object.fromEntries(headers);
}

function pairsOf(input: unknown): Iterable<unknown> {
  if (typeof input !== "object" || input === null) return [undefined];
  return Symbol.iterator in input ? input as Iterable<unknown> : Object.entries(input);
}

/** A token of RFC 9110, section 5.6.2. */
function isHeaderName(name: unknown): name is string {
  return typeof name === "string" && /^[\w!#$%&'*+\-.^`|~]+$/.test(name);
}
