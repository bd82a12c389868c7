// Hands a login over from one application to another: the user is signed in at "orders", and opens "billing" without
// signing in again. "orders" saves the credentials and sends the browser over with the code for them; "billing" exchanges
// it. No token passes through the browser.
//
//   deno serve --host=127.0.0.1 --allow-net --allow-env hand_over.ts
//   bun hand_over.ts
//
// Both applications are in this one file so that it can be tried alone: with a code, open /orders/callback?code=…, and then
// POST to /orders/open-billing. From then on both have the same refresh token: where the service rotates refresh tokens, the
// first refresh of one signs the other out.
// Settings come from the environment:
// SAASUS_SAAS_ID, SAASUS_API_KEY and SAASUS_SECRET_KEY.

import { CredentialClient, CredentialSession, isCredentialError } from "@saasus-sdk/credential";

const client = CredentialClient.fromEnv();

/** Who is signed in where, under the values of cookies. */
const sessions = {
  orders: new Map<string, CredentialSession>(),
  billing: new Map<string, CredentialSession>(),
};
type Application = keyof typeof sessions;

/** Where "billing" takes logins over. A setting, never a part of a request: that would send logins anywhere. */
const BILLING_CALLBACK = "/billing/callback";

export default {
  hostname: "127.0.0.1", // for Bun
  async fetch(request: Request): Promise<Response> {
    try {
      return await route(request);
    } catch (error) {
      if (!isCredentialError(error)) throw error;
      // Safe to log: no token, code or secret is ever in an error.
      console.error(error.message);
      // 404: the code is unknown, was used before, or has expired. Here an application would send the user to its login.
      const isDead = error.code === "api_error" && error.status === 404;
      return isDead ? text(401, "Please sign in again") : text(503, "Please try again");
    }
  },
};

async function route(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (`${request.method} ${pathname}`) {
    case "GET /orders/callback":
      return await signIn(request, "orders");
    case "GET /billing/callback":
      return await signIn(request, "billing");
    case "POST /orders/open-billing": // A POST, so that no link or image of another site can set it off.
      return await openBilling(request);
    case "GET /orders":
    case "GET /billing":
      return home(request, pathname.slice(1) as Application);
    default:
      return text(404, "There is no such page");
  }
}

/** What "orders" does: save the credentials, and send the browser to "billing" with the code. */
async function openBilling(request: Request): Promise<Response> {
  const session = sessions.orders.get(sessionId(request, "orders"));
  if (session === undefined) return text(401, "Please sign in");
  // Not the tokens of the sign-in, which may be hours old: the session refreshes them if need be.
  const { code } = await client.createAuthCredentials(
    await session.getCredentials(),
    passedOn(request),
  );
  return redirect(`${BILLING_CALLBACK}?${new URLSearchParams({ code })}`);
}

/** What "billing" does with the code, and what "orders" did with that of the login page: there is no difference. */
async function signIn(request: Request, application: Application): Promise<Response> {
  const code = new URL(request.url).searchParams.get("code");
  if (!code) return text(401, "Please sign in");
  const credentials = await client.getAuthCredentials({ code }, passedOn(request));
  const id = crypto.randomUUID();
  sessions[application].set(id, new CredentialSession({ client, credentials }));
  return redirect(`/${application}`, {
    "Set-Cookie": `${application}=${id}; Path=/${application}; Secure; HttpOnly; SameSite=Lax`,
  });
}

function home(request: Request, application: Application): Response {
  return sessions[application].has(sessionId(request, application))
    ? text(200, `You are signed in at ${application}`)
    : text(401, "Please sign in");
}

/** What the service is to know of the page that a call is made for. The client leaves out queries, which hold codes. */
function passedOn({ headers }: Request) {
  return {
    referer: headers.get("Referer"),
    saasusReferer: headers.get("X-SaaSus-Referer"),
    traceId: headers.get("X-Saasus-Trace-Id"),
  };
}

function sessionId(request: Request, application: Application): string {
  const cookies = request.headers.get("Cookie")?.split("; ") ?? [];
  return cookies.find((cookie) => cookie.startsWith(`${application}=`))?.split("=")[1] ?? "";
}

/** 303: the browser goes on with a GET. */
function redirect(location: string, headers: Record<string, string> = {}): Response {
  return new Response(null, {
    status: 303,
    headers: {
      Location: location,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      ...headers,
    },
  });
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { "Cache-Control": "no-store" } });
}
