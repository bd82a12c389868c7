/**
 * A login whose handlers take a request each: a `CredentialLogin` of
 * `@saasus-sdk/credential/login`, or an object of the same shape.
 *
 * @category Emulator
 */
export interface WebLogin {
  /** The origin of the application. */
  readonly origin: string;
  /** Starts a login. */
  start(request: Request): Promise<Response>;
  /** Handles the callback. */
  callback(request: Request): Promise<Response>;
}

/**
 * An emulator, or an object of the same shape.
 *
 * @category Emulator
 */
export interface LoginPage {
  /** Handles a request to the login page. */
  fetch(request: Request): Promise<Response>;
}

/**
 * A cookie in the form that `browserContext.addCookies` of Playwright accepts.
 *
 * @category Emulator
 */
export interface BrowserCookie {
  /** The name. */
  name: string;
  /** The value. */
  value: string;
  /** The host. */
  domain: string;
  /** The path. */
  path: string;
  /** The expiry, in seconds since the epoch; -1 for a cookie of the browser session. */
  expires: number;
  /** Whether scripts cannot read the cookie. */
  httpOnly: boolean;
  /** Whether the cookie is sent over `https:` only. */
  secure: boolean;
  /** The requests of other sites that send the cookie. */
  sameSite: "Strict" | "Lax" | "None";
}

/**
 * A browser that has signed in.
 *
 * @category Emulator
 */
export interface SignedInBrowser {
  /** The value of the `Cookie` header for requests to the application. */
  cookie: string;
  /** The cookies, for a real browser. */
  cookies: BrowserCookie[];
  /** The path or URL to which the application redirected the browser; `undefined` for a page. */
  location: string | undefined;
}

/** The headers of a navigation. */
const NAVIGATION = {
  "Accept": "text/html",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Dest": "document",
};

/**
 * Signs a user in to an application in a test, without a server and a browser: runs the start of
 * the login, the login page of the emulator and the callback, as a browser does. It uses the public
 * handlers only.
 *
 * @param login The login of the application.
 * @param emulator The emulator that is the service of the login.
 * @param user The e-mail address or sign-in ID of the user.
 * @returns The cookies of the browser.
 * @throws {Error} If a step does not respond as expected. The message names the step and the
 * status.
 *
 * @example Test a protected route
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 * import {
 *   CredentialEmulator,
 *   EMULATOR_BEARER_TOKEN,
 *   signInThrough,
 * } from "@saasus-sdk/credential/emulator";
 * import { CredentialLogin } from "@saasus-sdk/credential/login";
 *
 * const emulator = new CredentialEmulator();
 * const login = new CredentialLogin({
 *   client: new CredentialClient({
 *     auth: bearerAuth(EMULATOR_BEARER_TOKEN),
 *     fetch: emulator.fetch,
 *   }),
 *   loginUrl: "http://localhost:4010/login",
 *   origin: "http://localhost:3000",
 * });
 * const route = login.protect(() => new Response("secret report"));
 *
 * const { cookie } = await signInThrough(login, emulator, "bob");
 * const response = await route(
 *   new Request("http://localhost:3000/report", { headers: { cookie } }),
 * );
 * console.assert(response.status === 200);
 * ```
 *
 * @category Emulator
 */
export async function signInThrough(
  login: WebLogin,
  emulator: LoginPage,
  user = "alice@example.com",
): Promise<SignedInBrowser> {
  const { origin } = login;
  const headers = { ...NAVIGATION, "Sec-Fetch-Site": "none" };
  const start = await login.start(new Request(`${origin}/`, { headers }));
  const page = new URL(locationOf(start, "the start"));
  page.searchParams.set("user", user);
  // The emulator responds to loopback hosts only, and need not be served at the URL of the login
  // page.
  const local = `http://localhost${page.pathname}${page.search}`;
  const signedIn = await emulator.fetch(new Request(local, { headers }));
  const callback = new URL(locationOf(signedIn, "the login page"));
  const begun = cookiesOf(start, origin);
  const jar = new Map(begun.map((cookie) => [cookie.name, cookie]));
  const arrival = await login.callback(
    new Request(`${origin}${callback.pathname}${callback.search}`, {
      headers: { ...NAVIGATION, "Sec-Fetch-Site": "cross-site", "Cookie": headerOf(jar) },
    }),
  );
  for (const cookie of cookiesOf(arrival, origin)) jar.set(cookie.name, cookie);
  for (const [name, { value }] of jar) if (value === "") jar.delete(name);
  // A callback that starts the login again sets only the cookie of the start.
  const isSignedIn = [...jar.keys()].some((key) => !begun.some(({ name }) => name === key));
  if (arrival.status >= 400 || !isSignedIn) throw failure("the callback", arrival);
  const location = arrival.headers.get("Location") ?? undefined;
  return { cookie: headerOf(jar), cookies: [...jar.values()], location };
}

function locationOf(response: Response, step: string): string {
  const location = response.headers.get("Location");
  if (response.status !== 303 || location === null || !URL.canParse(location)) {
    throw failure(step, response);
  }
  return location;
}

function failure(step: string, { status }: Response): Error {
  return new Error(`Cannot sign in through the login: ${step} responded with ${status}`);
}

function headerOf(jar: ReadonlyMap<string, BrowserCookie>): string {
  return [...jar.values()].map(({ name, value }) => `${name}=${value}`).join("; ");
}

function cookiesOf({ headers }: Response, origin: string): BrowserCookie[] {
  return headers.getSetCookie().map((header) => {
    const [pair = "", ...attributes] = header.split("; ");
    const [name = "", ...value] = pair.split("=");
    const fields = new Map(
      attributes.map((attribute) => {
        const [key = "", text = ""] = attribute.split("=");
        return [key.toLowerCase(), text];
      }),
    );
    const maxAge = fields.get("max-age");
    return {
      name,
      value: value.join("="),
      domain: new URL(origin).hostname,
      path: fields.get("path") ?? "/",
      expires: maxAge === undefined ? -1 : Math.floor(Date.now() / 1_000) + Number(maxAge),
      httpOnly: fields.has("httponly"),
      secure: fields.has("secure"),
      sameSite: sameSiteOf(fields.get("samesite")),
    };
  });
}

function sameSiteOf(text: string | undefined): BrowserCookie["sameSite"] {
  return text === "Strict" || text === "None" ? text : "Lax";
}
