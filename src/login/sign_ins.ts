import type { SessionCookie, StartedLogin } from "./cookies.ts";

/** A sign-in that is under way. */
export interface SignIn {
  /** The browser, as its login cookie names it. */
  readonly browser: string | undefined;
  /** The session that the sign-in replaces. */
  readonly replaced: SessionCookie | undefined;
  /** Whether the browser signed out after the sign-in had begun. */
  isSignedOut: boolean;
  /** Whether another sign-in of the browser has removed the session that the sign-in replaces. */
  isReplaced: boolean;
}

/** The cookies by which a browser is recognized. */
export interface BrowserCookies {
  /** The started login. */
  readonly login: StartedLogin | undefined;
  /** The session. */
  readonly session: SessionCookie | undefined;
}

/** The sign-ins that are under way in this process. */
export class SignIns {
  readonly #current = new Set<SignIn>();
  readonly #exchanges = new Map<string, Promise<Response>>();

  /** Runs a sign-in. A sign-out of the browser marks it until it has ended. */
  async run(
    { login, session }: BrowserCookies,
    work: (signIn: SignIn) => Promise<Response>,
  ): Promise<Response> {
    const signIn: SignIn = {
      browser: login?.browser,
      replaced: session,
      isSignedOut: false,
      isReplaced: false,
    };
    this.#current.add(signIn);
    try {
      return await work(signIn);
    } finally {
      this.#current.delete(signIn);
    }
  }

  /** Marks the sign-ins of a browser that signs out. */
  signOut({ login, session }: BrowserCookies): void {
    for (const signIn of this.#current) {
      const isSame = login !== undefined && login.browser === signIn.browser;
      if (isSame || isSameSession(session, signIn.replaced)) signIn.isSignedOut = true;
    }
  }

  /** Marks the other sign-ins that replace the session that a sign-in has removed. */
  replace({ replaced }: SignIn): void {
    for (const signIn of this.#current) {
      if (isSameSession(replaced, signIn.replaced)) signIn.isReplaced = true;
    }
  }

  /**
   * Exchanges a code once for all concurrent callbacks of a browser. Without a cookie, nothing
   * shows that two callbacks come from one browser.
   */
  async once(
    code: string,
    { login, session }: BrowserCookies,
    exchange: () => Promise<Response>,
  ): Promise<Response> {
    if (login === undefined && session === undefined) return await exchange();
    const key = [code, login?.browser, session?.value].join(" ");
    const current = this.#exchanges.get(key);
    // All requests get here before the caller of the first one does, so that nobody reads the
    // original before its clones.
    return current === undefined ? await this.#begin(key, exchange) : (await current).clone();
  }

  #begin(key: string, exchange: () => Promise<Response>): Promise<Response> {
    const response = exchange().finally(() => this.#exchanges.delete(key));
    this.#exchanges.set(key, response);
    return response;
  }
}

function isSameSession(one: SessionCookie | undefined, other: SessionCookie | undefined): boolean {
  return one !== undefined && one.value === other?.value;
}
