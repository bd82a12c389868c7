// A callback endpoint: where the hosted login page sends the browser, with a temporary code in the query.
//
//   deno run --allow-net --allow-env callback_deno.ts
//
// Settings come from the environment (--env-file=.env reads them from a file): SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY
// and SAASUS_LOGIN_URL, the hosted login page. PORT may name another port than 8000.

import { CredentialClient, type Credentials, isCredentialError } from "@saasus-sdk/credential";

const client = CredentialClient.fromEnv();
const loginUrl = new URL(setting("SAASUS_LOGIN_URL")).href;

// The tokens stay on the server, and the browser gets a random key to them: all three would be too long for a cookie, and
// no script of the page can read what it does not have. In production, keep them in Redis or a database, with an expiry.
const sessions = new Map<string, Credentials>();

Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 8000) },
  async (request) => {
    switch (new URL(request.url).pathname) {
      case "/":
        return home(request);
      case "/callback":
        return await callback(request);
      default:
        return page(404, "There is no such page.");
    }
  },
);

async function callback(request: Request): Promise<Response> {
  const code = new URL(request.url).searchParams.get("code");
  if (!code) return redirect(loginUrl);
  try {
    const credentials = await client.getAuthCredentials({ code }, {
      // What the service is to know of the page. The client leaves out the query, which holds the code.
      referer: request.headers.get("Referer"),
      saasusReferer: request.headers.get("X-SaaSus-Referer"),
      traceId: request.headers.get("X-Saasus-Trace-Id"),
    });
    const id = crypto.randomUUID();
    sessions.set(id, credentials);
    // On to a page without a code in its URL. "Lax" and not "Strict", since the browser comes from another site.
    const cookie = `__Host-session=${id}; Path=/; Secure; HttpOnly; SameSite=Lax`;
    return redirect("/", { "Set-Cookie": cookie });
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    // The code is unknown, was used before, as when the page is loaded again, or has expired.
    if (error.code === "api_error" && error.status === 404) return redirect(loginUrl);
    // Safe to log: no token, code or secret is ever in an error.
    console.error(error.message);
    return page(503, `Signing in did not work. <a href="${loginUrl}">Try again</a>`);
  }
}

function home(request: Request): Response {
  const [, id = ""] = /__Host-session=([^;]+)/.exec(request.headers.get("Cookie") ?? "") ?? [];
  return sessions.has(id)
    ? page(200, "You are signed in.")
    : page(401, `<a href="${loginUrl}">Sign in</a>`);
}

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

function page(status: number, body: string): Response {
  return new Response(`<!DOCTYPE html><title>Callback</title><p>${body}</p>`, {
    status,
    headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" },
  });
}

function setting(name: string): string {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`Environment variable ${name} is missing`);
  return value;
}
