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
