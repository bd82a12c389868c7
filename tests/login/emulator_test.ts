// The login with the real client and the emulator.
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { test } from "node:test";
import { bearerAuth, CredentialClient } from "../../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_BEARER_TOKEN,
  signInThrough,
} from "../../src/emulator/mod.ts";
import { CredentialLogin, type CredentialLoginOptions } from "../../src/login/mod.ts";
import { FETCH, ORIGIN } from "../support/login_scene.ts";

function scene(
  options: Partial<CredentialLoginOptions> = {},
  emulatorOptions: CredentialEmulatorOptions = {},
): { emulator: CredentialEmulator; login: CredentialLogin } {
  const emulator = new CredentialEmulator({ rotation: true, ...emulatorOptions });
  const { fetch, now } = emulator;
  const auth = bearerAuth(EMULATOR_BEARER_TOKEN);
  const client = new CredentialClient({ auth, fetch, now, retry: false });
  const loginUrl = "https://auth.example.net/";
  return {
    emulator,
    login: new CredentialLogin({ client, loginUrl, origin: ORIGIN, now, ...options }),
  };
}

function request(cookie: string, path = "/"): Request {
  return new Request(ORIGIN + path, { headers: { ...FETCH, cookie } });
}

test("signInThrough() signs a user in by the handlers of the login", async () => {
  const { emulator, login } = scene();
  for (const user of ["alice@example.com", "bob", "新人@example.com"]) {
    const { cookie, location } = await signInThrough(login, emulator, user);
    assertEquals(location, "/");
    assertMatch(cookie, /^__Host-saasus-session=[\w-]{43}\.[\da-z]+$/);
    const me = await (await login.me(request(cookie))).json();
    assertEquals(me.claims.email ?? "bob", user);
  }
});

test("signInThrough() returns cookies for Playwright", async () => {
  const { emulator, login } = scene();
  const { cookie, cookies } = await signInThrough(login, emulator);
  const [{ value = "", expires = 0, ...rest } = {}, ...more] = cookies;
  assertEquals([more, cookie], [[], `__Host-saasus-session=${value}`]);
  assertEquals(Math.abs(expires - Date.now() / 1_000 - 2_592_000) < 10, true);
  assertEquals(rest, {
    name: "__Host-saasus-session",
    domain: "app.example.com",
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
  });
});

test("signInThrough() names the step that fails", async () => {
  const refused = scene({ onSignIn: () => new Response("no", { status: 403 }) });
  await assertRejects(
    () => signInThrough(refused.login, refused.emulator),
    Error,
    "Cannot sign in through the login: the callback responded with 403",
  );
  const elsewhere = scene({ loginUrl: "https://auth.example.net/elsewhere" });
  await assertRejects(
    () => signInThrough(elsewhere.login, elsewhere.emulator),
    Error,
    "the login page responded with 404",
  );
});

test("The login refreshes once for 100 concurrent requests, with rotation", async () => {
  const { emulator, login } = scene();
  const { cookie } = await signInThrough(login, emulator);
  emulator.advance(7_200_000);
  const handler = login.protect(() => new Response());
  const responses = await Promise.all(Array.from({ length: 100 }, () => handler(request(cookie))));
  assertEquals(responses.filter(({ status }) => status !== 200).length, 0);
  const refreshes = emulator.requests.filter(({ authFlow }) => authFlow === "refreshTokenAuth");
  assertEquals(refreshes.length, 1);
});

test("The login keeps a user signed in over an outage, and over 29 days of hourly use", async () => {
  const { emulator, login } = scene();
  const { cookie } = await signInThrough(login, emulator);
  const handler = login.protect(() => new Response());
  for (let hour = 0; hour < 29 * 24; hour++) {
    emulator.advance(3_600_000);
    if (hour === 100) {
      emulator.faults = [{ kind: "status", status: 503 }];
      assertEquals((await handler(request(cookie))).status, 503);
      emulator.advance(60_000);
    }
    assertEquals((await handler(request(cookie))).status, 200);
  }
  emulator.advance(24 * 3_600_000);
  assertEquals((await handler(request(cookie))).status, 401);
});

test("signInThrough() rejects if the code has expired", async () => {
  const { emulator, login } = scene();
  const code = emulator.issueCode("alice@example.com");
  emulator.advance(10_001);
  const headers = { location: `http://localhost/callback?code=${code}` };
  const page = { fetch: () => Promise.resolve(new Response(null, { status: 303, headers })) };
  const error = await assertRejects(() => signInThrough(login, page), Error);
  assertEquals(
    error.message,
    "Cannot sign in through the login: the callback responded with 303",
  );
});
