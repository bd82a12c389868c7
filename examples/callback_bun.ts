/// <reference path="./bun.d.ts" />
// (The line above stands in for @types/bun in this repository: leave it out of your program.)
//
// A callback endpoint: where the hosted login page sends the browser, with a temporary code in the query.
//
//   bun callback_bun.ts
//
// Settings come from the environment (Bun reads a .env file by itself): SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY
// and SAASUS_LOGIN_URL, the hosted login page. PORT may name another port than 8000.

import process from "node:process";
import { CredentialClient, type Credentials, isCredentialError } from "@saasus-sdk/credential";

const client = CredentialClient.fromEnv();
const loginUrl = new URL(setting("SAASUS_LOGIN_URL")).href;

// The tokens stay on the server, and the browser gets a random key to them: all three would be too long for a cookie, and
// no script of the page can read what it does not have. In production, keep them in Redis or a database, with an expiry.
const sessions = new Map<string, Credentials>();

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 8000),
  routes: { "/": home, "/callback": callback },
  fetch: () => page(404, "There is no such page."),
});
console.log(`Listening on ${server.url}`);

async function callback(request: Bun.BunRequest): Promise<Response> {
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
    // "lax" and not "strict", since the browser comes from another site.
    request.cookies.set("__Host-session", id, {
      path: "/",
      secure: true,
      httpOnly: true,
      sameSite: "lax",
    });
    // On to a page without a code in its URL.
    return redirect("/");
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    // The code is unknown, was used before, as when the page is loaded again, or has expired.
    if (error.code === "api_error" && error.status === 404) return redirect(loginUrl);
    // Safe to log: no token, code or secret is ever in an error.
    console.error(error.message);
    return page(503, `Signing in did not work. <a href="${loginUrl}">Try again</a>`);
  }
}

function home(request: Bun.BunRequest): Response {
  return sessions.has(request.cookies.get("__Host-session") ?? "")
    ? page(200, "You are signed in.")
    : page(401, `<a href="${loginUrl}">Sign in</a>`);
}

function redirect(location: string): Response {
  return new Response(null, {
    status: 303,
    headers: {
      Location: location,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
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
  const value = process.env[name];
  if (!value) throw new Error(`Environment variable ${name} is missing`);
  return value;
}
