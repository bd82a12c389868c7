// A server whose users' logins are in Redis: any of its processes can serve any user, and a restart signs nobody out.
//
//   deno serve --host=127.0.0.1 --allow-net --allow-env session_redis.ts
//   bun session_redis.ts
//
// Settings come from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY, REDIS_URL (such as
// redis://127.0.0.1:6379) and SAASUS_LOGIN_URL, the hosted login page. Needs the npm packages unstorage and ioredis; with
// another driver of unstorage, the logins are in Deno KV, Cloudflare KV, MongoDB or a database instead.

import process from "node:process";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { CredentialClient, CredentialSession, isCredentialError } from "@saasus-sdk/credential";

const client = CredentialClient.fromEnv();
const loginUrl = setting("SAASUS_LOGIN_URL");
const store = createStorage({
  // A refresh token lives for 30 days; what is older is of no use to anyone.
  driver: redisDriver({ url: setting("REDIS_URL"), base: "login", ttl: 30 * 24 * 60 * 60 }),
});

// A process that is told to end has to let go of Redis, too: an open connection would keep it.
process.once("SIGTERM", async () => {
  await store.dispose();
  process.exit();
});

/** The login behind a cookie. It is read from Redis when it is needed first. */
function sessionOf(id: string): CredentialSession {
  return new CredentialSession({ client, store, key: id });
}

export default {
  hostname: "127.0.0.1", // for Bun
  async fetch(request: Request): Promise<Response> {
    try {
      return await route(request);
    } catch (error) {
      if (!isCredentialError(error)) throw error;
      if (error.code === "session_ended") return redirect(loginUrl);
      // The code is unknown, was used before, as when the page is loaded again, or has expired.
      if (error.code === "api_error" && error.status === 404) return redirect(loginUrl);
      // Safe to log: no token, code or secret is ever in an error.
      console.error(error.message);
      return text(503, "Please try again");
    }
  },
};

async function route(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const id = /(?:^|; )session=([\w-]{36})(?:;|$)/.exec(request.headers.get("Cookie") ?? "")?.[1];
  switch (`${request.method} ${pathname}`) {
    case "GET /callback":
      return await signIn(searchParams.get("code"), request.signal);
    case "GET /": {
      if (id === undefined) return redirect(loginUrl);
      const idToken = await sessionOf(id).getIdToken({ signal: request.signal });
      // Here an application would use the token: for its own API, or for the claims in it.
      return text(200, `You are signed in, with an ID token of ${idToken.length} characters`);
    }
    case "POST /sign-out":
      if (id !== undefined) await sessionOf(id).signOut();
      return redirect("/");
    default:
      return text(404, "There is no such page");
  }
}

async function signIn(code: string | null, signal: AbortSignal): Promise<Response> {
  if (!code) return redirect(loginUrl);
  // A new id for each login: one that was known before could be somebody else's.
  const id = crypto.randomUUID();
  await sessionOf(id).signIn(code, { signal });
  return redirect("/", {
    "Set-Cookie": `session=${id}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000`,
  });
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

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Environment variable ${name} is missing`);
  return value;
}
