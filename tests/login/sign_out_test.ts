import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import { FETCH, loginScene, NAVIGATION, ORIGIN, signIn } from "../support/login_scene.ts";

const CLEARED = "__Host-saasus-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax";

test("signOut() forgets the login, clears the cookie, and redirects a form to home", async () => {
  const { browser, service, store, eventTexts } = loginScene({ home: "/bye" });
  await signIn(browser, service);
  const response = await browser.open("/auth/logout", {
    method: "POST",
    headers: { "Sec-Fetch-Site": "same-origin" },
  });
  assertEquals([response.status, response.headers.get("Location")], [303, "/bye"]);
  assertEquals(response.headers.getSetCookie(), [CLEARED]);
  assertEquals(response.headers.get("Cache-Control"), "private, no-store");
  assertEquals([store.items.size, eventTexts().at(-1)], [0, "signed_out"]);
  assertEquals((await browser.fetch("/private")).status, 401);
});

test("signOut() answers a fetch with 204", async () => {
  const { browser, service, store } = loginScene();
  await signIn(browser, service);
  const response = await browser.fetch("/auth/logout", { method: "POST" });
  assertEquals([response.status, await response.text(), store.items.size], [204, "", 0]);
});

test("signOut() clears the cookie of a browser without a login", async () => {
  const { browser, store } = loginScene();
  for (const cookie of [undefined, "rubbish", `${"x".repeat(43)}.zzzzzzzz`]) {
    if (cookie !== undefined) browser.jar.set("__Host-saasus-session", cookie);
    const response = await browser.fetch("/auth/logout", { method: "POST" });
    assertEquals([response.status, response.headers.getSetCookie()], [204, [CLEARED]]);
  }
  assertEquals(store.items.size, 0);
});

test("signOut() clears the cookie if the store is down, and reports it", async () => {
  const { browser, service, store, login, eventTexts } = loginScene();
  await signIn(browser, service);
  const cookie = browser.cookieHeader;
  store.failure = new Error("down");
  const response = await browser.fetch("/auth/logout", { method: "POST" });
  assertEquals([response.status, response.headers.getSetCookie()], [204, [CLEARED]]);
  assertEquals(eventTexts().at(-1), "failed store");
  const request = new Request(ORIGIN, { headers: { ...FETCH, Cookie: cookie } });
  const again = await login.protect(() => new Response())(request);
  assert(again.status === 401 || again.status === 503);
});

test("signOut() allows only POST", async () => {
  const { browser, service, store } = loginScene();
  await signIn(browser, service);
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    const response = await browser.open("/auth/logout", { method });
    assertEquals([response.status, response.headers.get("Allow")], [405, "POST"]);
    assertEquals(response.headers.getSetCookie(), []);
  }
  assertEquals(store.items.size, 1);
});

test("signOut() keeps live sessions however many invented cookies come", async () => {
  const { browser, service, login } = loginScene();
  await signIn(browser, service);
  const request = new Request(ORIGIN, { headers: { Cookie: browser.cookieHeader } });
  const session = await login.session(request);
  for (let i = 0; i < 5_001; i++) {
    const value = `${String(i).padStart(43, "x")}.zzzzzzzz`;
    const headers = { ...FETCH, Cookie: `__Host-saasus-session=${value}` };
    await login.signOut(new Request(`${ORIGIN}/auth/logout`, { method: "POST", headers }));
  }
  assertStrictEquals(await login.session(request), session);
});

test("signOut() leaves other browsers signed in", async () => {
  const { browser, anotherBrowser, service } = loginScene();
  const other = anotherBrowser();
  await signIn(browser, service);
  await signIn(other, service);
  await browser.fetch("/auth/logout", { method: "POST" });
  assertEquals((await other.fetch("/private")).status, 200);
});

const SITES = [undefined, "same-origin", "none", "same-site", "cross-site", "rubbish"];
const ORIGINS = [
  undefined,
  ORIGIN,
  "null",
  "https://evil.example",
  "https://app.example.com:8443",
  "http://app.example.com",
  `${ORIGIN}.evil.example`,
];

function isAllowed(site: string | undefined, origin: string | undefined): boolean {
  return site === undefined ? origin === ORIGIN : site === "same-origin" || site === "none";
}

test("signOut() and protect() reject unsafe requests of other origins, before they look for a session", async () => {
  for (const site of SITES) {
    for (const origin of ORIGINS) {
      const context = {
        ...(site === undefined ? {} : { "Sec-Fetch-Site": site }),
        ...(origin === undefined ? {} : { Origin: origin }),
      };
      const { browser, service, store, login } = loginScene();
      await signIn(browser, service);
      store.calls.length = 0;
      const handler = login.protect(() => new Response("handled"));
      for (const method of ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "post"]) {
        const headers = { ...context, Cookie: browser.cookieHeader };
        const response = await handler(new Request(ORIGIN, { method, headers }));
        const status = isAllowed(site, origin) ? 200 : 403;
        assertEquals(response.status, status, `${method} ${site} ${origin}`);
        if (status === 403) assertEquals([response.headers.getSetCookie(), store.calls], [[], []]);
      }
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        const headers = { ...context, Cookie: browser.cookieHeader };
        assertEquals((await handler(new Request(ORIGIN, { method, headers }))).status, 200);
        const upgrade = { ...headers, Upgrade: "websocket", Connection: "Upgrade" };
        const response = await handler(new Request(ORIGIN, { method, headers: upgrade }));
        assertEquals(response.status, isAllowed(site, origin) ? 200 : 403);
      }
      const headers = { ...context, Cookie: browser.cookieHeader };
      const url = `${ORIGIN}/auth/logout`;
      const response = await login.signOut(new Request(url, { method: "POST", headers }));
      assertEquals(response.status, isAllowed(site, origin) ? 204 : 403);
      assertEquals(store.items.size, isAllowed(site, origin) ? 0 : 1);
      assertEquals(response.headers.getSetCookie().length, isAllowed(site, origin) ? 1 : 0);
    }
  }
});

test("signOut() shows a page to a foreign form, and redirects an old browser's form", async () => {
  const { login } = loginScene({ home: "/home?a='1'&b=2" });
  const post = (headers: Record<string, string>) =>
    login.signOut(new Request(`${ORIGIN}/auth/logout`, { method: "POST", headers }));
  const foreign = await post({ ...NAVIGATION, "Sec-Fetch-Site": "cross-site" });
  assertEquals([foreign.status, foreign.headers.get("Content-Type")], [
    403,
    "text/html; charset=utf-8",
  ]);
  assertStringIncludes(await foreign.text(), `href="/home?a=%271%27&#38;b=2"`);
  const old = await post({ Accept: "text/html", Origin: ORIGIN });
  assertEquals([old.status, old.headers.get("Location")], [303, "/home?a=%271%27&b=2"]);
});
