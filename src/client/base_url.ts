/** Where the service runs. */
export const DEFAULT_BASE_URL = "https://api.saasus.io/v1/auth";

/** What {@linkcode normalizeBaseUrl} takes. */
export const BASE_URL_EXPECTED =
  "an absolute https: URL (http: for a loopback host only) without user, query, fragment and white space";

/**
 * The base URL as the URL parser writes it, without a slash at its end, so that what is signed is what goes out.
 *
 * @returns `undefined` for a URL that would send tokens in the clear, or that leaves no room for a path and a query.
 */
export function normalizeBaseUrl(text: string): string | undefined {
  // The parser would take line breaks and tabs out of the middle of a URL.
  if (/[\s\p{Cc}?#]/u.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isSecure = url.protocol === "https:" ||
    (url.protocol === "http:" && isLoopback(url.hostname));
  if (!isSecure || url.username !== "" || url.password !== "") {
    return undefined;
  }
  return url.href.replace(/\/+$/, "");
}

function isLoopback(hostname: string): boolean {
  return hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname) ||
    /^(?:.+\.)?localhost\.?$/.test(hostname);
}
