/**
 * A web login for servers on Deno, Bun, Node and workers: redirect to the hosted login page,
 * callback, session cookie, protected routes, refresh and sign-out.
 *
 * @example Ten lines to a login
 * ```ts
 * import { CredentialLogin } from "@saasus-sdk/credential/login";
 *
 * const login = CredentialLogin.fromEnv({
 *   origin: "https://app.example.com",
 *   env: { // by default, the variables of the process
 *     SAASUS_LOGIN_URL: "https://auth.example.com/",
 *     BEARER_TOKEN: "token",
 *   },
 * });
 * const app = login.protect(async (_request, session) => {
 *   const { email } = await session.getClaims();
 *   return new Response(`Hello ${email}`);
 * });
 * const handler = async (request: Request) =>
 *   await login.handle(request) ?? await app(request);
 * // Deno.serve(handler), or Bun.serve({ fetch: handler })
 * ```
 *
 * The login page is configured at SaaSus to send browsers to `https://app.example.com/callback`. To
 * try it without an account, there is an emulator with a login page in
 * `@saasus-sdk/credential/emulator`.
 *
 * @module
 */

export { CredentialLogin } from "./login.ts";
export type { ProtectedHandler } from "./login.ts";
export type {
  CredentialLoginFromEnvOptions,
  CredentialLoginOptions,
  LoginEvent,
  LoginEventReason,
  LoginEventType,
} from "./options.ts";
