/**
 * Reads an HTTP date in the one form that is sent today, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
 *
 * `Date.parse` alone would take far more for a date, the 31st of February among them.
 *
 * @returns The time in ms since the epoch, or `undefined`.
 */
export function parseHttpDate(text: string | null): number | undefined {
  if (text === null) return undefined;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toUTCString() === text ? date.getTime() : undefined;
}

/**
 * How long a `Retry-After` header asks to wait (RFC 9110, section 10.2.3).
 *
 * A date is counted from the `Date` of the same answer, where it has one, so that a local clock that is off does no harm.
 *
 * @param headers The headers of the answer.
 * @param now The time in ms since the epoch.
 * @returns The wait in ms, or `undefined` where there is no such header or it is no wait.
 */
export function retryAfterOf(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  const time = parseHttpDate(text);
  if (time === undefined) return undefined;
  return Math.max(0, time - (parseHttpDate(headers.get("date")) ?? now));
}
