import type { CallerSignal, SessionAccess } from "./access.ts";
import { isFresh } from "./held.ts";
import { FailurePause } from "./pause.ts";
import { allowedOrigins, type Fetch } from "./settings.ts";

/** What a {@linkcode SessionFetch} is made of. */
export interface SessionFetchOptions {
  /** Where ID tokens come from. */
  readonly access: SessionAccess;
  /** What sends requests. */
  readonly fetch: Fetch;
  /** The origins whose requests get the token; the page's where they are not set. */
  readonly origins: readonly string[] | undefined;
  /** The local clock, in ms. */
  readonly now: () => number;
}

type FetchInput = string | URL | Request;

/** A request as it was when it was asked for. */
interface Snapshot {
  readonly input: string | Request;
  readonly init: RequestInit | undefined;
}

/** What {@linkcode FailurePause} keeps apart by tokens is one and the same here. */
const REPLAYS = "";

/** Sends requests with the session's ID token. */
export class SessionFetch {
  readonly #options: SessionFetchOptions;
  /** Begins when a token that is new is refused as well: then it is not the token that the server minds. */
  readonly #futile: FailurePause;
  /** A token that took the place of a refused one, while the request could not be sent again to see whether it is taken. */
  #unproven: string | undefined;
  /** The last token that was taken. */
  #taken: string | undefined;

  /** Makes it; sends nothing yet. */
  constructor(options: SessionFetchOptions) {
    this.#options = options;
    this.#futile = new FailurePause(options.now);
  }

  /** Does what `fetch` does, with the token if the request is for one of the origins and has no `Authorization`. */
  async fetch(input: FetchInput, init: RequestInit | undefined): Promise<Response> {
    const { access, fetch, origins } = this.#options;
    const allowed = allowedOrigins(origins);
    const target = targetOf(input);
    const isOwn = target !== undefined && allowed.includes(target.origin);
    if (!isOwn || isUsedUp(input, init) || headersOf(input, init).has("authorization")) {
      return await fetch(input, init);
    }
    const signal = signalOf(input, init);
    // From here on the caller may change what it has handed over.
    const request = snapshotOf(input, init);
    let spare: Snapshot | undefined;
    try {
      const { credentials: { id_token } } = await access.current(signal);
      // Now it is sent, and is used up as by `fetch`.
      dropBody(input);
      spare = spareOf(request);
      const response = await this.#send(request, id_token);
      if (response.status !== 401 || !isFrom(target, response)) {
        this.#accept(id_token);
        return response;
      }
      if (spare === undefined && this.#unproven === id_token) {
        this.#unproven = undefined;
        this.#futile.begin(REPLAYS, undefined);
        return response;
      }
      const renewed = await this.#renewed(id_token, signal);
      if (renewed === undefined) return response;
      if (spare === undefined) {
        if (renewed !== this.#taken) this.#unproven = renewed;
        return response;
      }
      dropBody(response);
      return await this.#replay(spare, renewed);
    } catch (thrown) {
      dropBody(request.input);
      throw thrown;
    } finally {
      // As long as one copy of a body is unread, its source stays open.
      dropBody(spare?.input);
    }
  }

  async #replay(request: Snapshot, idToken: string): Promise<Response> {
    const response = await this.#send(request, idToken);
    if (response.status === 401) {
      this.#futile.begin(REPLAYS, undefined);
    } else {
      this.#futile.end();
      this.#accept(idToken);
    }
    return response;
  }

  #accept(idToken: string): void {
    this.#taken = idToken;
    if (this.#unproven === idToken) this.#unproven = undefined;
  }

  async #send({ input, init }: Snapshot, idToken: string): Promise<Response> {
    const { fetch } = this.#options;
    const value = `Bearer ${idToken}`;
    if (isRequest(input) && !init?.headers) {
      // Headers in `init` would reset the referrer and more of the request.
      input.headers.set("authorization", value);
      return await fetch(input, init);
    }
    const headers = headersOf(input, init);
    headers.set("authorization", value);
    return await fetch(input, { ...init, headers });
  }

  /** A token that is not the one that was refused; `undefined` if there is none, and so nothing to try again with. */
  async #renewed(refused: string, signal: CallerSignal): Promise<string | undefined> {
    const { access, now } = this.#options;
    if (this.#futile.failureOf(REPLAYS) !== undefined) return undefined;
    try {
      const { credentials: { id_token } } = await access.renewed(
        (held) => held.credentials.id_token !== refused && isFresh(held, now()),
        signal,
      );
      return id_token === refused ? undefined : id_token;
    } catch {
      // The 401 says enough; an end of the session is told to its listeners.
      signal?.throwIfAborted();
      return undefined;
    }
  }
}

function isRequest(input: FetchInput): input is Request {
  return typeof input === "object" && "url" in input;
}

/** Whether a request has been sent before, and brings no new body. */
function isUsedUp(input: FetchInput, init: RequestInit | undefined): boolean {
  return isRequest(input) && input.bodyUsed && (init?.body ?? undefined) === undefined;
}

/** Takes what `fetch` would take at once: later on, the caller may change it, or use it for the next request. */
function snapshotOf(input: FetchInput, init: RequestInit | undefined): Snapshot {
  const body = init?.body ?? undefined;
  const own: RequestInit | undefined = init && {
    ...init,
    ...body !== undefined && { body: copyOf(body) },
    ...init.headers && { headers: new Headers(init.headers) },
  };
  if (!isRequest(input)) return { input: String(input), init: own };
  return input.bodyUsed
    ? { input: new Request(input, own), init: undefined }
    : { input: input.clone(), init: own };
}

/** A copy of a body that can change; what cannot, and a stream, as it is. */
function copyOf(body: BodyInit): BodyInit {
  if (body instanceof ArrayBuffer) return body.slice(0);
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  }
  if (body instanceof URLSearchParams) return new URLSearchParams(body);
  if (!(body instanceof FormData)) return body;
  const copy = new FormData();
  for (const [name, value] of body) copy.append(name, value);
  return copy;
}

/** Where a request goes; `undefined` where that is nothing that a token could be meant for. */
function targetOf(input: FetchInput): URL | undefined {
  const { document, location } = globalThis as {
    document?: { baseURI?: string };
    location?: { href?: string };
  };
  const text = isRequest(input) ? input.url : String(input);
  const base = document?.baseURI ?? location?.href;
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}

function headersOf(input: FetchInput, init: RequestInit | undefined): Headers {
  return new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined));
}

function signalOf(input: FetchInput, init: RequestInit | undefined): CallerSignal {
  return init?.signal === undefined && isRequest(input) ? input.signal : init?.signal;
}

/** What to send if the first request is refused; `undefined` if the body is a stream, which can be sent once. */
function spareOf({ input, init }: Snapshot): Snapshot | undefined {
  const body = init?.body ?? undefined;
  if (body !== undefined && !isReadManyTimes(body)) return undefined;
  // A request does not tell what its body was made of, so that a copy of it is kept until the answer.
  return { input: isRequest(input) ? input.clone() : input, init };
}

function isReadManyTimes(body: unknown): boolean {
  return typeof body === "string" || body instanceof Blob || body instanceof FormData ||
    body instanceof URLSearchParams || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}

/** Whether an answer is from where the token went, and not from where a redirect led without it. */
function isFrom({ origin }: URL, { redirected, url }: Response): boolean {
  return !redirected || (URL.canParse(url) && new URL(url).origin === origin);
}

function dropBody(message: FetchInput | Response | undefined): void {
  if (typeof message !== "object" || !("body" in message) || message.bodyUsed) return;
  message.body?.cancel().catch(() => {});
}
