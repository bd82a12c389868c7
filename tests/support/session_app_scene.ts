// Support for the tests of session.fetch.
import type { CredentialSessionOptions } from "../../src/session/options.ts";
import { type AppAnswer, type AppRequest, type AppServer, serveApp } from "./session_server.ts";
import { type Scene, signedIn } from "./session_scene.ts";

/** A signed-in session and its application. */
export interface AppScene extends Scene, AsyncDisposable {
  readonly app: AppServer;
  /** The tokens that the application has received, in order; `undefined` for none. */
  readonly tokens: () => (string | undefined)[];
}

/** Creates a signed-in session and its application. */
export async function appScene(
  respond?: (request: AppRequest) => AppAnswer | Promise<AppAnswer>,
  options: Partial<CredentialSessionOptions> = {},
): Promise<AppScene> {
  const app = await serveApp(respond);
  const stage = await signedIn({ origins: [app.origin], ...options });
  const tokens = () =>
    app.requests.map(({ headers }) => headers.authorization?.replace(/^Bearer /, ""));
  return { ...stage, app, tokens, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

/** Creates a session and an application that rejects its first token. */
export async function rejectingScene(): Promise<AppScene & { readonly rejected: string }> {
  let rejected = "";
  const stage = await appScene(({ headers }) => ({
    status: headers.authorization === `Bearer ${rejected}` ? 401 : 200,
    body: "a response",
  }));
  rejected = await stage.session.getIdToken();
  return { ...stage, rejected };
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Returns the status and body of a response. */
export async function text(response: Promise<Response>): Promise<[number, string]> {
  const { status } = await response;
  return [status, await (await response).text()];
}
