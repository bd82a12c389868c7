/** A request as a server has received it. Every `Request` is one. */
export interface EmulatorRequest {
  /** The method. */
  readonly method: string;
  /** The whole URL, byte for byte as the client has sent and signed it. */
  readonly url: string;
  /** The headers. */
  readonly headers: Headers;
  /** The body; `null` where there is none. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Aborted when the client has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** What a body turned out to be. */
export type BodyReading =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "too_large" }
  | { readonly kind: "not_utf8" };

/** Reads a body, and stops as soon as it is longer than `maxSize` bytes. */
export async function readBody(
  { headers, body }: Pick<EmulatorRequest, "headers" | "body">,
  maxSize: number,
): Promise<BodyReading> {
  if (Number(headers.get("Content-Length")) > maxSize) return { kind: "too_large" };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxSize) return { kind: "too_large" };
    chunks.push(chunk);
  }
  return decoded(chunks);
}

function decoded(chunks: readonly Uint8Array[]): BodyReading {
  // A byte order mark is a part of what was signed.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
    return { kind: "text", text: text + decoder.decode() };
  } catch {
    return { kind: "not_utf8" };
  }
}

/** The parts of a URL that the emulator looks at. */
export interface Target {
  /** The path, percent-encoded as it came. */
  readonly path: string;
  /** The query. */
  readonly query: URLSearchParams;
}

/** Takes a URL apart without `URL`, which would mend it. */
export function targetOf(url: string): Target {
  const [, path = "", query = ""] = /^[^/]*\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  return { path, query: new URLSearchParams(query) };
}
