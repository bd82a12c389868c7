/** The origins whose pages may call: all (`true`), none (`false`), or a list. */
export type CorsOrigins = boolean | readonly string[];

/** Returns the headers that let a page read a response. */
export function corsHeaders(origins: CorsOrigins, request: Headers): [string, string][] {
  if (origins === false) return [];
  const allowed = allowedOrigin(origins, request.get("Origin"));
  const vary: [string, string][] = origins === true ? [] : [["Vary", "Origin"]];
  if (allowed === undefined) return vary;
  return [
    ...vary,
    ["Access-Control-Allow-Origin", allowed],
    ["Access-Control-Expose-Headers", "X-Saasus-Trace-Id, Retry-After, Date"],
  ];
}

/** Returns the additional headers of the response to a preflight. */
export function preflightHeaders(origins: CorsOrigins, request: Headers): [string, string][] {
  if (origins === false || allowedOrigin(origins, request.get("Origin")) === undefined) return [];
  // `*` would not allow `Authorization`, so that the requested headers are returned.
  const requested = request.get("Access-Control-Request-Headers");
  return [
    ["Access-Control-Allow-Methods", "GET, POST"],
    ...(requested === null
      ? []
      : [["Access-Control-Allow-Headers", requested] as [string, string]]),
    ["Access-Control-Max-Age", "600"],
  ];
}

function allowedOrigin(origins: CorsOrigins, origin: string | null): string | undefined {
  if (origins === true) return "*";
  return origins !== false && origin !== null && origins.includes(origin) ? origin : undefined;
}
