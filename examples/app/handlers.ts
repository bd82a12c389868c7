// The handlers of the application. They have a Request as argument and return a Response, so they
// run in Hono, `Deno.serve`, `Bun.serve` and workers.

import { type CredentialSession, isCredentialError } from "@saasus-sdk/credential";
import type { CredentialLogin } from "@saasus-sdk/credential/login";
import { rolesOf, type UserInfo } from "./user_info.ts";
import { assets, messageView, page, profileView, signedInView, signedOutView } from "./views.ts";

export interface HandlerOptions {
  login: CredentialLogin;
  /** Gets the user of an ID token. */
  userInfo: (idToken: string) => Promise<UserInfo>;
  /** The tenants with a SAML login page of their own. */
  tenants?: readonly string[];
}

type Handler = (request: Request) => Response | Promise<Response>;

/**
 * The handlers by method and path, without the paths of the login, which `login.handle` handles.
 */
export type Routes = Readonly<Record<string, Handler>>;

export function createRoutes({ login, userInfo, tenants = [] }: HandlerOptions): Routes {
  const roles = async (session: CredentialSession) => {
    try {
      return rolesOf(await userInfo(await session.getIdToken()));
    } catch (error) {
      console.error(error instanceof Error ? error.message : "Cannot get the user");
      return undefined;
    }
  };
  return {
    "GET /": async (request) => {
      const isSignedIn = await login.session(request) !== undefined;
      return await page("Example", isSignedIn ? signedInView() : signedOutView(tenants));
    },
    "GET /profile": login.protect(async (_request, session) => {
      const { email, sub, exp = 0 } = await session.getClaims();
      const profile = {
        name: email || sub,
        expiry: new Date(exp * 1_000),
        roles: await roles(session),
      };
      return await page("Your profile", profileView(profile));
    }),
    "GET /api/report": login.protect(async (_request, session) => {
      const { email, sub } = await session.getClaims();
      return Response.json({ text: `Nothing to report, ${email || sub}` });
    }),
    "POST /refresh": login.protect(async (_request, session) => {
      try {
        await session.refresh();
      } catch (error) {
        if (!isCredentialError(error)) throw error;
        // Safe to log, because errors of the package contain no tokens.
        console.error(error.message);
        return await page(
          "Not now",
          messageView("The refresh did not work. Please try again."),
          503,
        );
      }
      return new Response(null, { status: 303, headers: { Location: "/profile" } });
    }),
    ...Object.fromEntries(Object.entries(assets).map(([path, get]) => [`GET ${path}`, get])),
  };
}

/** Returns one handler for all paths, including those of the login. */
export function createHandler(options: HandlerOptions): (request: Request) => Promise<Response> {
  const routes = createRoutes(options);
  return async (request) => {
    const route = `${request.method} ${new URL(request.url).pathname}`;
    try {
      return await options.login.handle(request) ?? await routes[route]?.(request) ??
        await notFound();
    } catch (error) {
      console.error(error instanceof Error ? error.message : "The application failed");
      return await page("Error", messageView("Something went wrong. Please try again."), 500);
    }
  };
}

async function notFound(): Promise<Response> {
  return await page("Not found", messageView("There is no such page."), 404);
}
