import { type AuthFlow, AuthFlowSchema } from "../models.ts";
import type { Credentials } from "../models.ts";
import { checkInput } from "../validation.ts";
import { SessionAccess } from "./access.ts";
import { BackgroundRefresh } from "./background.ts";
import { SessionFetch } from "./fetch.ts";
import { isFresh, received } from "./held.ts";
import { SessionListeners } from "./listeners.ts";
import type {
  CredentialSessionOptions,
  SessionCallOptions,
  SessionClient,
  SessionListener,
} from "./options.ts";
import { Refresher } from "./refresh.ts";
import { sessionSettings } from "./settings.ts";
import { SessionState } from "./state.ts";
import { memoryStore, SessionRecord } from "./store.ts";
import { abortable } from "../async.ts";

/**
 * One login, kept fresh: whoever asks gets an ID token that was refreshed ahead of its expiry.
 *
 * - **One refresh for all.** However many ask at once, one request is sent; a caller's `signal` frees that caller alone.
 * - **No timer.** Validity is checked at every call, so that a computer that slept makes no difference. Expiry is counted
 *   from the receipt of a token by the local clock, which may be hours off. A token without `exp` is used until it is refused.
 * - **Lost only for good reason.** The session ends when the service rejects its refresh token (400 or 404) and the store
 *   holds no newer one; not for a network fault, a timeout, a 401, a 429 or a 503. While such a failure lasts, a token that
 *   is still valid is handed out, and the service is asked again after 30 s, or when its `Retry-After` says so.
 * - **Stored first.** New credentials are in the store before anyone gets them. Of a sign-out and a refresh that overlap, the
 *   sign-out wins, in memory and in the store.
 *
 * ID tokens are decoded for their times, not verified: they come from the service itself. Whoever receives one has to
 * verify it.
 *
 * Besides what each method names, all reject with what the `store` throws, and with the reason of their `signal`. A token is
 * in no error, event or inspection.
 *
 * @example On a server: sign in, and get a valid token whenever one is needed
 * ```ts
 * import { CredentialClient, CredentialSession } from "@saasus-sdk/credential";
 * import { CredentialEmulator, EMULATOR_BEARER_TOKEN } from "@saasus-sdk/credential/emulator";
 *
 * const emulator = new CredentialEmulator(); // stands in for the service
 * const client = CredentialClient.fromEnv({
 *   env: { BEARER_TOKEN: EMULATOR_BEARER_TOKEN },
 *   fetch: (input, init) => emulator.fetch(new Request(input, init)),
 * });
 *
 * const session = new CredentialSession({ client });
 * await session.signIn(emulator.issueCode());
 * console.assert((await session.getIdToken()).split(".").length === 3);
 * ```
 *
 * @example In a browser
 * ```ts
 * import { type CredentialClient, CredentialSession } from "@saasus-sdk/credential";
 *
 * async function start(client: CredentialClient, loginUrl: string) {
 *   const session = new CredentialSession({ client, store: localStorage, lock: navigator.locks });
 *   const code = new URLSearchParams(location.search).get("code");
 *   if (code !== null) await session.signIn(code);
 *   if (!session.signedIn) location.href = loginUrl;
 *   return await session.fetch("/api/me"); // with the ID token, as it goes to the page's own origin
 * }
 * ```
 */
export class CredentialSession {
  readonly #client: SessionClient;
  readonly #margin: number | undefined;
  readonly #now: () => number;
  readonly #listeners = new SessionListeners();
  readonly #state: SessionState;
  readonly #access: SessionAccess;
  readonly #background: BackgroundRefresh | undefined;

  /**
   * A `fetch` that sends the ID token along, `Authorization: Bearer <ID token>`. It needs no `this`, so that it can be handed
   * over: `ky.create({ fetch: session.fetch })`.
   *
   * - Only requests to `origins` get the token; others, and those that have an `Authorization` already, go out as they are. So
   *   a client whose own `fetch` is this one does not wait for itself.
   * - A redirect to another origin goes without it, as the fetch standard says and Deno, Bun and Node do.
   * - On 401 there is one refresh and one replay; no refresh, if another caller has brought a new token meanwhile, and no
   *   replay, if the body is a stream (of a `Request`, a copy is kept until the answer): that 401 is passed on, and the next
   *   request has the new token. Where the new token is refused as
   *   well, it is not the token: for 30 s, growing to 5 min, a 401 is then passed on as it is. So is one whose refresh fails.
   *
   * @throws {CredentialSessionError} If nobody is signed in, and the request is for one of `origins`.
   * @throws {CredentialInputError} If `origins` is not set, and there is no page to take one from.
   * @throws {CredentialError} If there is no valid token, and the refresh fails: see {@linkcode CredentialSession.prototype.getIdToken}.
   *
   * @example As the `fetch` of your API's client
   * ```ts
   * import { bearerAuth, CredentialClient, CredentialSession } from "@saasus-sdk/credential";
   *
   * const session = new CredentialSession({
   *   client: new CredentialClient({ auth: bearerAuth("token") }),
   *   origins: ["https://api.example.com"],
   * });
   * const getReport = async (id: string) =>
   *   await session.fetch(`https://api.example.com/reports/${id}`);
   * ```
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

  /**
   * Makes a session. Nothing is sent, stored or read yet.
   *
   * @param options Only `client` has to be set.
   * @throws {CredentialInputError} If an option is wrong; it names each.
   *
   * @example Start from the tokens of a cookie
   * ```ts
   * import { bearerAuth, CredentialClient, CredentialSession } from "@saasus-sdk/credential";
   *
   * const cookie = { id_token: "a.b.c", access_token: "d.e.f", refresh_token: "g" };
   * const session = new CredentialSession({
   *   client: new CredentialClient({ auth: bearerAuth("token") }),
   *   credentials: cookie,
   * });
   * console.assert(session.signedIn);
   * ```
   */
  constructor(options: CredentialSessionOptions) {
    const settings = sessionSettings(options);
    const { client, store, key, now, margin, credentials, fetch, origins, lock } = settings;
    const { lockTimeout, endsSession } = settings;
    this.#client = client;
    this.#margin = margin;
    this.#now = now;
    if (settings.onChange !== undefined) this.#listeners.add(settings.onChange);
    const state = this.#state = new SessionState({
      record: new SessionRecord({ store: store ?? memoryStore(), key, margin }),
      isShared: store !== undefined,
      listeners: this.#listeners,
      onHold: () => this.#background?.update(),
      now,
      given: credentials && received(credentials, { receivedAt: now(), origin: "known", margin }),
    });
    const refresher = new Refresher(
      { client, state, now, margin, key, lock, lockTimeout, endsSession },
    );
    const access = this.#access = new SessionAccess({ state, refresher, now });
    const own = new SessionFetch({ access, fetch, origins, now });
    this.fetch = async (input, init) => await own.fetch(input, init);
    if (settings.backgroundRefresh) {
      this.#background = new BackgroundRefresh({
        held: () => state.saved,
        refresh: () => access.current(undefined),
        now,
      });
    }
  }

  /**
   * Whether somebody is signed in, as far as is known without waiting. A store that answers at once, such as `localStorage`,
   * is looked into; what an asynchronous one holds is known after the first call that waits: with such a store, ask
   * `await session.getIdToken()`, and be ready for a `CredentialSessionError`.
   *
   * `true` says that there are credentials, not that the service still takes them.
   *
   * @example At the start of a page
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * function ensureLogin(session: CredentialSession, loginUrl: string) {
   *   if (!session.signedIn) location.assign(loginUrl);
   * }
   * ```
   */
  get signedIn(): boolean {
    return this.#state.isSignedIn;
  }

  /**
   * Signs in with the temporary code of a login, and stores what it is exchanged for. It takes the place of a login that
   * there was. Of two sign-ins, or a sign-in and a sign-out, that overlap, the one that was begun later wins.
   *
   * @param login The code from the callback's query, or what else the client takes.
   * @returns The credentials.
   * @throws {CredentialInputError} If the code is empty or the flow is wrong. Nothing was sent.
   * @throws {CredentialApiError} If the service says no: 404 usually for a code that is unknown, used or expired.
   * @throws {CredentialNetworkError} If no answer comes.
   * @throws {CredentialTimeoutError} If an answer takes too long.
   * @throws {CredentialResponseError} If the answer is not what the API promises.
   * @throws {CredentialSessionError} If another sign-in, or a sign-out, was begun meanwhile.
   *
   * @example In the handler of the callback
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function onCallback(request: Request, session: CredentialSession) {
   *   const code = new URL(request.url).searchParams.get("code") ?? "";
   *   await session.signIn(code, { signal: request.signal });
   * }
   * ```
   */
  async signIn(login: string | AuthFlow, options?: SessionCallOptions): Promise<Credentials> {
    const message = "Cannot sign in";
    const input = typeof login === "string" ? { code: login } : login;
    const flow = checkInput(AuthFlowSchema, input, { message, operation: "getAuthCredentials" });
    const signal = options?.signal;
    signal?.throwIfAborted();
    const turn = this.#state.nextTurn();
    const answer = await abortable(
      this.#client.getAuthCredentials(flow, signal ? { signal } : undefined),
      signal,
    );
    const held = received(answer, {
      receivedAt: this.#now(),
      origin: flow.authFlow === "refreshTokenAuth" ? "refresh" : "code",
      margin: this.#margin,
      refreshToken: flow.refreshToken,
    });
    await abortable(this.#state.signIn(held, turn), signal);
    return { ...held.credentials };
  }

  /**
   * Returns an ID token that is valid: the one at hand, or a new one if that is due for a refresh.
   *
   * @returns The ID token, a JWT.
   * @throws {CredentialSessionError} If nobody is signed in, or the session has ended: send the user to the login page.
   * @throws {CredentialError} If there is no valid token, and the refresh fails: as the client has said it. The session goes
   * on; until the pause after the failure is over, all callers get this error again, and nothing is sent.
   *
   * @example For a request of your own
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function authorization(session: CredentialSession) {
   *   return `Bearer ${await session.getIdToken()}`;
   * }
   * ```
   */
  async getIdToken(options?: SessionCallOptions): Promise<string> {
    const { saved } = this.#state;
    if (saved !== undefined && !options?.signal?.aborted && isFresh(saved, this.#now())) {
      return saved.credentials.id_token;
    }
    return (await this.#access.current(options?.signal)).credentials.id_token;
  }

  /**
   * Returns all tokens, with an ID token that is valid.
   *
   * @returns The credentials. With rotation, their refresh token is good only until the next refresh: let the session use it.
   * @throws {CredentialSessionError} As {@linkcode CredentialSession.prototype.getIdToken} does.
   * @throws {CredentialError} As {@linkcode CredentialSession.prototype.getIdToken} does.
   *
   * @example Hand the login over to another application
   * ```ts
   * import type { CredentialClient, CredentialSession } from "@saasus-sdk/credential";
   *
   * async function handOver(client: CredentialClient, session: CredentialSession) {
   *   const { code } = await client.createAuthCredentials(await session.getCredentials());
   *   return `https://other.example.com/callback?${new URLSearchParams({ code })}`;
   * }
   * ```
   */
  async getCredentials(options?: SessionCallOptions): Promise<Credentials> {
    return { ...(await this.#access.current(options?.signal)).credentials };
  }

  /**
   * Refreshes now, however long the ID token is still valid: after a change of the user's rights, or if somebody has answered
   * 401 to the token. Waits for a refresh that is under way already.
   *
   * @returns The new credentials.
   * @throws {CredentialSessionError} If nobody is signed in, the session has ended or has no refresh token.
   * @throws {CredentialError} If the refresh fails. What there was before stays in use.
   *
   * @example Have the rights in the ID token follow a change of plan
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function changePlan(session: CredentialSession, plan: string) {
   *   await session.fetch("/api/plan", { method: "PUT", body: plan });
   *   await session.refresh();
   * }
   * ```
   */
  async refresh(options?: SessionCallOptions): Promise<Credentials> {
    return { ...(await this.#access.renewed(() => false, options?.signal)).credentials };
  }

  /**
   * Signs out: forgets the credentials at once, and removes them from the store. A refresh or a sign-in that is under way
   * does not bring them back. Others who share the store notice at their next refresh, with the event `signed_out`. The
   * service has nothing to be told: it knows no sign-out.
   *
   * @throws What the store throws, if it does not let go of them. They are forgotten here all the same.
   *
   * @example Behind a button
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function leave(session: CredentialSession) {
   *   await session.signOut();
   *   location.assign("/");
   * }
   * ```
   */
  async signOut(options?: SessionCallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    await abortable(this.#state.signOut(), options?.signal);
  }

  /**
   * Has a listener told of every change: `signed_in`, `refreshed`, `signed_out` (here or elsewhere), `ended`. It may call the session; what it
   * throws is dropped, and nobody waits for it.
   *
   * @param listener Told of each change.
   * @returns Removes the listener.
   *
   * @example Send the user to the login page
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * function watch(session: CredentialSession, goToLogin: () => void) {
   *   return session.onChange(({ type }) => {
   *     if (type === "ended" || type === "signed_out") goToLogin();
   *   });
   * }
   * ```
   */
  onChange(listener: SessionListener): () => void {
    return this.#listeners.add(listener);
  }

  /**
   * Ends the background refresh and forgets all listeners. The login stays as it is, in memory and in the store.
   *
   * @example For the time of a block
   * ```ts
   * import { type CredentialClient, CredentialSession } from "@saasus-sdk/credential";
   *
   * async function work(client: CredentialClient, code: string) {
   *   using session = new CredentialSession({ client, backgroundRefresh: true });
   *   await session.signIn(code);
   * }
   * ```
   */
  [Symbol.dispose](): void {
    this.#background?.stop();
    this.#listeners.clear();
  }
}
