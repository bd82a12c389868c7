import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { test } from "node:test";
import { CredentialInputError } from "../../mod.ts";
import { CredentialLogin, type CredentialLoginOptions } from "../../src/login/mod.ts";
import { LOGIN_URL, loginScene, NAVIGATION, ORIGIN, signIn } from "../support/login_scene.ts";

function create(options: Record<string, unknown>): CredentialLogin {
  const client = { getAuthCredentials: () => Promise.reject(new Error("unused")) };
  const all = { client, loginUrl: LOGIN_URL, origin: ORIGIN, ...options };
  return new CredentialLogin(all as unknown as CredentialLoginOptions);
}

test("CredentialLogin rejects invalid options, and names each", () => {
  const invalid: [string, unknown[]][] = [
    ["client", [undefined, {}, "client"]],
    ["loginUrl", [
      undefined,
      "",
      "/login",
      "http://auth.example.net/",
      "javascript:alert(1)",
      "https://user@auth.example.net/",
    ]],
    ["origin", [
      undefined,
      "",
      "app.example.com",
      "http://app.example.com",
      "https://app.example.com/path",
      "https://app.example.com/?a",
      "https://user@app.example.com",
      "*",
      new URL(ORIGIN),
    ]],
    ["store", [{}, null, new Date()]],
    ["path", [
      "",
      "/",
      "auth",
      "/auth/",
      "//auth",
      "/auth?x",
      "/auth#x",
      "/a b",
      "/a/../b",
      "/日本",
    ]],
    ["callbackPath", ["", "/", "callback", "https://app.example.com/callback"]],
    ["home", ["", "home", "//evil.example", "https://evil.example/"]],
    ["lifetime", [0, -1, 1.5, Infinity, NaN, "1 day", 34_560_000_001]],
    ["recheck", [-1, Infinity, "5"]],
    ["unsolicited", ["deny", true]],
    ["onSignIn", [{}]],
    ["onEvent", ["log"]],
    ["now", [7]],
    ["lock", [7]],
    ["endsSession", [true]],
    ["fetch", ["fetch"]],
  ];
  for (const [name, values] of invalid) {
    for (const value of values) {
      const error = assertThrows(() => create({ [name]: value }), CredentialInputError);
      assertEquals(error.issues.map(({ path }) => path), [name], `${name}: ${String(value)}`);
      assertStringIncludes(error.message, "Cannot create the login: ");
    }
  }
});

test("CredentialLogin rejects unknown options without naming them", () => {
  const error = assertThrows(() => create({ orgin: "secret" }), CredentialInputError);
  assertMatch(error.message, /expected no other options than client, loginUrl, origin/);
});

test("CredentialLogin rejects a home or a callback on a path of the login", () => {
  const error = assertThrows(() => create({ home: "/callback?a=1" }), CredentialInputError);
  assertEquals(error.issues.map(({ path }) => path), ["home"]);
  assertThrows(() => create({ home: "/auth/login" }), CredentialInputError);
  const other = assertThrows(() => create({ callbackPath: "/auth/me" }), CredentialInputError);
  assertEquals(other.issues.map(({ path }) => path), ["callbackPath"]);
});

test("CredentialLogin takes http: for a loopback host, with cookies for it", async () => {
  for (const origin of ["http://localhost:3000", "http://127.0.0.1:3000/", "http://[::1]:3000"]) {
    const { browser, service, clock } = loginScene({ origin, loginUrl: "http://localhost:4010/" });
    const start = await browser.open("/auth/login");
    assertMatch(
      start.headers.getSetCookie()[0] ?? "",
      /^saasus-login=[^;]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const arrival = await browser.open(`/callback?code=${service.issueCode()}`);
    const [session = "", started] = arrival.headers.getSetCookie();
    assertMatch(
      session,
      /^saasus-session=[\w-]{43}\.[\da-z]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    assertEquals(started, "saasus-login=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    const signOut = await browser.fetch("/auth/logout", { method: "POST" });
    assertEquals(signOut.headers.getSetCookie(), [
      "saasus-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
    ]);
    assert(clock.ms > 0);
  }
});

test("handle() answers on exactly its own paths", async () => {
  const { login } = loginScene();
  const status = async (path: string) =>
    (await login.handle(new Request(ORIGIN + path, { headers: NAVIGATION })))?.status;
  assertEquals(await status("/auth/login"), 303);
  assertEquals(await status("/callback"), 400);
  assertEquals(await status("/auth/me"), 401);
  assertEquals(await status("/auth/logout"), 405);
  const others = [
    "/",
    "/auth",
    "/auth/",
    "/auth/login/",
    "/AUTH/login",
    "/auth/LOGIN",
    "//auth/login",
    "/auth/%6Cogin",
    "/callback/",
    "/callback2",
    "/auth/callback",
    "/x/auth/login",
  ];
  for (const path of others) assertEquals(await status(path), undefined, path);
});

test("handle() answers on the paths of the options", async () => {
  const { browser, service } = loginScene({ path: "/a/b", callbackPath: "/saasus/back" });
  assertEquals((await browser.open("/a/b/login")).status, 303);
  const response = await browser.open(`/saasus/back?code=${service.issueCode()}`);
  assertEquals(response.headers.get("Location"), "/");
  const me = await browser.fetch("/a/b/me");
  assertEquals(me.status, 200);
  assertEquals((await browser.open("/auth/login")).status, 404);
});

test("The handlers need no this", async () => {
  const { login, browser, service } = loginScene();
  const { handle, start, callback, me, signOut, session, protect } = login;
  await signIn(browser, service);
  const request = (path: string, method = "GET") =>
    new Request(ORIGIN + path, {
      method,
      headers: { ...NAVIGATION, "Sec-Fetch-Site": "same-origin", Cookie: browser.cookieHeader },
    });
  assertEquals((await start(request("/auth/login"))).status, 303);
  assertEquals((await callback(request("/callback"))).status, 400);
  assertEquals((await me(request("/auth/me"))).status, 200);
  assert(await session(request("/")) !== undefined);
  assertEquals((await protect(() => new Response())(request("/"))).status, 200);
  assertEquals((await handle(request("/auth/me")))?.status, 200);
  assertEquals((await signOut(request("/auth/logout", "POST"))).status, 303);
});

test("CredentialLogin.fromEnv() reads the variables, and names those that are missing or invalid", () => {
  const env = { SAASUS_LOGIN_URL: LOGIN_URL, BEARER_TOKEN: "token" };
  assertEquals(CredentialLogin.fromEnv({ origin: ORIGIN, env }).origin, ORIGIN);
  const failure = (variables: Record<string, string>) =>
    assertThrows(
      () => CredentialLogin.fromEnv({ origin: ORIGIN, env: variables }),
      CredentialInputError,
    ).message;
  assertStringIncludes(failure({ BEARER_TOKEN: "token" }), "SAASUS_LOGIN_URL");
  assertStringIncludes(failure({ ...env, SAASUS_LOGIN_URL: "" }), "SAASUS_LOGIN_URL");
  assertStringIncludes(
    failure({ ...env, SAASUS_LOGIN_URL: "http://a.example/" }),
    "SAASUS_LOGIN_URL",
  );
  assertStringIncludes(failure({ SAASUS_LOGIN_URL: LOGIN_URL }), "SAASUS_SAAS_ID");
});

test("onEvent may throw, reject and hang without any effect", async () => {
  const listeners = [
    () => {
      throw new Error("listener");
    },
    () => Promise.reject(new Error("listener")),
    () => new Promise(() => {}),
  ];
  for (const onEvent of listeners) {
    const { browser, service } = loginScene({ onEvent });
    assertEquals((await signIn(browser, service)).status, 303);
  }
});
