/** What is known of a response. */
export interface BodyOptions {
  /**
   * Whether it comes from a runtime's own `fetch`, which sees to it that a body has the length that it tells.
   *
   * @default {false}
   */
  readonly trustsLength?: boolean;
}

/**
 * Reads a body as UTF-8 text, and stops as soon as it is longer than `limit` bytes.
 *
 * @returns The text, or `undefined` for a body that is longer.
 */
export async function readText(
  response: Response,
  limit: number,
  { trustsLength = false }: BodyOptions = {},
): Promise<string | undefined> {
  const length = response.headers.get("content-length") ?? "";
  if (Number(length) > limit) {
    discard(response);
    return undefined;
  }
  // Reading at one go is much faster, and safe where nothing can make the body longer than its length says. To look at
  // `body` is what costs: it makes a stream.
  const isKnown = trustsLength && /^\d+$/.test(length) && isLengthBinding(response);
  if (isKnown) return await response.text();
  if (response.body === null) return "";
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > limit) {
      ignoreFailure(reader.cancel());
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** Whether a `Content-Length` binds the body: no coding changes its length, and no CORS hides that one does. */
function isLengthBinding({ headers, type }: Response): boolean {
  return type !== "cors" && !headers.has("content-encoding") && !headers.has("transfer-encoding");
}

/** Lets go of a body that nobody reads, so that its connection is not held. */
export function discard(response: Response): void {
  if (response.body !== null) ignoreFailure(response.body.cancel());
}

/** Closing a connection that is already broken fails; there is nothing to do about it. */
function ignoreFailure(closing: Promise<void>): void {
  closing.catch(() => {});
}

/** Whether a body is JSON by its content type. None at all is taken for JSON, which the API always sends. */
export function isJson(headers: Headers): boolean {
  const type = headers.get("content-type");
  return type === null || /^(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type.trim());
}
