import { type CredentialSession, decodeIdToken } from "../../mod.ts";
import { Callback } from "./callback.ts";
import { LoginContext, type Lookup, retryAfter } from "./context.ts";
import type { SessionCookie } from "./cookies.ts";
import { isNavigation, isOfOrigin, isUnsafe } from "./cross_origin.ts";
import type { CredentialLoginFromEnvOptions, CredentialLoginOptions } from "./options.ts";
import { empty, json, notAllowed, page, redirect } from "./pages.ts";
import { loginSettings, optionsFromEnv } from "./settings.ts";
import { start } from "./start.ts";

/**
 * The wait that a browser is asked for if the service names none, in ms. Sessions pause as long
 * after a failure.
 */
const RETRY_AFTER = 30_000;

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
 * A web login for servers: it sends browsers to the hosted login page, exchanges the code of the
 * callback, keeps the tokens in a store and a random session id in a cookie.
 *
 * | path | method | response |
 * |---|---|---|
 * | `/auth/login?returnTo=…` | GET | a redirect to the login page |
 * | `/callback?code=…` | GET | a redirect to the path to return to |
 * | `/auth/me` | GET | the claims of the user, as JSON |
 * | `/auth/logout` | POST | a redirect to `home`; 204 for a `fetch` |
 *
 * No method needs `this`. None of the handlers throws for what a browser sends. Tokens are in no
 * cookie and no response.
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
 * const location = response.headers.get("Location");
 * console.assert(location === "/auth/login?returnTo=%2F");
 * ```
 *
 * @category Login
 */
export class CredentialLogin {
  readonly #context: LoginContext;
  readonly #callback: Callback;

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
    const { pathname } = this.#context.urlOf(request);
    const handlers = [this.start, this.callback, this.me, this.signOut];
    return await handlers[this.#context.paths.indexOf(pathname)]?.(request);
  };

  /**
   * Starts a login: redirects a navigation to the login page. The query parameter `returnTo` is the
   * path to return to.
   *
   * A navigation that another site began gets a page with a link instead, and a `fetch` the status
   * 401.
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
  readonly start: (request: Request) => Promise<Response> = (request) =>
    start(this.#context, request);

  /**
   * Handles the callback of the login page: exchanges the code, and redirects to the path to return
   * to with a new session cookie. A callback of a login that was not started in this browser is
   * sent back to the start.
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
    if (!isNavigation(request)) return this.#context.signedOut();
    return await this.#callback.respond(request);
  };

  /**
   * Returns the claims of the user and the end of the login (in ms since the epoch) as the JSON
   * fields `claims` and `expiresAt`. Without a login, the status is 401, the field `type` is
   * `signed_out`, and the field `login` is the path of the start. During an outage, the status is
   * 503.
   *
   * @example In the page of an application
   * ```ts ignore
   * const response = await fetch("/auth/me");
   * const { claims, login } = await response.json();
   * if (response.status === 401) location.assign(login);
   * ```
   */
  readonly me: (request: Request) => Promise<Response> = async (request) => {
    if (request.method !== "GET") return notAllowed("GET");
    const login = await this.#context.find(request);
    if (login.kind === "signed_out") return this.#context.signedOut();
    if (login.kind !== "signed_in") return this.#unavailable(login);
    try {
      return json({ claims: decodeIdToken(login.idToken), expiresAt: login.end }, 200);
    } catch (error) {
      return this.#unavailable({ ...login, error });
    }
  };

  /**
   * Signs out: removes the login from the store and the cookie from the browser. The request has to
   * be a POST of a page of the application's own origin.
   *
   * A callback of the same browser that is still under way signs nobody in. (In another process,
   * this holds for a browser that had a login before.) The service has no sign-out: the refresh
   * token stays valid there until it expires.
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
    const { settings, cookies, signIns } = this.#context;
    if (!isOfOrigin(request, settings.origin)) return this.#forbidden(request);
    const now = settings.now();
    const session = cookies.readSession(request, now);
    signIns.signOut({ session, login: cookies.readLogin(request, now) });
    if (session !== undefined) await this.#forget(session);
    const headers = [["Set-Cookie", cookies.clearSession()]] as const;
    return isNavigation(request) ? redirect(settings.home, headers) : empty(204, headers);
  };

  /**
   * Returns the session of a request. It sets no cookie.
   *
   * @returns The session, also while the service cannot refresh it; `undefined` if nobody is signed
   * in.
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
    const login = await this.#context.find(request);
    if (login.kind === "failed") throw login.error;
    return login.kind === "signed_out" ? undefined : login.session;
  };

  /**
   * Returns a handler that runs only for signed-in users. Without a login, a navigation is
   * redirected to the start, and any other request gets the status 401; during an outage, both get
   * 503. A request that can change something (by its method, or because it opens a WebSocket) gets
   * 403 unless a page of the application's own origin sent it.
   *
   * The response of the handler is passed on unchanged, and no cookie is set.
   *
   * @param handler The handler. It gets the request, the session, and all further arguments of the
   * server.
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
  readonly protect: <Incoming extends Request = Request, Rest extends readonly unknown[] = []>(
    handler: ProtectedHandler<Incoming, Rest>,
  ) => (request: Incoming, ...rest: Rest) => Promise<Response> =
    (handler) => async (request, ...rest) => {
      if (isUnsafe(request) && !isOfOrigin(request, this.#context.settings.origin)) {
        return this.#forbidden(request);
      }
      const login = await this.#context.find(request);
      if (login.kind === "signed_in") return await handler(request, login.session, ...rest);
      if (login.kind !== "signed_out") return this.#unavailable(login, request);
      return isNavigation(request) ? this.#redirectToStart(request) : this.#context.signedOut();
    };

  /**
   * Creates a login. Nothing is sent, stored or read yet.
   *
   * @param options The options. `client`, `loginUrl` and `origin` are required.
   * @throws {CredentialInputError} If an option is invalid. It names all invalid options.
   */
  constructor(options: CredentialLoginOptions) {
    this.#context = new LoginContext(loginSettings(options));
    this.#callback = new Callback(this.#context);
  }

  /**
   * Creates a login from environment variables: `SAASUS_LOGIN_URL`, and those of
   * `CredentialClient.fromEnv`. On Deno, reading them requires `--allow-env`.
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
    return this.#context.settings.origin;
  }

  async #forget(cookie: SessionCookie): Promise<void> {
    const { logins } = this.#context;
    try {
      await (await logins.get(cookie)).signOut();
      this.#context.report("signed_out");
    } catch {
      this.#context.report("failed", "store");
    }
  }

  #redirectToStart(request: Request): Response {
    const { pathname, search } = this.#context.urlOf(request);
    const { settings: { origin } } = this.#context;
    const url = isUnsafe(request) ? undefined : origin + pathname + search;
    return redirect(this.#context.startPath(this.#context.returnPath(url)));
  }

  #unavailable(
    { kind, error }: { readonly kind: Lookup["kind"]; readonly error: unknown },
    request?: Request,
  ): Response {
    this.#context.report("failed", kind === "failed" ? "store" : "service");
    const headers = retryAfter(error, RETRY_AFTER);
    return request !== undefined && isNavigation(request)
      ? page("unavailable", request, { status: 503, link: this.#context.settings.home, headers })
      : json({ type: "unavailable" }, 503, headers);
  }

  #forbidden(request: Request): Response {
    this.#context.report("refused", "cross_site");
    return isNavigation(request)
      ? page("forbidden", request, { status: 403, link: this.#context.settings.home })
      : json({ type: "forbidden" }, 403);
  }
}
