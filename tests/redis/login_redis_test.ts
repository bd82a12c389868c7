import { assert, assertEquals, assertMatch } from "@std/assert";
import { Redis } from "ioredis";
import { test } from "node:test";
import { CredentialEmulator, EMULATOR_SIGNATURE, serveEmulator } from "../../src/emulator/mod.ts";
import { runExample } from "../support/examples_process.ts";
import { FETCH, NAVIGATION } from "../support/login_scene.ts";
import { startRedis } from "./redis_server.ts";

/**
 * The origin as browsers would see it. The processes listen on ports of their own, as behind a
 * proxy.
 */
const ORIGIN = "http://localhost:3000";

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly cookies: string[];
  readonly body: string;
}

async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  return {
    status: response.status,
    location: response.headers.get("Location") ?? "",
    cookies: response.headers.getSetCookie().map((cookie) => cookie.split(";")[0] ?? ""),
    body: await response.text(),
  };
}

test("The application serves a login from two processes over Redis, with one refresh each at most", async () => {
  await using redis = await startRedis();
  // A token that expires within the test: both processes see the expiry at the same time.
  const emulator = new CredentialEmulator({
    rotation: true,
    rotationGrace: 0,
    idTokenLifetime: 4_000,
    callbackUrl: `${ORIGIN}/callback`,
  });
  await using service = await serveEmulator(emulator);
  const env = {
    APP_ORIGIN: ORIGIN,
    SAASUS_API_URL_BASE: new URL(service.url).origin,
    SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
    SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
    SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
    SAASUS_LOGIN_URL: service.loginUrl,
    REDIS_URL: redis.url,
    PORT: "0",
  };
  const deno = ["serve", "-A", "--host=127.0.0.1", "--port=0"];
  const start = () => runExample("examples/app/hono.ts", { env, deno });
  await using first = start();
  await using second = start();
  const [one = ""] = await first.printed(/http:\/\/[^/\s]+:\d+/);
  const [two = ""] = await second.printed(/http:\/\/[^/\s]+:\d+/);

  // The start is at one process, the callback at the other.
  const begun = await send(`${one}/auth/login?returnTo=/profile`, { headers: NAVIGATION });
  assertEquals([begun.status, begun.location], [303, service.loginUrl]);
  const code = emulator.issueCode("alice@example.com");
  const callback = await send(`${two}/callback?code=${code}`, {
    headers: { ...NAVIGATION, Cookie: begun.cookies.join("; ") },
  });
  assertEquals([callback.status, callback.location], [303, "/profile"]);
  const Cookie = callback.cookies[0] ?? "";
  for (const origin of [one, two]) {
    const profile = await send(`${origin}/profile`, { headers: { ...NAVIGATION, Cookie } });
    assertMatch(profile.body, /alice@example\.com/);
  }

  const database = new Redis(redis.url);
  const [key = "", ...others] = await database.keys("*saasus-session:*");
  assertEquals(others, []);
  assertMatch(key, /^saasus-session:[\da-f]{64}$/);
  const ttl = await database.ttl(key);
  assert(ttl > 2_591_900 && ttl <= 2_592_000, String(ttl));
  const [, id = ""] = /=(.+)/.exec(Cookie) ?? [];
  assertEquals(String(await database.get(key)).includes(id.slice(0, 43)), false);

  // 50 requests at each process, after the expiry.
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  const refreshes = () =>
    emulator.requests.filter(({ authFlow }) => authFlow === "refreshTokenAuth").length;
  const before = refreshes();
  const answers = await Promise.all(
    Array.from(
      { length: 100 },
      (_, i) => send(`${i % 2 === 0 ? one : two}/api/report`, { headers: { ...FETCH, Cookie } }),
    ),
  );
  assertEquals(answers.filter(({ status }) => status !== 200), []);
  assert(refreshes() - before <= 2, `${refreshes() - before} refreshes`);

  const signOut = await send(`${one}/auth/logout`, {
    method: "POST",
    headers: { ...FETCH, Cookie },
  });
  assertEquals([signOut.status, await database.keys("*saasus-session:*")], [204, []]);
  await new Promise((resolve) => setTimeout(resolve, 5_100));
  for (const origin of [one, two]) {
    const answer = await send(`${origin}/api/report`, { headers: { ...FETCH, Cookie } });
    assertEquals(answer.status, 401);
  }
  database.disconnect();
});
