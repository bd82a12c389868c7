import { type CredentialSession, isCredentialError } from "../../mod.ts";
import { type LoginContext, retryAfter } from "./context.ts";
import { type SessionCookie, type StartedLogin, startedLogin, withoutPermit } from "./cookies.ts";
import { isCrossSite, isReferredBy } from "./cross_origin.ts";
import type { LoginEventReason } from "./options.ts";
import { type ExtraHeaders, page, redirect, withOwnHeaders } from "./pages.ts";
import type { BrowserCookies, SignIn } from "./sign_ins.ts";

/** The longest code that is exchanged, in characters. */
const MAX_CODE_LENGTH = 512;

/** The number of times in a row that a rejected code starts the login again. */
const MAX_RESTARTS = 2;

/** A callback with a code. */
interface Arrival extends BrowserCookies {
  readonly request: Request;
  readonly code: string;
  /** The path to go to after the sign-in. */
  readonly target: string;
}

/** Handles the navigations that the login page sends to the callback. */
export class Callback {
  readonly #context: LoginContext;

  /** Creates the handler of callbacks. */
  constructor(context: LoginContext) {
    this.#context = context;
  }

  /** Returns the response to a navigation to the callback. */
  async respond(request: Request): Promise<Response> {
    const { settings, cookies, signIns } = this.#context;
    const code = codeOf(this.#context.urlOf(request));
    if (code === undefined) {
      this.#context.report("refused", "invalid_code");
      const link = this.#context.startPath(undefined);
      return page("noCode", request, { status: 400, link });
    }
    const now = settings.now();
    const login = cookies.readLogin(request, now);
    const session = cookies.readSession(request, now);
    const target = this.#context.returnPath(login?.returnTo) ?? settings.home;
    const arrival: Arrival = { request, code, login, session, target };
    if (!await this.#isExpected(arrival)) return this.#restart(arrival, "unsolicited");
    return await signIns.once(
      code,
      arrival,
      () => signIns.run(arrival, (signIn) => this.#exchange(arrival, signIn)),
    );
  }

  async #isExpected({ request, login }: Arrival): Promise<boolean> {
    if (login !== undefined && login.permits > 0) return true;
    if (this.#context.settings.unsolicited === "accept") return true;
    return request.headers.has("Referer") &&
      isReferredBy(request, await this.#context.loginUrl(request));
  }

  /**
   * Sends the browser back to the start. Its cookie shows there whether the browser keeps cookies.
   */
  #restart({ request, login }: Arrival, reason: LoginEventReason): Response {
    this.#context.report("restarted", reason);
    const returnTo = this.#context.returnPath(login?.returnTo);
    const path = this.#context.startPath(returnTo, !isCrossSite(request));
    // The start answers a cross-site navigation with a page, which ends every loop.
    if (isCrossSite(request) && reason === "unsolicited") return redirect(path);
    const { settings, cookies } = this.#context;
    const now = settings.now();
    const started = login ?? startedLogin(now);
    const next = reason === "unsolicited" ? started : withoutPermit(started, started.restarts + 1);
    return redirect(path, [["Set-Cookie", cookies.setLogin(next, now)]]);
  }

  async #exchange(arrival: Arrival, signIn: SignIn): Promise<Response> {
    const { settings, cookies, logins } = this.#context;
    const { session: old, code } = arrival;
    const wasSignedIn = old !== undefined && await this.#isStored(old, false);
    const cookie = cookies.createSession(settings.now() + settings.lifetime);
    const session = await logins.get(cookie);
    try {
      await session.signIn(code);
    } catch (error) {
      // Credentials that could not be stored must not be stored later.
      if (!isCredentialError(error)) void settled(session.signOut());
      return await this.#rejected(error, arrival);
    }
    const custom = await this.#admit(arrival.request, session, cookie);
    if (custom !== undefined && custom.status >= 400) return custom;
    // Another sign-in may replace the session during this read, so that it is checked afterwards.
    const isGone = wasSignedIn && !await this.#isStored(old, true) && !signIn.isReplaced;
    if (!isGone && old !== undefined) await this.#replace(old, signIn);
    return isGone || signIn.isSignedOut
      ? await this.#signedOut(arrival, cookie)
      : this.#signedIn(arrival, { cookie, custom });
  }

  /**
   * Lets the application decide on a sign-in. A refused login is removed.
   *
   * @returns A copy of the application's response, with the headers of the login.
   */
  async #admit(
    request: Request,
    session: CredentialSession,
    cookie: SessionCookie,
  ): Promise<Response | undefined> {
    let isAdmitted = false;
    try {
      const response = await this.#context.settings.onSignIn?.(session, request) ?? undefined;
      const copy = response && withOwnHeaders(response);
      isAdmitted = copy === undefined || copy.status < 400;
      return copy;
    } finally {
      if (!isAdmitted) {
        this.#context.report("refused", "on_sign_in");
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
    const { settings, cookies } = this.#context;
    this.#context.report("signed_in");
    const headers: ExtraHeaders = [
      ["Set-Cookie", cookies.setSession(cookie, settings.now())],
      ...this.#usedPermit(arrival.login),
    ];
    if (custom === undefined) return redirect(arrival.target, headers);
    for (const [name, value] of headers) custom.headers.append(name, value);
    return custom;
  }

  /** Drops a login whose browser has signed out during the sign-in. */
  async #signedOut({ login, target }: Arrival, cookie: SessionCookie): Promise<Response> {
    this.#context.report("refused", "signed_out");
    await this.#remove(cookie);
    return redirect(target, this.#usedPermit(login));
  }

  async #rejected(error: unknown, arrival: Arrival): Promise<Response> {
    const { request, login, target } = arrival;
    const link = this.#context.startPath(this.#context.returnPath(login?.returnTo));
    if (!isDeadCode(error)) {
      this.#context.report("failed", isCredentialError(error) ? "service" : "store");
      return page("unavailable", request, { status: 503, link, headers: retryAfter(error) });
    }
    const { kind } = await this.#context.find(request);
    if (kind === "signed_in" || kind === "outage") {
      return redirect(target, this.#usedPermit(login));
    }
    if ((login?.restarts ?? 0) < MAX_RESTARTS) return this.#restart(arrival, "rejected_code");
    this.#context.report("refused", "rejected_code");
    return page("rejected", request, { status: 401, link, headers: this.#usedPermit(login) });
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
      await (await this.#context.logins.get(cookie)).signOut();
    } catch {
      this.#context.report("failed", "store");
    }
  }

  /** Checks whether the store has a record, or returns a default value if the store fails. */
  async #isStored(cookie: SessionCookie, defaultValue: boolean): Promise<boolean> {
    try {
      return await this.#context.logins.has(cookie);
    } catch {
      return defaultValue;
    }
  }
}

/**
 * Returns the code in the URL of a callback; `undefined` unless there is exactly one of a sensible
 * length.
 */
function codeOf({ searchParams }: URL): string | undefined {
  const codes = searchParams.getAll("code");
  const [code = ""] = codes;
  return codes.length === 1 && code !== "" && code.length <= MAX_CODE_LENGTH ? code : undefined;
}

/** Checks whether the service rejected the code: it is unknown, was used before or has expired. */
function isDeadCode(error: unknown): boolean {
  return isCredentialError(error) && error.code === "api_error" &&
    (error.status === 400 || error.status === 404);
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await Promise.allSettled([promise]);
}
