/** The headers by which browsers describe the context of a request. */
const FETCH_METADATA = ["Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Sec-Fetch-User"];

/** The headers by which browsers mark a request for a page that nobody has opened yet. */
const PREFETCH_HEADERS = ["Sec-Purpose", "Purpose", "X-Moz"];

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Checks whether a request opens a page in a tab or a window. Requests of scripts, images, iframes
 * and prefetches do not.
 *
 * A browser without `Sec-Fetch-*` headers is judged by its `Accept` header.
 *
 * @see {@link https://www.w3.org/TR/fetch-metadata/ | Fetch Metadata Request Headers}
 */
export function isNavigation({ headers }: Request): boolean {
  if (PREFETCH_HEADERS.some((name) => /prefetch/i.test(headers.get(name) ?? ""))) return false;
  if (FETCH_METADATA.some((name) => headers.has(name))) {
    return headers.get("Sec-Fetch-Mode") === "navigate" &&
      headers.get("Sec-Fetch-Dest") === "document";
  }
  return /\btext\/html\b/i.test(headers.get("Accept") ?? "");
}

/**
 * Checks whether a navigation was begun by another site, also at the end of a chain of redirects.
 * It is not known of a browser without `Sec-Fetch-*` headers.
 */
export function isCrossSite({ headers }: Request): boolean {
  const site = headers.get("Sec-Fetch-Site");
  return site !== null && !["same-origin", "same-site", "none"].includes(site);
}

/**
 * Checks whether a request can change something: by its method, or because it opens a WebSocket.
 */
export function isUnsafe({ method, headers }: Request): boolean {
  return !SAFE_METHODS.includes(method) || headers.has("Upgrade");
}

/**
 * Checks whether a request comes from a page of an origin, or from the user. A request that does
 * not show where it comes from does not.
 */
export function isOfOrigin({ headers }: Request, origin: string): boolean {
  const site = headers.get("Sec-Fetch-Site");
  if (site !== null) return site === "same-origin" || site === "none";
  return headers.get("Origin") === origin;
}

/** Checks whether a request was sent by a page of the origin of a URL, as its `Referer` shows. */
export function isReferredBy({ headers }: Request, url: URL | undefined): boolean {
  const referer = headers.get("Referer") ?? "";
  return url !== undefined && URL.canParse(referer) && new URL(referer).origin === url.origin;
}
