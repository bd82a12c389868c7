import type {
  CredentialSession,
  CredentialSessionOptions,
  FromEnvOptions,
  SessionClient,
  SessionStore,
} from "../../mod.ts";

/**
 * The kind of a {@linkcode LoginEvent}.
 *
 * @category Login
 */
export type LoginEventType = LoginEvent["type"];

/**
 * The reason of a {@linkcode LoginEvent}.
 *
 * @category Login
 */
export type LoginEventReason =
  | "unsolicited"
  | "rejected_code"
  | "invalid_code"
  | "cross_site"
  | "cookies"
  | "on_sign_in"
  | "signed_out"
  | "login_url"
  | "service"
  | "store";

/**
 * Something that happened to a login. It contains no token, code, id, path or user.
 *
 * @category Login
 */
export interface LoginEvent {
  /**
   * The kind of the event.
   *
   * - `signed_in`: a code was exchanged, and the browser has a new session.
   * - `signed_out`: a browser signed out.
   * - `restarted`: the browser was sent back to the start of the login.
   * - `refused`: the request was answered with 400, 401 or 403, or a sign-in was not completed.
   * - `failed`: the service or the store failed, or `loginUrl` is invalid.
   */
  readonly type: "signed_in" | "signed_out" | "restarted" | "refused" | "failed";
  /**
   * The reason of the event; absent for `signed_in` and `signed_out`.
   *
   * - `unsolicited`: nobody had started a login in this browser.
   * - `rejected_code`: the service rejected the code.
   * - `invalid_code`: the callback had no code, two codes or an oversized one.
   * - `cross_site`: another site had sent the browser.
   * - `cookies`: the browser dropped the cookie of the login.
   * - `on_sign_in`: `onSignIn` refused the sign-in or threw an error.
   * - `signed_out`: the browser signed out during the sign-in.
   * - `login_url`: the function `loginUrl` threw an error or returned an invalid URL.
   * - `service`: the service did not respond, or returned an error.
   * - `store`: the store failed.
   */
  readonly reason?: LoginEventReason;
}

/**
 * Options for {@linkcode CredentialLogin}.
 *
 * @category Login
 */
export interface CredentialLoginOptions extends
  Pick<
    CredentialSessionOptions,
    "lock" | "margin" | "endsSession" | "origins" | "fetch" | "now"
  > {
  /** The client of the service, such as a `CredentialClient`. */
  client: SessionClient;
  /**
   * The URL of the hosted login page, `https:`, or `http:` on a loopback host. A function returns
   * the URL for a request, because the SAML page of a tenant has a URL of its own. If it throws an
   * error or returns an invalid URL, the browser gets a page with the status 503. It is also called
   * for a callback that no start preceded, to compare the `Referer`.
   */
  loginUrl: string | URL | ((request: Request) => string | URL | Promise<string | URL>);
  /**
   * The origin of the application as browsers see it, such as `https://app.example.com`; `http:` on
   * a loopback host only. It is never read from `Host` or `X-Forwarded-*` headers.
   */
  origin: string;
  /**
   * The store of the logins, such as an `unstorage` driver. Its `setItem` gets `{ ttl }`, the
   * seconds until the end of the login, as the third argument.
   *
   * @default The memory of this process, for up to 10,000 logins.
   */
  store?: SessionStore | undefined;
  /**
   * The path before `/login`, `/me` and `/logout`.
   *
   * @default {"/auth"}
   */
  path?: string | undefined;
  /**
   * The path of the callback that is registered at SaaSus.
   *
   * @default {"/callback"}
   */
  callbackPath?: string | undefined;
  /**
   * The path to go to after a sign-in without a path to return to, and after a sign-out.
   *
   * @default {"/"}
   */
  home?: string | undefined;
  /**
   * The time from a sign-in to the end of the login, in ms. Requests do not prolong it.
   *
   * @default {2_592_000_000}
   */
  lifetime?: number | undefined;
  /**
   * The time after which a session reads the store again, in ms. A sign-out in another process
   * holds within this time.
   *
   * @default {5_000}
   */
  recheck?: number | undefined;
  /**
   * The treatment of a callback whose login was not started in this browser. `restart` starts a
   * login, so that no other site can sign a user in. `accept` exchanges the code: it allows a link
   * to sign the user in to the account of somebody else.
   *
   * @default {"restart"}
   */
  unsolicited?: "restart" | "accept" | undefined;
  /**
   * Called after the exchange of a code, and awaited. A response with a status of 400 or more
   * refuses the sign-in, any other response replaces the redirect. An error refuses the sign-in,
   * and `callback` rejects with it.
   */
  onSignIn?:
    | ((
      session: CredentialSession,
      request: Request,
    ) => Response | undefined | void | Promise<Response | undefined | void>)
    | undefined;
  /** Called for each event. Its errors are ignored, and it is not awaited. */
  onEvent?: ((event: LoginEvent) => unknown) | undefined;
}

/**
 * Options for {@linkcode CredentialLogin.fromEnv}.
 *
 * @category Login
 */
export interface CredentialLoginFromEnvOptions
  extends Omit<CredentialLoginOptions, "client" | "loginUrl">, Pick<FromEnvOptions, "env"> {
  /**
   * The client of the service.
   *
   * @default {CredentialClient.fromEnv()}
   */
  client?: SessionClient | undefined;
  /**
   * The URL of the hosted login page.
   *
   * @default {SAASUS_LOGIN_URL}
   */
  loginUrl?: CredentialLoginOptions["loginUrl"] | undefined;
}
