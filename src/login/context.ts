import { type CredentialSession, isCredentialError } from "../../mod.ts";
import { LoginCookies } from "./cookies.ts";
import { Logins } from "./logins.ts";
import type { LoginEvent, LoginEventReason } from "./options.ts";
import { type ExtraHeaders, json } from "./pages.ts";
import { returnPath } from "./return_path.ts";
import { type LoginSettings, ownPaths, secureUrl } from "./settings.ts";
import { SignIns } from "./sign_ins.ts";

/** The login of a request. */
export type Lookup =
  | { readonly kind: "signed_out" }
  | {
    readonly kind: "signed_in";
    readonly session: CredentialSession;
    readonly idToken: string;
    readonly end: number;
  }
  /** The service does not refresh the ID token at the moment. */
  | { readonly kind: "outage"; readonly session: CredentialSession; readonly error: unknown }
  /** The store failed, and nothing valid is held. */
  | { readonly kind: "failed"; readonly error: unknown };

/** The parts and rules that all handlers of a login share. */
export class LoginContext {
  /** The options. */
  readonly settings: LoginSettings;
  /** The cookies. */
  readonly cookies: LoginCookies;
  /** The logins. */
  readonly logins: Logins;
  /** The sign-ins that are under way. */
  readonly signIns: SignIns = new SignIns();
  /** The paths that the login handles. */
  readonly paths: ReturnType<typeof ownPaths>;

  /** Creates the parts of a login. */
  constructor(settings: LoginSettings) {
    this.settings = settings;
    this.cookies = new LoginCookies(settings.origin);
    this.logins = new Logins(settings);
    this.paths = ownPaths(settings);
  }

  /** Finds the login of a request. Its ID token is valid, or the result names the reason. */
  async find(request: Request): Promise<Lookup> {
    const cookie = this.cookies.readSession(request, this.settings.now());
    if (cookie === undefined) return { kind: "signed_out" };
    const session = await this.logins.get(cookie);
    try {
      const idToken = await session.getIdToken();
      return { kind: "signed_in", session, idToken, end: cookie.end };
    } catch (error) {
      if (!isCredentialError(error)) return { kind: "failed", error };
      return error.code === "session_ended"
        ? { kind: "signed_out" }
        : { kind: "outage", session, error };
    }
  }

  /**
   * Returns the URL of a request on the origin of the application. Only its path and its query are
   * those of the request.
   */
  urlOf({ url }: Request): URL {
    // An invalid `Host` header makes the URL invalid on Deno 2.9, and a mere path on Bun 1.4.
    return new URL(this.settings.origin + url.replace(/^[a-z]+:\/\/[^/?#]*/i, ""));
  }

  /** Returns the URL of the start, with a path to return to. */
  startPath(returnTo: string | undefined, isRestart = false): string {
    const query = new URLSearchParams();
    if (returnTo !== undefined) query.set("returnTo", returnTo);
    if (isRestart) query.set("restart", "1");
    const [start] = this.paths;
    return query.size === 0 ? start : `${start}?${query}`;
  }

  /**
   * Returns a path that a sign-in can return to; `undefined` for a text that leads elsewhere, or
   * does not fit into the cookie. The paths of the login itself would lead in a circle.
   */
  returnPath(text: string | null | undefined): string | undefined {
    const { origin } = this.settings;
    const path = returnPath(text, origin);
    if (path === undefined || this.paths.includes(new URL(origin + path).pathname)) {
      return undefined;
    }
    return this.cookies.hasRoomFor(path) ? path : undefined;
  }

  /**
   * Returns the URL of the login page for a request; `undefined` if it is not safe to redirect to.
   */
  async loginUrl(request: Request): Promise<URL | undefined> {
    const { loginUrl } = this.settings;
    try {
      return secureUrl(typeof loginUrl === "function" ? await loginUrl(request) : loginUrl);
    } catch {
      return undefined;
    }
  }

  /** Returns the response to a request without a login that is no navigation. */
  signedOut(): Response {
    const [login] = this.paths;
    return json({ type: "signed_out", login }, 401);
  }

  /** Reports an event. */
  report(type: LoginEvent["type"], reason?: LoginEventReason): void {
    try {
      const result = this.settings.onEvent(reason === undefined ? { type } : { type, reason });
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // An error of the listener must not change the response.
    }
  }
}

/**
 * Returns a `Retry-After` header for the wait that the service requested, or for a default, in ms.
 */
export function retryAfter(error: unknown, defaultWait?: number): ExtraHeaders {
  const requested = isCredentialError(error) && error.code === "api_error"
    ? error.retryAfter
    : undefined;
  const wait = requested ?? defaultWait;
  return wait === undefined ? [] : [["Retry-After", String(Math.ceil(wait / 1_000))]];
}
