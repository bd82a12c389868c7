/** A request as a server has received it. */
export interface EmulatorRequest {
  /** The method. */
  readonly method: string;
  /** The whole URL, byte for byte as the client has signed it. */
  readonly url: string;
  /** The headers. */
  readonly headers: Headers;
  /** The body; `null` if there is none. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Aborts when the client has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of reading a body. */
export type BodyReading =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "too_large" }
  | { readonly kind: "not_utf8" };

/** The maximum size of a body, in bytes. */
const MAX_BODY = 1_048_576;

/** Reads a body, and stops as soon as it is too large. */
export async function readBody(
  { headers, body }: Pick<EmulatorRequest, "headers" | "body">,
): Promise<BodyReading> {
  if (Number(headers.get("Content-Length")) > MAX_BODY) return { kind: "too_large" };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY) return { kind: "too_large" };
    chunks.push(chunk);
  }
  return decoded(chunks);
}

function decoded(chunks: readonly Uint8Array[]): BodyReading {
  // A byte order mark is a part of the signed body.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
    return { kind: "text", text: text + decoder.decode() };
  } catch {
    return { kind: "not_utf8" };
  }
}

/** The parts of a URL that the emulator uses. */
export interface Target {
  /** The host as sent, with the port. */
  readonly host: string;
  /** The path, percent-encoded as sent. */
  readonly path: string;
  /** The query. */
  readonly query: URLSearchParams;
}

/** Parses a URL without `URL`, which would normalize it. */
export function targetOf(url: string): Target {
  const [, host = "", path = "", query = ""] =
    /^[^/]*\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  return { host, path, query: new URLSearchParams(query) };
}
