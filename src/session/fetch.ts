import { CredentialInputError } from "../errors.ts";
import { isObject, isVisibleAscii } from "../validation.ts";
import type { CallerSignal, LoginKeeper } from "./keeper.ts";
import { isFresh } from "./login_tokens.ts";
import { FailurePause } from "./pause.ts";
import { allowedOrigins, type SessionSettings } from "./settings.ts";

type FetchInput = string | URL | Request;

/** A request as it was when `fetch` was called. */
interface Snapshot {
  readonly request: Request;
  /** The other init fields, such as `client` on Deno and `tls` on Bun. */
  readonly extra: RequestInit;
  /** Whether the body can be sent again. */
  readonly isRepeatable: boolean;
}

/** The key of the pause, which concerns all tokens. */
const ANY_TOKEN = "";

/** The `fetch` of a session, which adds the ID token to requests. */
export class SessionFetch {
  readonly #keeper: LoginKeeper;
  readonly #settings: SessionSettings;
  /** Begins when a new token is rejected too: the server then objects to something else. */
  readonly #pause: FailurePause;
  /** A new token after a 401, until a server has accepted or rejected it. */
  #untried: string | undefined;
  /** The last token that a server accepted. */
  #accepted: string | undefined;

  /** Creates the function's state. Nothing is sent yet. */
  constructor(keeper: LoginKeeper, settings: SessionSettings) {
    this.#keeper = keeper;
    this.#settings = settings;
    this.#pause = new FailurePause(settings.now);
  }

  /** Sends a request, with the token if it is for one of the origins and has no `Authorization`. */
  async fetch(input: FetchInput, init: RequestInit | undefined): Promise<Response> {
    const { fetch, origins } = this.#settings;
    const allowed = allowedOrigins(origins);
    const target = targetOf(input);
    const headers = new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined));
    if (
      target === undefined || !allowed.includes(target.origin) || headers.has("authorization") ||
      // Bun would copy a request that is used up, and send it without its body.
      (isRequest(input) && input.bodyUsed && (init?.body ?? undefined) === undefined)
    ) {
      return await fetch(input, init);
    }
    const sources = [input, init].filter(isRequest);
    // From here on, the caller may change the arguments.
    const { request, extra, isRepeatable } = snapshotOf(
      isRequest(input) ? input : target.href,
      init,
    );
    const { signal } = request;
    let spare: Request | undefined;
    try {
      const { credentials: { id_token } } = await this.#keeper.current(signal);
      // The request is sent now, and its body is used up, as by `fetch`.
      for (const source of sources) dropBody(source);
      spare = isRepeatable ? request.clone() : undefined;
      const response = await this.#send(request, extra, id_token);
      if (!isRejection(response, request)) return response;
      const renewed = await this.#renewed(id_token, signal);
      if (renewed === undefined || spare === undefined) return response;
      dropBody(response);
      return await this.#send(spare, extra, renewed, true);
    } catch (thrown) {
      dropBody(request);
      throw thrown;
    } finally {
      // The source of a body stays open as long as one of its copies is unread.
      dropBody(spare);
    }
  }

  async #send(
    request: Request,
    extra: RequestInit,
    idToken: string,
    isReplay = false,
  ): Promise<Response> {
    if (!isVisibleAscii(idToken)) {
      throw new CredentialInputError("Cannot fetch with the session's ID token", {
        issues: [{ path: "id_token", expected: "visible ASCII characters only" }],
      });
    }
    request.headers.set("authorization", `Bearer ${idToken}`);
    const response = await this.#settings.fetch(request, extra);
    const isRejected = isRejection(response, request);
    const isNew = isReplay || this.#untried === idToken;
    // Concurrent replays must not make the pause longer.
    if (isRejected && isNew && !this.#isPaused) this.#pause.begin(ANY_TOKEN);
    if (!isRejected && isReplay) this.#pause.end();
    if (!isRejected) this.#accepted = idToken;
    if (this.#untried === idToken) this.#untried = undefined;
    return response;
  }

  get #isPaused(): boolean {
    return this.#pause.failureOf(ANY_TOKEN) !== undefined;
  }

  /** Returns a token other than the rejected one, or `undefined` if there is none to try. */
  async #renewed(rejected: string, signal: CallerSignal): Promise<string | undefined> {
    if (this.#isPaused) return undefined;
    try {
      const { credentials: { id_token } } = await this.#keeper.renewed(
        (login) => login.credentials.id_token !== rejected && isFresh(login, this.#settings.now()),
        signal,
      );
      if (id_token === rejected) return undefined;
      if (id_token !== this.#accepted) this.#untried = id_token;
      return id_token;
    } catch {
      // The caller gets the 401; the end of a session is reported to its listeners.
      signal?.throwIfAborted();
      return undefined;
    }
  }
}

function isRequest(value: unknown): value is Request {
  return isObject(value) && "url" in value && "headers" in value;
}

/**
 * Copies a request, because the caller may change it later, or use it if there is no token to send
 * it with.
 */
function snapshotOf(input: string | Request, init: RequestInit | undefined): Snapshot {
  const body: unknown = init?.body ?? undefined;
  const source = body === undefined ? copyOf(input) : input;
  const fields = init && copyOf(init);
  // Always a new request, because the headers of a received request and its clones are immutable.
  const request = new Request(source, fields);
  for (const copy of [source, fields]) {
    if (!isRequest(copy) || copy === input || copy === init) continue;
    // Bun 1.4 copies the body of a request, instead of moving it, and so leaves it open.
    if (copy.body !== request.body) dropBody(copy);
  }
  const { method: _m, headers: _h, body: _b, signal: _s, ...extra } = init ?? {};
  return { request, extra, isRepeatable: isRequest(init) || !isStream(body) };
}

function copyOf<T>(value: T): T {
  return isRequest(value) && value.body && !value.bodyUsed ? value.clone() as T : value;
}

/** Checks for a body that can be read only once. */
function isStream(body: unknown): boolean {
  return isObject(body) && ("getReader" in body || Symbol.asyncIterator in body);
}

/** Returns the URL of a request; `undefined` if it is not for a web server. */
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

/** Checks for a 401. After a redirect to another origin, it does not concern the token. */
function isRejection({ status, redirected, url }: Response, request: Request): boolean {
  return status === 401 &&
    (!redirected || (URL.canParse(url) && new URL(url).origin === new URL(request.url).origin));
}

function dropBody(message: Request | Response | undefined): void {
  if (message === undefined || message.bodyUsed) return;
  message.body?.cancel().catch(() => {});
}
