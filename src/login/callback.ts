import { type CredentialSession, isCredentialError } from "../../mod.ts";
import {
  type LoginCookies,
  type SessionCookie,
  type StartedLogin,
  startedLogin,
  withoutPermit,
} from "./cookies.ts";
import { isCrossSite, isReferredBy } from "./cross_origin.ts";
import type { Logins } from "./logins.ts";
import type { LoginEvent, LoginEventReason, LoginSettings } from "./options.ts";
import { type ExtraHeaders, page, redirect, withHeaders } from "./pages.ts";
import type { BrowserCookies, SignIn, SignIns } from "./sign_ins.ts";

/** The longest code that is exchanged, in characters. */
const MAX_CODE_LENGTH = 512;

/** The number of times in a row that a rejected code starts the login again. */
const MAX_RESTARTS = 2;

/** What a callback uses of the login. */
export interface CallbackContext {
  /** The options. */
  readonly settings: LoginSettings;
  /** The cookies. */
  readonly cookies: LoginCookies;
  /** The logins. */
  readonly logins: Logins;
  /** The sign-ins that are under way. */
  readonly signIns: SignIns;
  /** Reports an event. */
  readonly report: (type: LoginEvent["type"], reason?: LoginEventReason) => void;
  /** Returns the URL of the login page; `undefined` if there is none for the request. */
  readonly loginUrl: (request: Request) => Promise<URL | undefined>;
  /** Returns the URL of the start with a path to return to. */
  readonly startPath: (returnTo: string | undefined, isRestart?: boolean) => string;
  /** Validates a path to return to. */
  readonly returnPath: (text: string | null | undefined) => string | undefined;
  /** Checks whether the browser has a login that has not ended. */
  readonly isSignedIn: (request: Request) => Promise<boolean>;
}

/** A callback with a code. */
interface Arrival extends BrowserCookies {
  readonly request: Request;
  readonly code: string;
  /** The path to go to after the sign-in. */
  readonly target: string;
}

/** Handles the navigations that the login page sends to the callback. */
export class Callback {
  readonly #context: CallbackContext;

  /** Creates the handler of callbacks. */
  constructor(context: CallbackContext) {
    this.#context = context;
  }

  /** Returns the response to a navigation to the callback. */
  async respond(request: Request): Promise<Response> {
    const { settings, cookies, signIns, report, startPath, returnPath } = this.#context;
    const code = codeOf(request);
    if (code === undefined) {
      report("refused", "invalid_code");
      return page("noCode", request, { status: 400, link: startPath(undefined) });
    }
    const now = settings.now();
    const login = cookies.readLogin(request, now);
    const session = cookies.readSession(request, now);
    const target = returnPath(login?.returnTo) ?? settings.home;
    const arrival: Arrival = { request, code, login, session, target };
    if (!await this.#isExpected(arrival)) return this.#restart(arrival, "unsolicited");
    return await signIns.once(
      code,
      arrival,
      () => signIns.run(arrival, (signIn) => this.#exchange(arrival, signIn)),
    );
  }

  async #isExpected({ request, login }: Arrival): Promise<boolean> {
    const { settings, loginUrl } = this.#context;
    if (login !== undefined && login.permits > 0) return true;
    if (settings.unsolicited === "accept") return true;
    return request.headers.has("Referer") && isReferredBy(request, await loginUrl(request));
  }

  /** Sends the browser back to the start. Its cookie shows there whether the browser keeps cookies. */
  #restart({ request, login }: Arrival, reason: LoginEventReason): Response {
    const { settings, cookies, report, startPath, returnPath } = this.#context;
    report("restarted", reason);
    const returnTo = returnPath(login?.returnTo);
    // The start answers a cross-site navigation with a page, which ends every loop.
    if (isCrossSite(request) && reason === "unsolicited") return redirect(startPath(returnTo));
    const now = settings.now();
    const started = login ?? startedLogin(now);
    const next = reason === "unsolicited" ? started : withoutPermit(started, started.restarts + 1);
    return redirect(startPath(returnTo, !isCrossSite(request)), [
      ["Set-Cookie", cookies.setLogin(next, now)],
    ]);
  }

  async #exchange(arrival: Arrival, signIn: SignIn): Promise<Response> {
    const { settings, cookies, logins } = this.#context;
    const { session: old, code } = arrival;
    const wasSignedIn = old !== undefined && await this.#isStored(old);
    const cookie = cookies.createSession(settings.now() + settings.lifetime);
    let session: CredentialSession;
    try {
      session = await logins.create(cookie, code);
    } catch (error) {
      return await this.#rejected(error, arrival);
    }
    const custom = await this.#admit(arrival.request, session, cookie);
    if (custom !== undefined && custom.status >= 400) return withHeaders(custom);
    const isSignedOut = signIn.isSignedOut ||
      (wasSignedIn && !signIn.isReplaced && !await this.#isStored(old));
    if (!isSignedOut && old !== undefined) await this.#replace(old, signIn);
    return isSignedOut || signIn.isSignedOut
      ? await this.#signedOut(arrival, cookie)
      : this.#signedIn(arrival, { cookie, custom });
  }

  /** Lets the application decide on a sign-in. A refused login is removed. */
  async #admit(
    request: Request,
    session: CredentialSession,
    cookie: SessionCookie,
  ): Promise<Response | undefined> {
    const { settings, report } = this.#context;
    let isAdmitted = false;
    try {
      const response = await settings.onSignIn?.(session, request) ?? undefined;
      isAdmitted = response === undefined || response.status < 400;
      return response;
    } finally {
      if (!isAdmitted) {
        report("refused", "on_sign_in");
        await this.#remove(cookie);
      }
    }
  }

  /** Removes the session that a sign-in replaces. */
  async #replace(old: SessionCookie, signIn: SignIn): Promise<void> {
    this.#context.signIns.replace(signIn);
    await this.#remove(old);
  }

  #signedIn(
    arrival: Arrival,
    { cookie, custom }: { cookie: SessionCookie; custom: Response | undefined },
  ): Response {
    const { settings, cookies, report } = this.#context;
    report("signed_in");
    const headers: ExtraHeaders = [
      ["Set-Cookie", cookies.setSession(cookie, settings.now())],
      ...this.#usedPermit(arrival.login),
    ];
    return custom === undefined ? redirect(arrival.target, headers) : withHeaders(custom, headers);
  }

  /** Drops a login whose browser has signed out during the sign-in. */
  async #signedOut({ login, target }: Arrival, cookie: SessionCookie): Promise<Response> {
    this.#context.report("refused", "signed_out");
    await this.#remove(cookie);
    return redirect(target, this.#usedPermit(login));
  }

  async #rejected(error: unknown, arrival: Arrival): Promise<Response> {
    const { report, startPath, returnPath, isSignedIn } = this.#context;
    const { request, login, target } = arrival;
    if (!isCredentialError(error) || error.code !== "api_error" || !isDeadCode(error.status)) {
      report("failed", isCredentialError(error) ? "service" : "store");
      return page("unavailable", request, {
        status: 503,
        link: startPath(returnPath(login?.returnTo)),
        headers: retryAfter(error),
      });
    }
    if (await isSignedIn(request)) return redirect(target, this.#usedPermit(login));
    if ((login?.restarts ?? 0) < MAX_RESTARTS) return this.#restart(arrival, "rejected_code");
    report("refused", "rejected_code");
    return page("rejected", request, {
      status: 401,
      link: startPath(returnPath(login?.returnTo)),
      headers: this.#usedPermit(login),
    });
  }

  #usedPermit(login: StartedLogin | undefined): ExtraHeaders {
    if (login === undefined) return [];
    const { settings, cookies } = this.#context;
    const next = withoutPermit(login, 0);
    return [[
      "Set-Cookie",
      next.permits > 0 ? cookies.setLogin(next, settings.now()) : cookies.clearLogin(),
    ]];
  }

  async #remove(cookie: SessionCookie): Promise<void> {
    try {
      await this.#context.logins.remove(cookie);
    } catch {
      this.#context.report("failed", "store");
    }
  }

  /** Checks whether the store has a record. A store that fails is not taken for a sign-out. */
  async #isStored(cookie: SessionCookie): Promise<boolean> {
    try {
      return await this.#context.logins.has(cookie);
    } catch {
      return true;
    }
  }
}

/** Returns the code of a callback; `undefined` unless there is exactly one of a sensible length. */
function codeOf(request: Request): string | undefined {
  const codes = new URL(request.url).searchParams.getAll("code");
  const [code = ""] = codes;
  return codes.length === 1 && code !== "" && code.length <= MAX_CODE_LENGTH ? code : undefined;
}

function isDeadCode(status: number): boolean {
  return status === 400 || status === 404;
}

/** Returns a `Retry-After` header if the service sent one, or for a default, in ms. */
export function retryAfter(error: unknown, wait?: number): ExtraHeaders {
  const requested = isCredentialError(error) && error.code === "api_error"
    ? error.retryAfter
    : undefined;
  const ms = requested ?? wait;
  return ms === undefined ? [] : [["Retry-After", String(Math.ceil(ms / 1_000))]];
}
