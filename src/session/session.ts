import { abortable } from "../async.ts";
import {
  type AuthFlow,
  AuthFlowSchema,
  type Credentials,
  decodeIdToken,
  type IdTokenClaims,
} from "../models.ts";
import { checkInput } from "../validation.ts";
import { BackgroundRefresh } from "./background.ts";
import { SessionFetch } from "./fetch.ts";
import { LoginKeeper } from "./keeper.ts";
import { type Login, receivedLogin } from "./login_tokens.ts";
import type {
  CredentialSessionOptions,
  SessionCallOptions,
  SessionEvent,
  SessionListener,
} from "./options.ts";
import { type SessionSettings, sessionSettings } from "./settings.ts";
import { memoryStore, StoreEntry } from "./store.ts";

/**
 * One login that is kept fresh: its ID token is refreshed ahead of expiry, and always valid.
 *
 * - **One refresh for all.** Any number of concurrent calls make one request. Aborting one caller
 *   does not affect the others.
 * - **No timer.** Validity is checked at every call. Expiry is counted from the receipt of a token
 *   on the local clock, which may be hours off. A token without `exp` is used until a server
 *   rejects it.
 * - **Never ended lightly.** The session ends if the service rejects its refresh token (400 or 404)
 *   and the store has no newer one; not for a network error, a timeout, a 401, a 429 or a 503.
 *   During such failures a valid token remains in use, and the next refresh follows after 30 s,
 *   growing to 5 min, or after the service's `Retry-After`.
 * - **Stored first.** New credentials are returned only once they are in the store. If a sign-out
 *   and a refresh overlap, the sign-out wins, in memory and in the store.
 *
 * ID tokens are decoded, not verified, because they come from the service itself. Whoever receives
 * one must verify it.
 *
 * All methods also reject with an error of a safe message if the store fails, and with the reason
 * of their `signal`. No error, event or inspection contains a token.
 *
 * @category Session
 *
 * @example Sign in, and get a valid token whenever one is needed
 * ```ts
 * import {
 *   CredentialClient,
 *   CredentialSession,
 * } from "@saasus-sdk/credential";
 * import {
 *   CredentialEmulator,
 *   EMULATOR_BEARER_TOKEN,
 * } from "@saasus-sdk/credential/emulator";
 *
 * const emulator = new CredentialEmulator(); // instead of the service
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
 * import {
 *   type CredentialClient,
 *   CredentialSession,
 * } from "@saasus-sdk/credential";
 *
 * async function start(client: CredentialClient, loginUrl: string) {
 *   const session = new CredentialSession({
 *     client,
 *     store: localStorage,
 *     lock: navigator.locks,
 *   });
 *   const code = new URLSearchParams(location.search).get("code");
 *   if (code !== null) await session.signIn(code);
 *   if (!session.signedIn) location.href = loginUrl;
 *   return await session.fetch("/api/me"); // with the ID token
 * }
 * ```
 */
export class CredentialSession {
  readonly #settings: SessionSettings;
  readonly #keeper: LoginKeeper;
  readonly #listeners = new Set<{ readonly listener: SessionListener }>();
  readonly #background: BackgroundRefresh | undefined;

  /**
   * A `fetch` that adds `Authorization: Bearer <ID token>`. It needs no `this`, so that it can be
   * passed to other libraries: `ky.create({ fetch: session.fetch })`.
   *
   * - Only requests to `origins` get the token. Other requests, and those that have an
   *   `Authorization`, are sent unchanged.
   * - After a redirect to another origin, the token is not sent.
   * - On 401, there is one refresh and one replay. If another caller has refreshed meanwhile, there
   *   is only a replay; if the body is a stream, only a refresh, and the 401 is returned. If a new
   *   token is rejected too, 401s are returned as they are for 30 s, growing to 5 min, because the
   *   server objects to something else. A 401 is also returned if the refresh fails.
   *
   * @throws {CredentialSessionError} If nobody is signed in, and the request is for one of
   * `origins`.
   * @throws {CredentialInputError} If `origins` is not set and there is no page, or the ID token
   * cannot be in a header.
   * @throws {CredentialError} If there is no valid token and the refresh fails.
   *
   * @example The fetch of an API client
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * // With the option origins: ["https://api.example.com"].
   * async function getReport(session: CredentialSession, id: string) {
   *   return await session.fetch(`https://api.example.com/reports/${id}`);
   * }
   * ```
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

  /**
   * Creates a session. Nothing is sent or stored yet, and nothing is read unless
   * `backgroundRefresh` is set.
   *
   * @param options Only `client` is required.
   * @throws {CredentialInputError} If an option is invalid. It names each invalid option.
   */
  constructor(options: CredentialSessionOptions) {
    const settings = this.#settings = sessionSettings(options);
    const { store = memoryStore(), onChange } = settings;
    if (onChange !== undefined) this.onChange(onChange);
    const keeper = this.#keeper = new LoginKeeper({
      settings,
      entry: new StoreEntry({ ...settings, store }),
      emit: (event) => this.#emit(event),
      onChange: () => this.#background?.update(),
    });
    const own = new SessionFetch(keeper, settings);
    this.fetch = async (input, init) => await own.fetch(input, init);
    if (settings.backgroundRefresh) {
      this.#background = new BackgroundRefresh(keeper, settings.now);
      if (settings.store ?? settings.credentials) void this.#background.start();
    }
  }

  /**
   * Whether somebody is signed in, as far as is known without waiting. A synchronous store such as
   * `localStorage` is read; the content of an asynchronous store is known after the first call that
   * waits. `true` means that there are credentials, not that the service still accepts them.
   */
  get signedIn(): boolean {
    return this.#keeper.isSignedIn;
  }

  /**
   * Signs in with the temporary code of a login, and stores the credentials. They replace an
   * earlier login. If sign-ins and sign-outs overlap, the one that began last wins.
   *
   * @param login The code from the query of the callback, or another flow.
   * @returns The credentials.
   * @throws {CredentialInputError} If the code or flow is invalid. Nothing was sent.
   * @throws {CredentialApiError} If the service rejects it: usually 404 for a code that is unknown,
   * used or expired.
   * @throws {CredentialNetworkError} If there is no response.
   * @throws {CredentialTimeoutError} If the response takes too long.
   * @throws {CredentialResponseError} If the response does not match the API.
   * @throws {CredentialSessionError} If a later sign-in or sign-out replaced it.
   *
   * @example In the handler of the callback
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function onCallback(session: CredentialSession, request: Request) {
   *   const code = new URL(request.url).searchParams.get("code") ?? "";
   *   await session.signIn(code);
   * }
   * ```
   */
  async signIn(login: string | AuthFlow, options?: SessionCallOptions): Promise<Credentials> {
    const flow = checkInput(AuthFlowSchema, typeof login === "string" ? { code: login } : login, {
      message: "Cannot sign in",
      operation: "getAuthCredentials",
    });
    const signal = options?.signal;
    signal?.throwIfAborted();
    const signedIn = this.#keeper.signIn(() => this.#exchange(flow, signal));
    return { ...(await abortable(signedIn, signal)).credentials };
  }

  async #exchange(flow: AuthFlow, signal: AbortSignal | null | undefined): Promise<Login> {
    const { client, now, margin } = this.#settings;
    const response = client.getAuthCredentials(flow, signal ? { signal } : undefined);
    return receivedLogin(await abortable(response, signal), {
      receivedAt: now(),
      source: flow.authFlow === "refreshTokenAuth" ? "refresh" : "code",
      margin,
      refreshToken: flow.refreshToken,
    });
  }

  /**
   * Returns a valid ID token, refreshed if it is due.
   *
   * @returns The ID token, a JWT.
   * @throws {CredentialSessionError} If nobody is signed in, or the session has ended. Send the
   * user to the login page.
   * @throws {CredentialError} If there is no valid token and the refresh fails. The session
   * continues; until the pause after the failure is over, all callers get the same error, and
   * nothing is sent.
   *
   * @example For your own request
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function authorization(session: CredentialSession) {
   *   return `Bearer ${await session.getIdToken()}`;
   * }
   * ```
   */
  async getIdToken(options?: SessionCallOptions): Promise<string> {
    const { fresh } = this.#keeper;
    if (fresh !== undefined && !options?.signal?.aborted) return fresh.credentials.id_token;
    return (await this.#keeper.current(options?.signal)).credentials.id_token;
  }

  /**
   * Returns the claims of a valid ID token: who is signed in.
   *
   * @returns The claims, which are not verified: the token comes from the service itself.
   * @throws {CredentialInputError} If the ID token is not a JWT.
   * @throws {CredentialError} As {@linkcode CredentialSession.prototype.getIdToken} does.
   *
   * @example Greet the user
   * ```ts
   * import type { CredentialSession } from "@saasus-sdk/credential";
   *
   * async function greeting(session: CredentialSession) {
   *   const { email, sub } = await session.getClaims();
   *   return `Hello ${email ?? sub}`;
   * }
   * ```
   */
  async getClaims(options?: SessionCallOptions): Promise<IdTokenClaims> {
    return decodeIdToken(await this.getIdToken(options));
  }

  /**
   * Returns all tokens, with a valid ID token.
   *
   * @returns The credentials. With rotation, their refresh token is valid only until the next
   * refresh: leave it to the session.
   * @throws {CredentialError} As {@linkcode CredentialSession.prototype.getIdToken} does.
   *
   * @example Hand the login over to another application
   * ```ts
   * import type {
   *   CredentialClient,
   *   CredentialSession,
   * } from "@saasus-sdk/credential";
   *
   * const handOver = async (
   *   client: CredentialClient,
   *   session: CredentialSession,
   * ) => await client.createAuthCredentials(await session.getCredentials());
   * ```
   */
  async getCredentials(options?: SessionCallOptions): Promise<Credentials> {
    return { ...(await this.#keeper.current(options?.signal)).credentials };
  }

  /**
   * Refreshes now, even if the ID token is valid: after a change of the user's attributes, for
   * example. Waits for a refresh that is under way already.
   *
   * @returns The new credentials.
   * @throws {CredentialSessionError} If nobody is signed in, or the session has ended or has no
   * refresh token.
   * @throws {CredentialError} If the refresh fails. The earlier credentials remain in use.
   */
  async refresh(options?: SessionCallOptions): Promise<Credentials> {
    return { ...(await this.#keeper.renewed(() => false, options?.signal)).credentials };
  }

  /**
   * Signs out: forgets the credentials at once, and removes them from the store, under the `lock`
   * if there is one. A refresh or sign-in that is under way does not bring them back. Sessions with
   * the same store notice it when they read the store next. The service knows no sign-out.
   *
   * @throws If the store cannot remove the credentials. They are forgotten in this session all the
   * same.
   */
  async signOut(options?: SessionCallOptions): Promise<void> {
    options?.signal?.throwIfAborted();
    await abortable(this.#keeper.signOut(), options?.signal);
  }

  /**
   * Adds a listener for the events `signed_in`, `refreshed`, `signed_out` and `ended`, in this
   * session or in another one with the same store. Its errors are ignored, and it is not awaited.
   *
   * @param listener The listener. It may call any method of the session.
   * @returns A function that removes the listener.
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
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  #emit(event: SessionEvent): void {
    for (const { listener } of [...this.#listeners]) void notify(listener, event);
  }

  /**
   * Ends the background refresh, and removes all listeners. The login stays in memory and in the
   * store.
   */
  [Symbol.dispose](): void {
    this.#background?.stop();
    this.#listeners.clear();
  }
}

async function notify(listener: SessionListener, event: SessionEvent): Promise<void> {
  try {
    await listener(event);
  } catch {
    // An error of a listener must not disturb the session.
  }
}
