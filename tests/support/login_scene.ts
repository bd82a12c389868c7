// A login with a service and a store that tests control, and a browser that keeps cookies.
import {
  type AuthFlow,
  CredentialApiError,
  type Credentials,
  type SessionClient,
  type SessionStore,
} from "../../mod.ts";
import {
  CredentialLogin,
  type CredentialLoginOptions,
  type LoginEvent,
} from "../../src/login/mod.ts";

export const ORIGIN = "https://app.example.com";
export const LOGIN_URL = "https://auth.example.net/";
export const DAY = 86_400_000;
const HOUR = 3_600_000;

/** A service whose codes, tokens and failures a test controls. */
export class LoginService implements SessionClient {
  readonly #now: () => number;
  readonly #codes = new Set<string>();
  readonly #refreshTokens = new Set<string>();
  /** All tokens and codes that the service has issued. */
  readonly secrets: string[] = [];
  /** All flows that the service has received. */
  readonly calls: AuthFlow[] = [];
  /** The claims of ID tokens, without the times. */
  claims: Record<string, unknown> = { sub: "a3f1", email: "alice@example.com" };
  /** Rejects all calls, if set. */
  failure: unknown;
  /** Delays all calls, if set. */
  gate: Promise<unknown> | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  get exchanges(): number {
    return this.calls.filter(({ authFlow }) => authFlow !== "refreshTokenAuth").length;
  }

  get refreshes(): number {
    return this.calls.length - this.exchanges;
  }

  issueCode(): string {
    const code = crypto.randomUUID();
    this.#codes.add(code);
    this.secrets.push(code);
    return code;
  }

  revokeAll(): void {
    this.#refreshTokens.clear();
  }

  async getAuthCredentials(flow: AuthFlow): Promise<Credentials> {
    this.calls.push(flow);
    const isValid = flow.authFlow === "refreshTokenAuth"
      ? this.#refreshTokens.delete(flow.refreshToken)
      : this.#codes.delete(flow.code);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    if (!isValid) throw apiError(404);
    return this.#credentials();
  }

  #credentials(): Credentials {
    const iat = Math.floor(this.#now() / 1_000);
    const refreshToken = `refresh-${crypto.randomUUID()}`;
    const idToken = jwt({ ...this.claims, iat, exp: iat + HOUR / 1_000 });
    const accessToken = jwt({ sub: this.claims["sub"], token_use: "access" });
    this.#refreshTokens.add(refreshToken);
    this.secrets.push(refreshToken, idToken, accessToken);
    return { id_token: idToken, access_token: accessToken, refresh_token: refreshToken };
  }
}

export function apiError(status: number, retryAfter?: number): CredentialApiError {
  return new CredentialApiError(`Cannot exchange temp code: the API answered ${status}`, {
    operation: "getAuthCredentials",
    status,
    retryAfter,
  });
}

function jwt(claims: object): string {
  const part = (value: object) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${part({ alg: "none" })}.${part({ jti: crypto.randomUUID(), ...claims })}.signature`;
}

/** A store that records its calls. A test can delay them and make them fail. */
export class LoginStore implements SessionStore {
  readonly items: Map<string, string> = new Map();
  /** The calls, with the name of the method and the key. */
  readonly calls: string[] = [];
  /** The time to live of each record, in s. */
  readonly ttls: (number | undefined)[] = [];
  failure: Error | undefined;
  gate: Promise<unknown> | undefined;

  async getItem(key: string): Promise<string | null> {
    await this.#begin(`getItem ${key}`);
    return this.items.get(key) ?? null;
  }

  async setItem(key: string, value: string, options?: { ttl?: number }): Promise<void> {
    await this.#begin(`setItem ${key}`);
    this.ttls.push(options?.ttl);
    this.items.set(key, value);
  }

  async removeItem(key: string): Promise<void> {
    await this.#begin(`removeItem ${key}`);
    this.items.delete(key);
  }

  async #begin(call: string): Promise<void> {
    this.calls.push(call);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
  }
}

/** Headers of a navigation that the user starts. */
export const NAVIGATION: Readonly<Record<string, string>> = {
  "Accept": "text/html,application/xhtml+xml",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-Dest": "document",
  "Sec-Fetch-Site": "none",
  "Sec-Fetch-User": "?1",
};

/** Headers of a `fetch` call in a page of the application. */
export const FETCH: Readonly<Record<string, string>> = {
  "Accept": "*/*",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Dest": "empty",
  "Sec-Fetch-Site": "same-origin",
};

type Handler = (request: Request) => Promise<Response | undefined>;

export interface BrowserRequest {
  method?: string;
  headers?: Record<string, string>;
}

/** A browser that keeps cookies, and does not follow redirects. */
export class Browser {
  readonly #handler: Handler;
  readonly #origin: string;
  readonly jar: Map<string, string> = new Map();
  keepsCookies = true;

  constructor(handler: Handler, origin: string = ORIGIN) {
    this.#handler = handler;
    this.#origin = origin;
  }

  /** Opens a page, by default as if the user had typed its address. */
  async open(
    path: string,
    { method = "GET", headers = {} }: BrowserRequest = {},
  ): Promise<Response> {
    return await this.#send(path, method, { ...NAVIGATION, ...headers });
  }

  /** Sends a request like a script of the application. */
  async fetch(
    path: string,
    { method = "GET", headers = {} }: BrowserRequest = {},
  ): Promise<Response> {
    return await this.#send(path, method, { ...FETCH, ...headers });
  }

  get cookieHeader(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async #send(path: string, method: string, headers: Record<string, string>): Promise<Response> {
    const cookies = this.jar.size === 0 ? {} : { Cookie: this.cookieHeader };
    const url = new URL(path, this.#origin);
    const request = new Request(url, { method, headers: { ...cookies, ...headers } });
    const response = await this.#handler(request) ?? new Response("not found", { status: 404 });
    if (this.keepsCookies) this.keep(response);
    return response;
  }

  keep(response: Response): void {
    for (const header of response.headers.getSetCookie()) {
      const [, name = "", value = "", attributes = ""] = /^([^=]+)=([^;]*)(.*)$/.exec(header) ?? [];
      if (/; Max-Age=0(;|$)/.test(attributes)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
  }
}

export interface LoginScene {
  readonly clock: { ms: number; readonly now: () => number };
  readonly service: LoginService;
  readonly store: LoginStore;
  readonly login: CredentialLogin;
  readonly events: LoginEvent[];
  /** The events, each as a text. */
  readonly eventTexts: () => string[];
  readonly browser: Browser;
  /** Creates another login with the same store and service, like another process. */
  another(options?: Partial<CredentialLoginOptions>): CredentialLogin;
  /** Creates another browser for a login. */
  anotherBrowser(login?: CredentialLogin): Browser;
}

/** Creates a login with a protected path `/private`. */
export function loginScene(options: Partial<CredentialLoginOptions> = {}): LoginScene {
  const clock = { ms: Date.UTC(2026, 0, 1), now: (): number => clock.ms };
  const service = new LoginService(clock.now);
  const store = new LoginStore();
  const events: LoginEvent[] = [];
  const another = (own: Partial<CredentialLoginOptions> = {}) =>
    new CredentialLogin({
      client: service,
      loginUrl: LOGIN_URL,
      origin: ORIGIN,
      store,
      now: clock.now,
      onEvent: (event) => events.push(event),
      ...options,
      ...own,
    });
  const login = another();
  const anotherBrowser = (own: CredentialLogin = login) => {
    const page = own.protect(() => new Response("private"));
    return new Browser(
      async (request) =>
        await own.handle(request) ??
          (new URL(request.url).pathname.startsWith("/private") ? await page(request) : undefined),
      own.origin,
    );
  };
  return {
    clock,
    service,
    store,
    login,
    events,
    eventTexts: () =>
      events.map(({ type, reason }) => reason === undefined ? type : `${type} ${reason}`),
    browser: anotherBrowser(),
    another,
    anotherBrowser,
  };
}

/** Signs in with the start, the login page and the callback. */
export async function signIn(
  browser: Browser,
  service: LoginService,
  returnTo?: string,
): Promise<Response> {
  const query = returnTo === undefined ? "" : `?${new URLSearchParams({ returnTo })}`;
  await browser.open(`/auth/login${query}`);
  return await arrive(browser, service.issueCode());
}

/** Navigates to the callback, like a redirect from the login page of another site. */
export async function arrive(
  browser: Browser,
  code: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await browser.open(`/callback?code=${code}`, {
    headers: { "Sec-Fetch-Site": "cross-site", ...headers },
  });
}

/** Returns a promise and the function that resolves it. */
export function gate(): { promise: Promise<void>; open: () => void } {
  let open = () => {};
  const promise = new Promise<void>((resolve) => open = resolve);
  return { promise, open };
}
