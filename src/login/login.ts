import { type CredentialSession, isCredentialError } from "../../mod.ts";
import { Callback, retryAfter } from "./callback.ts";
import { LoginCookies, type SessionCookie, startedLogin, withPermit } from "./cookies.ts";
import { isCrossSite, isNavigation, isOfOrigin, isUnsafe } from "./cross_origin.ts";
import { Logins } from "./logins.ts";
import {
  type CredentialLoginFromEnvOptions,
  type CredentialLoginOptions,
  type LoginEvent,
  type LoginEventReason,
  type LoginSettings,
  loginSettings,
  optionsFromEnv,
  ownPaths,
  secureUrl,
} from "./options.ts";
import { empty, json, page, redirect } from "./pages.ts";
import { returnPath } from "./return_path.ts";
import { SignIns } from "./sign_ins.ts";

/** The wait that a browser is asked for if the service names none, in ms. Sessions pause as long after a failure. */
const RETRY_AFTER = 30_000;

/** The login of a request. */
type Lookup =
  | { readonly kind: "signed_out" }
  | { readonly kind: "signed_in"; readonly session: CredentialSession; readonly end: number }
  /** The service does not refresh the ID token at the moment. */
  | { readonly kind: "outage"; readonly session: CredentialSession; readonly error: unknown }
  /** The store failed, and nothing valid is held. */
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * A handler of an application for signed-in users.
 *
 * @param request The request.
 * @param session The session of the user.
 * @param rest Further arguments of the server, such as the server of `Bun.serve`.
 *
 * @category Login
 */
export type ProtectedHandler<Incoming extends Request, Rest extends readonly unknown[]> = (
  request: Incoming,
  session: CredentialSession,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * A web login for servers: it sends browsers to the hosted login page, exchanges the code of the callback, keeps the tokens
 * in a store and a random session id in a cookie.
 *
 * | path | method | response |
 * |---|---|---|
 * | `/auth/login?returnTo=…` | GET | a redirect to the login page |
 * | `/callback?code=…` | GET | a redirect to the path to return to |
 * | `/auth/me` | GET | the claims of the user, as JSON |
 * | `/auth/logout` | POST | a redirect to `home`; 204 for a `fetch` |
 *
 * No method needs `this`. None of the handlers throws for what a browser sends. Tokens are in no cookie and no response.
 *
 * @example A login for `Deno.serve`
 * ```ts
 * import { CredentialLogin } from "@saasus-sdk/credential/login";
 *
 * const login = CredentialLogin.fromEnv({
 *   origin: "https://app.example.com",
 *   env: {
 *     SAASUS_LOGIN_URL: "https://auth.example.com/",
 *     BEARER_TOKEN: "token",
 *   },
 * });
 * const home = login.protect(async (_request, session) => {
 *   const { email } = await session.getClaims();
 *   return new Response(`You are signed in as ${email}`);
 * });
 * const serve = async (request: Request) =>
 *   await login.handle(request) ?? await home(request);
 * // Deno.serve(serve)
 *
 * const response = await serve(
 *   new Request("https://app.example.com/", {
 *     headers: { Accept: "text/html" },
 *   }),
 * );
 * console.assert(response.headers.get("Location") === "/auth/login?returnTo=%2F");
 * ```
 *
 * @category Login
 */
export class CredentialLogin {
  readonly #settings: LoginSettings;
  readonly #cookies: LoginCookies;
  readonly #logins: Logins;
  readonly #signIns = new SignIns();
  readonly #callback: Callback;
  readonly #paths: ReturnType<typeof ownPaths>;

  /**
   * Handles a request for one of the paths of the login.
   *
   * @param request The request. Only the path and the query of its URL count.
   * @returns The response; `undefined` for all other paths.
   *
   * @example The login before an application
   * ```ts
   * import type { CredentialLogin } from "@saasus-sdk/credential/login";
   *
   * const server = (
   *   login: CredentialLogin,
   *   app: (request: Request) => Promise<Response>,
   * ) =>
   * async (request: Request) =>
   *   await login.handle(request) ?? await app(request);
   * ```
   */
  readonly handle: (request: Request) => Promise<Response | undefined> = async (request) => {
    const { pathname } = new URL(request.url);
    const handlers = [this.start, this.callback, this.me, this.signOut];
    return await handlers[this.#paths.indexOf(pathname)]?.(request);
  };

  /**
   * Starts a login: redirects a navigation to the login page. The query parameter `returnTo` is the path to return to.
   *
   * A navigation that another site began gets a page with a link instead, and a `fetch` the status 401.
   *
   * @example As a route of its own
   * ```ts
   * import type { CredentialLogin } from "@saasus-sdk/credential/login";
   *
   * const routes = (login: CredentialLogin) => ({
   *   "/sign-in": login.start,
   * });
   * ```
   */
  readonly start: (request: Request) => Promise<Response> = async (request) => {
    if (request.method !== "GET") return notAllowed("GET");
    if (!isNavigation(request)) return this.#signedOut();
    const { searchParams } = new URL(request.url);
    const returnTo = this.#returnPath(searchParams.get("returnTo"));
    const now = this.#settings.now();
    const login = this.#cookies.readLogin(request, now);
    const isUnkept = searchParams.has("restart") && login === undefined;
    if (isUnkept || isCrossSite(request)) {
      const name = isUnkept ? "cookies" : "signedOut";
      this.#report("refused", isUnkept ? "cookies" : "cross_site");
      return page(name, request, { status: 401, link: this.#startPath(returnTo) });
    }
    const loginUrl = await this.#loginUrl(request);
    if (loginUrl === undefined) {
      this.#report("failed", "login_url");
      return page("unavailable", request, { status: 503, link: this.#startPath(returnTo) });
    }
    const started = { ...withPermit(login ?? startedLogin(now), now), returnTo };
    return redirect(loginUrl.href, [["Set-Cookie", this.#cookies.setLogin(started, now)]]);
  };

  /**
   * Handles the callback of the login page: exchanges the code, and redirects to the path to return to with a new session
   * cookie. A callback of a login that was not started in this browser is sent back to the start.
   *
   * @throws An error that `onSignIn` throws.
   *
   * @example As a route of its own
   * ```ts
   * import type { CredentialLogin } from "@saasus-sdk/credential/login";
   *
   * const routes = (login: CredentialLogin) => ({
   *   "/callback": login.callback,
   * });
   * ```
   */
  readonly callback: (request: Request) => Promise<Response> = async (request) => {
    if (request.method !== "GET") return notAllowed("GET");
    if (!isNavigation(request)) return this.#signedOut();
    return await this.#callback.respond(request);
  };

  /**
   * Returns the claims of the user and the end of the login, as JSON: `{ "claims": …, "expiresAt": … }`. Without a login the
   * status is 401 and the body `{ "type": "signed_out", "login": … }`, with the path of the start. During an outage the
   * status is 503.
   *
   * @example In the page of an application
   * ```ts ignore
   * const response = await fetch("/auth/me");
   * if (response.status === 401) location.assign((await response.json()).login);
   * const { claims } = await response.json();
   * ```
   */
  readonly me: (request: Request) => Promise<Response> = async (request) => {
    if (request.method !== "GET") return notAllowed("GET");
    const login = await this.#find(request);
    if (login.kind === "signed_out") return this.#signedOut();
    if (login.kind !== "signed_in") return this.#unavailable(login);
    try {
      const claims = await login.session.getClaims();
      return json({ claims, expiresAt: login.end }, 200);
    } catch (error) {
      return isEnd(error) ? this.#signedOut() : this.#unavailable({ ...login, error });
    }
  };

  /**
   * Signs out: removes the login from the store and the cookie from the browser. The request has to be a POST of a page of
   * the application's own origin.
   *
   * The service has no sign-out: the refresh token stays valid there until it expires.
   *
   * @example A form for it
   * ```ts
   * const form = `<form method="post" action="/auth/logout">
   *   <button>Sign out</button>
   * </form>`;
   * console.assert(form.includes("post"));
   * ```
   */
  readonly signOut: (request: Request) => Promise<Response> = async (request) => {
    if (request.method !== "POST") return notAllowed("POST");
    if (!isOfOrigin(request, this.#settings.origin)) return this.#forbidden(request);
    const now = this.#settings.now();
    const session = this.#cookies.readSession(request, now);
    this.#signIns.signOut({ session, login: this.#cookies.readLogin(request, now) });
    if (session !== undefined) await this.#forget(session);
    const headers = [["Set-Cookie", this.#cookies.clearSession()]] as const;
    return isNavigation(request) ? redirect(this.#settings.home, headers) : empty(204, headers);
  };

  /**
   * Returns the session of a request. It sets no cookie.
   *
   * @returns The session, also while the service cannot refresh it; `undefined` if nobody is signed in.
   * @throws {Error} If the store fails and no valid token is held.
   *
   * @example In a handler
   * ```ts
   * import type { CredentialLogin } from "@saasus-sdk/credential/login";
   *
   * async function greeting(login: CredentialLogin, request: Request) {
   *   const session = await login.session(request);
   *   if (session === undefined) return "Hello";
   *   return `Hello ${(await session.getClaims()).email}`;
   * }
   * ```
   */
  readonly session: (request: Request) => Promise<CredentialSession | undefined> = async (
    request,
  ) => {
    const login = await this.#find(request);
    if (login.kind === "failed") throw login.error;
    return login.kind === "signed_out" ? undefined : login.session;
  };

  /**
   * Creates a login. Nothing is sent, stored or read yet.
   *
   * @param options The options. `client`, `loginUrl` and `origin` are required.
   * @throws {CredentialInputError} If an option is invalid. It names all invalid options.
   */
  constructor(options: CredentialLoginOptions) {
    const settings = this.#settings = loginSettings(options);
    const cookies = this.#cookies = new LoginCookies(settings.origin);
    const logins = this.#logins = new Logins(settings);
    this.#paths = ownPaths(settings);
    this.#callback = new Callback({
      settings,
      cookies,
      logins,
      signIns: this.#signIns,
      report: (type, reason) => this.#report(type, reason),
      loginUrl: (request) => this.#loginUrl(request),
      startPath: (returnTo, isRestart) => this.#startPath(returnTo, isRestart),
      returnPath: (text) => this.#returnPath(text),
      isSignedIn: async (request) =>
        ["signed_in", "outage"].includes((await this.#find(request)).kind),
    });
  }

  /**
   * Creates a login from environment variables: `SAASUS_LOGIN_URL`, and those of `CredentialClient.fromEnv`. On Deno,
   * reading them requires `--allow-env`.
   *
   * @param options The options of the login. `client` and `loginUrl` replace the variables.
   * @throws {CredentialInputError} If a variable is not set, or a variable or an option is invalid.
   *
   * @example From a record
   * ```ts
   * import { CredentialLogin } from "@saasus-sdk/credential/login";
   *
   * const login = CredentialLogin.fromEnv({
   *   origin: "http://localhost:3000",
   *   env: {
   *     SAASUS_LOGIN_URL: "https://auth.example.com/",
   *     BEARER_TOKEN: "token",
   *   },
   * });
   * console.assert(login.origin === "http://localhost:3000");
   * ```
   */
  static fromEnv(options: CredentialLoginFromEnvOptions): CredentialLogin {
    return new CredentialLogin(optionsFromEnv(options));
  }

  /** The origin of the application. */
  get origin(): string {
    return this.#settings.origin;
  }

  /**
   * Returns a handler that runs only for signed-in users. Without a login, a navigation is redirected to the start, and any
   * other request gets the status 401; during an outage, both get 503. A request that can change something (by its method,
   * or because it opens a WebSocket) gets 403 unless a page of the application's own origin sent it.
   *
   * The response of the handler is passed on unchanged, and no cookie is set.
   *
   * @param handler The handler. It gets the request, the session, and all further arguments of the server.
   *
   * @example A route for `Bun.serve`, and the same route for Hono
   * ```ts
   * import type { CredentialLogin } from "@saasus-sdk/credential/login";
   *
   * const routes = (login: CredentialLogin) => ({
   *   "/api/name": login.protect(async (_request, session) =>
   *     Response.json((await session.getClaims()).email)
   *   ),
   * });
   * // app.get("/api/name", (c) => routes(login)["/api/name"](c.req.raw))
   * ```
   */
  protect<Incoming extends Request = Request, Rest extends readonly unknown[] = []>(
    handler: ProtectedHandler<Incoming, Rest>,
  ): (request: Incoming, ...rest: Rest) => Promise<Response> {
    return async (request, ...rest) => {
      if (isUnsafe(request) && !isOfOrigin(request, this.#settings.origin)) {
        return this.#forbidden(request);
      }
      const login = await this.#find(request);
      if (login.kind === "signed_in") return await handler(request, login.session, ...rest);
      if (login.kind !== "signed_out") return this.#unavailable(login, request);
      return isNavigation(request) ? this.#redirectToStart(request) : this.#signedOut();
    };
  }

  /** Finds the login of a request. Its ID token is valid, or the result names the reason. */
  async #find(request: Request): Promise<Lookup> {
    const cookie = this.#cookies.readSession(request, this.#settings.now());
    if (cookie === undefined) return { kind: "signed_out" };
    let session: CredentialSession | undefined;
    try {
      session = await this.#logins.find(cookie);
      if (session === undefined) return { kind: "signed_out" };
      await session.getIdToken();
      return { kind: "signed_in", session, end: cookie.end };
    } catch (error) {
      if (isEnd(error)) {
        await this.#logins.release(cookie);
        return { kind: "signed_out" };
      }
      return session !== undefined && isCredentialError(error)
        ? { kind: "outage", session, error }
        : { kind: "failed", error };
    }
  }

  async #forget(session: SessionCookie): Promise<void> {
    try {
      await this.#logins.remove(session);
      this.#report("signed_out");
    } catch {
      this.#report("failed", "store");
    }
  }

  #redirectToStart(request: Request): Response {
    const { pathname, search } = new URL(request.url);
    const path = isUnsafe(request) ? undefined : this.#returnPath(pathname + search);
    return redirect(this.#startPath(path));
  }

  #startPath(returnTo: string | undefined, isRestart = false): string {
    const query = new URLSearchParams();
    if (returnTo !== undefined) query.set("returnTo", returnTo);
    if (isRestart) query.set("restart", "1");
    const [start] = this.#paths;
    return query.size === 0 ? start : `${start}?${query}`;
  }

  /** Returns a path that a sign-in can return to. The paths of the login itself would lead in a circle. */
  #returnPath(text: string | null | undefined): string | undefined {
    const { origin } = this.#settings;
    const path = returnPath(text, origin);
    if (path === undefined || this.#paths.includes(new URL(origin + path).pathname)) {
      return undefined;
    }
    return this.#cookies.hasRoomFor(path) ? path : undefined;
  }

  async #loginUrl(request: Request): Promise<URL | undefined> {
    const { loginUrl } = this.#settings;
    try {
      return secureUrl(typeof loginUrl === "function" ? await loginUrl(request) : loginUrl);
    } catch {
      return undefined;
    }
  }

  #signedOut(): Response {
    const [login] = this.#paths;
    return json({ type: "signed_out", login }, 401);
  }

  #unavailable(
    { kind, error }: { readonly kind: Lookup["kind"]; readonly error: unknown },
    request?: Request,
  ): Response {
    this.#report("failed", kind === "failed" ? "store" : "service");
    const headers = retryAfter(error, RETRY_AFTER);
    return request !== undefined && isNavigation(request)
      ? page("unavailable", request, { status: 503, link: this.#settings.home, headers })
      : json({ type: "unavailable" }, 503, headers);
  }

  #forbidden(request: Request): Response {
    this.#report("refused", "cross_site");
    return isNavigation(request)
      ? page("forbidden", request, { status: 403, link: this.#settings.home })
      : json({ type: "forbidden" }, 403);
  }

  #report(type: LoginEvent["type"], reason?: LoginEventReason): void {
    try {
      const result = this.#settings.onEvent(reason === undefined ? { type } : { type, reason });
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // An error of the listener must not change the response.
    }
  }
}

function isEnd(error: unknown): boolean {
  return isCredentialError(error) && error.code === "session_ended";
}

function notAllowed(method: string): Response {
  return json({ type: "method_not_allowed" }, 405, [["Allow", method]]);
}
