/** Which origins' pages may call: all (`true`), none (`false`), or those listed. */
export type CorsOrigins = boolean | readonly string[];

/** The headers that tell a browser whether the page may read an answer. */
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

/** The headers that a preflight is answered with, besides those. */
export function preflightHeaders(origins: CorsOrigins, request: Headers): [string, string][] {
  if (origins === false || allowedOrigin(origins, request.get("Origin")) === undefined) return [];
  // `*` would leave out Authorization, so that what the browser asks for is named back.
  const asked = request.get("Access-Control-Request-Headers");
  return [
    ["Access-Control-Allow-Methods", "GET, POST"],
    ...(asked === null ? [] : [["Access-Control-Allow-Headers", asked] as [string, string]]),
    ["Access-Control-Max-Age", "600"],
  ];
}

function allowedOrigin(origins: CorsOrigins, origin: string | null): string | undefined {
  if (origins === true) return "*";
  return origins !== false && origin !== null && origins.includes(origin) ? origin : undefined;
}
