import { parseCookie, stringifySetCookie } from "cookie";

/** The largest cookie that every browser keeps, with its name and attributes, in bytes. */
const MAX_COOKIE_SIZE = 4_096;

/** The time in which a login that was started has to end, in ms. */
const START_LIFETIME = 600_000;

/** The largest number of starts that are open at the same time. */
const MAX_PERMITS = 5;

/** The largest number of restarts in a row. */
const MAX_RESTARTS = 9;

/** The session cookie of a request. */
export interface SessionCookie {
  /** The whole value of the cookie. It is a secret. */
  readonly value: string;
  /** The end of the login, in ms since the epoch. */
  readonly end: number;
}

/** The content of the cookie that a started login leaves in the browser. */
export interface StartedLogin {
  /** The number of callbacks that are expected. */
  readonly permits: number;
  /** The number of rejected codes since the last sign-in. */
  readonly restarts: number;
  /** The time at which the permits expire, in ms since the epoch. */
  readonly end: number;
  /** A random name for the browser, the same for all tabs. */
  readonly browser: string;
  /** The path to return to after the sign-in. */
  readonly returnTo?: string | undefined;
}

/** Reads and writes the cookies of a login. */
export class LoginCookies {
  readonly #isSecure: boolean;
  readonly #sessionName: string;
  readonly #loginName: string;

  /**
   * Creates the cookies of an origin. Only those of an `https:` origin are `Secure` and bound to
   * the host.
   */
  constructor(origin: string) {
    this.#isSecure = origin.startsWith("https:");
    const prefix = this.#isSecure ? "__Host-" : "";
    this.#sessionName = `${prefix}saasus-session`;
    this.#loginName = `${prefix}saasus-login`;
  }

  /**
   * Returns the session cookie of a request, if it has the right form and the login has not ended.
   */
  readSession(request: Request, now: number): SessionCookie | undefined {
    const value = cookieOf(request, this.#sessionName);
    const [, endText = ""] = /^[\w-]{43}\.([1-9a-z][\da-z]{0,10})$/.exec(value) ?? [];
    const end = parseInt(endText, 36);
    return end > now ? { value, end } : undefined;
  }

  /** Creates a session cookie with a random value. */
  createSession(end: number): SessionCookie {
    return { value: `${randomText(32)}.${end.toString(36)}`, end };
  }

  /** Returns the `Set-Cookie` header for a session cookie. */
  setSession({ value, end }: SessionCookie, now: number): string {
    return this.#set(this.#sessionName, value, Math.ceil((end - now) / 1_000));
  }

  /** Returns the `Set-Cookie` header that deletes the session cookie. */
  clearSession(): string {
    return this.#set(this.#sessionName, "", 0);
  }

  /**
   * Returns the started login of a request, if its cookie has the right form and has not expired.
   */
  readLogin(request: Request, now: number): StartedLogin | undefined {
    const value = cookieOf(request, this.#loginName);
    const match = /^([0-5])\.(\d)\.([\da-z]{1,9})\.([\w-]{22})\.(.*)$/.exec(value);
    if (match === null) return undefined;
    const [, permits, restarts, endText = "", browser = "", returnTo = ""] = match;
    const end = parseInt(endText, 36);
    if (end <= now) return undefined;
    return {
      permits: Number(permits),
      restarts: Number(restarts),
      // The clock of the process that started the login may be ahead.
      end: Math.min(end, now + START_LIFETIME),
      browser,
      returnTo: returnTo === "" ? undefined : returnTo,
    };
  }

  /**
   * Returns the `Set-Cookie` header for a started login. A path to return to that is too long is
   * left out.
   */
  setLogin(login: StartedLogin, now: number): string {
    const header = this.#setLogin(login, now);
    return isTooLarge(header) ? this.#setLogin({ ...login, returnTo: undefined }, now) : header;
  }

  /** Returns the `Set-Cookie` header that deletes the started login. */
  clearLogin(): string {
    return this.#set(this.#loginName, "", 0);
  }

  /** Checks whether the cookie of a started login has room for a path to return to. */
  hasRoomFor(returnTo: string): boolean {
    return !isTooLarge(this.#setLogin({ ...startedLogin(0), returnTo }, 0));
  }

  #setLogin({ permits, restarts, end, browser, returnTo = "" }: StartedLogin, now: number): string {
    const value = [permits, restarts, end.toString(36), browser, returnTo].join(".");
    return this.#set(this.#loginName, value, Math.ceil((end - now) / 1_000));
  }

  #set(name: string, value: string, maxAge: number): string {
    return stringifySetCookie({
      name,
      value,
      maxAge,
      path: "/",
      httpOnly: true,
      secure: this.#isSecure,
      sameSite: "lax",
    });
  }
}

/** Returns a started login without a permit. */
export function startedLogin(now: number): StartedLogin {
  return { permits: 0, restarts: 0, end: now + START_LIFETIME, browser: randomText(16) };
}

/** Adds a permit to a started login, and begins its time anew. */
export function withPermit(login: StartedLogin, now: number): StartedLogin {
  return {
    ...login,
    permits: Math.min(login.permits + 1, MAX_PERMITS),
    end: now + START_LIFETIME,
  };
}

/** Takes a permit from a started login, and sets the number of its restarts. Its time goes on. */
export function withoutPermit(login: StartedLogin, restarts: number): StartedLogin {
  return {
    ...login,
    permits: Math.max(login.permits - 1, 0),
    restarts: Math.min(restarts, MAX_RESTARTS),
  };
}

function cookieOf({ headers }: Request, name: string): string {
  return parseCookie(headers.get("Cookie") ?? "")[name] ?? "";
}

function isTooLarge(header: string): boolean {
  return header.length > MAX_COOKIE_SIZE;
}

/** Returns random bytes in base64url. */
function randomText(bytes: number): string {
  const text = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
