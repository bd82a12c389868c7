import { assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialLogin } from "../../src/login/mod.ts";
import {
  apiError,
  DAY,
  FETCH,
  gate,
  LOGIN_URL,
  loginScene,
  LoginService,
  NAVIGATION,
  ORIGIN,
  signIn,
} from "../support/login_scene.ts";

const HOUR = 3_600_000;

test("protect() redirects a navigation without a session to the start, with the path", async () => {
  const { browser, store } = loginScene();
  const response = await browser.open("/private/a?b=1&c=2");
  assertEquals(
    [response.status, response.headers.get("Location")],
    [303, "/auth/login?returnTo=%2Fprivate%2Fa%3Fb%3D1%26c%3D2"],
  );
  assertEquals([response.headers.getSetCookie(), store.calls], [[], []]);
  const post = await browser.open("/private", { method: "POST" });
  assertEquals([post.status, post.headers.get("Location")], [303, "/auth/login"]);
});

test("protect() answers a fetch without a session with 401 in JSON", async () => {
  const { browser } = loginScene();
  const response = await browser.fetch("/private");
  assertEquals(response.status, 401);
  assertEquals(response.headers.get("Content-Type"), "application/json");
  assertEquals(response.headers.get("Cache-Control"), "private, no-store");
  assertEquals(await response.json(), { type: "signed_out", login: "/auth/login" });
});

test("protect() passes on the request, the session, further arguments and the response", async () => {
  const { browser, service, login } = loginScene();
  await signIn(browser, service);
  const response = new Response("body");
  const seen: unknown[] = [];
  const handler = login.protect((request: Request, session, ...rest: [string, number]) => {
    seen.push(request, session, ...rest);
    return response;
  });
  const request = new Request(`${ORIGIN}/x`, { headers: { Cookie: browser.cookieHeader } });
  assertStrictEquals(await handler(request, "server", 7), response);
  assertStrictEquals(seen[0], request);
  assertStrictEquals(seen[1], await login.session(request));
  assertEquals(seen.slice(2), ["server", 7]);
});

test("protect() passes on what the handler throws", async () => {
  const { browser, service, login } = loginScene();
  await signIn(browser, service);
  const failure = new Error("handler");
  const handler = login.protect(() => Promise.reject(failure));
  const request = new Request(ORIGIN, { headers: { Cookie: browser.cookieHeader } });
  assertStrictEquals(await assertRejects(() => handler(request)), failure);
});

test("protect() answers 503 while the service cannot refresh, and session() returns the session", async () => {
  const { browser, service, clock, login, eventTexts } = loginScene();
  await signIn(browser, service);
  clock.ms += 2 * HOUR;
  service.failure = apiError(503, 90_000);
  const api = await browser.fetch("/private");
  assertEquals([api.status, api.headers.get("Retry-After")], [503, "90"]);
  assertEquals(await api.json(), { type: "unavailable" });
  const page = await browser.open("/private");
  assertEquals(page.status, 503);
  assertMatch(page.headers.get("Content-Type") ?? "", /text\/html/);
  assertMatch(page.headers.get("Retry-After") ?? "", /^\d+$/);
  const request = new Request(ORIGIN, { headers: { Cookie: browser.cookieHeader } });
  assertEquals(await login.session(request) === undefined, false);
  assertEquals(eventTexts().at(-1), "failed service");
});

test("protect() goes on with a token that is still valid while the service is down", async () => {
  const { browser, service, clock } = loginScene();
  await signIn(browser, service);
  clock.ms += HOUR - 120_000;
  service.failure = apiError(503);
  assertEquals((await browser.fetch("/private")).status, 200);
});

test("protect() treats a session that the service has ended as signed out", async () => {
  const { browser, service, clock, store } = loginScene();
  await signIn(browser, service);
  service.revokeAll();
  clock.ms += 2 * HOUR;
  assertEquals((await browser.fetch("/private")).status, 401);
  assertEquals(store.items.size, 0);
});

test("protect() answers 503 and session() rejects if the store fails and nothing valid is held", async () => {
  const { browser, service, store, another, eventTexts } = loginScene();
  await signIn(browser, service);
  store.failure = Object.assign(new Error("down"), { command: ["SET", ...service.secrets] });
  const fresh = another();
  const request = new Request(ORIGIN, { headers: { ...FETCH, Cookie: browser.cookieHeader } });
  const response = await fresh.protect(() => new Response())(request);
  assertEquals(response.status, 503);
  assertEquals(eventTexts().at(-1), "failed store");
  const error = await assertRejects(() => fresh.session(request), Error);
  assertEquals(error.message.includes(service.secrets[0] ?? ""), false);
});

test("protect() sets no cookie, so that a slow handler does not undo a sign-out", async () => {
  const { browser, service, login } = loginScene();
  await signIn(browser, service);
  const [entered, slow] = [gate(), gate()];
  const handler = login.protect(async () => {
    entered.open();
    await slow.promise;
    return new Response("late");
  });
  const request = new Request(ORIGIN, { headers: { Cookie: browser.cookieHeader } });
  const answer = handler(request);
  await entered.promise;
  await browser.fetch("/auth/logout", { method: "POST" });
  slow.open();
  const response = await answer;
  assertEquals([response.status, response.headers.getSetCookie()], [200, []]);
  assertEquals(await login.session(request), undefined);
});

test("protect() lets a sign-out win over a refresh that is under way", async () => {
  const { browser, service, clock, store, login } = loginScene();
  await signIn(browser, service);
  clock.ms += 2 * HOUR;
  const slow = gate();
  service.gate = slow.promise;
  const request = new Request(ORIGIN, { headers: { ...FETCH, Cookie: browser.cookieHeader } });
  const answer = login.protect(() => new Response())(request);
  while (service.refreshes === 0) await new Promise((done) => setTimeout(done));
  await browser.fetch("/auth/logout", { method: "POST" });
  slow.open();
  assertEquals((await answer).status, 401);
  assertEquals([store.items.size, await login.session(request)], [0, undefined]);
});

test("protect() refreshes once for 100 concurrent requests with an expired ID token", async () => {
  const { browser, service, clock } = loginScene();
  await signIn(browser, service);
  clock.ms += 2 * HOUR;
  const responses = await Promise.all(
    Array.from({ length: 100 }, () => browser.fetch("/private")),
  );
  assertEquals(responses.filter(({ status }) => status === 200).length, 100);
  assertEquals(service.refreshes, 1);
});

test("protect() ends a login at its lifetime, however often it is used", async () => {
  const { browser, service, clock, store } = loginScene({ lifetime: 2 * DAY });
  await signIn(browser, service);
  for (let hours = 0; hours < 47; hours++) {
    clock.ms += HOUR;
    assertEquals((await browser.fetch("/private")).status, 200);
  }
  // A refresh does not prolong the record.
  assertEquals(store.ttls[0], 2 * DAY / 1_000);
  assertEquals(store.ttls.at(-1), HOUR / 1_000);
  clock.ms += HOUR;
  assertEquals((await browser.fetch("/private")).status, 401);
});

test("protect() and callback() accept a clock with fractions of a ms", async () => {
  const { browser, service } = loginScene({ now: () => 1_767_225_600_000.123 });
  await signIn(browser, service);
  assertEquals((await browser.fetch("/private")).status, 200);
});

test("protect() returns to a path with two slashes on the own origin", async () => {
  const { login } = loginScene();
  const request = new Request("http://127.0.0.1//evil.example/private", { headers: NAVIGATION });
  const response = await login.protect(() => new Response())(request);
  assertEquals(response.headers.get("Location"), "/auth/login?returnTo=%2Fevil.example%2Fprivate");
});

test("protect() reads the end of the login from the cookie, which nobody can change", async () => {
  const { browser, service, clock, login } = loginScene({ lifetime: HOUR });
  await signIn(browser, service);
  const [id = ""] = (browser.jar.get("__Host-saasus-session") ?? "").split(".");
  const later = (clock.ms + 300 * DAY).toString(36);
  const headers = { Cookie: `__Host-saasus-session=${id}.${later}` };
  assertEquals(await login.session(new Request(ORIGIN, { headers })), undefined);
});

test("protect() treats rubbish and oversized cookies as signed out, and asks no store", async () => {
  const { login, store } = loginScene();
  const value = "A".repeat(43);
  const cookies = [
    "",
    "rubbish",
    "=;=;;;",
    "__Host-saasus-session=",
    `__Host-saasus-session=${value}`,
    `__Host-saasus-session=${value}.`,
    `__Host-saasus-session=${value}.0`,
    `__Host-saasus-session=${value}.1`,
    `__Host-saasus-session=${value}.-1`,
    `__Host-saasus-session=${value}.zzzzzzzzzzzz`,
    `__Host-saasus-session=${value}A.zzzzzzzz`,
    `__Host-saasus-session=${value.slice(1)}.zzzzzzzz`,
    `__Host-saasus-session=%E0%A4%A.zzzzzzzz`,
    `__Host-saasus-session="${value}.zzzzzzzz"`,
    `saasus-session=${value}.zzzzzzzz`,
    `__Host-saasus-session=${"A".repeat(100_000)}`,
    `${"a=b; ".repeat(10_000)}`,
    "__Host-saasus-login=9.9.9.9.9",
    `__Host-saasus-login=5.0.${"z".repeat(9)}.${"A".repeat(22)}./x`,
    "__proto__=x; constructor=y; __Host-saasus-session=__proto__",
  ];
  const handler = login.protect(() => new Response());
  for (const cookie of cookies) {
    const headers = { ...FETCH, Cookie: cookie };
    assertEquals((await handler(new Request(ORIGIN, { headers }))).status, 401, cookie);
    const requests = ["/auth/login", "/callback?code=1", "/auth/me"].map((path) =>
      new Request(ORIGIN + path, { headers: { ...NAVIGATION, Cookie: cookie } })
    );
    for (const request of requests) {
      const response = await login.handle(request);
      assertEquals((response?.status ?? 500) < 500, true);
    }
  }
  assertEquals(store.calls, []);
});

test("protect() keeps live sessions however many invented cookies come", async () => {
  const { browser, service, login } = loginScene();
  await signIn(browser, service);
  const request = new Request(ORIGIN, { headers: { Cookie: browser.cookieHeader } });
  const session = await login.session(request);
  for (let i = 0; i < 20_000; i++) {
    const value = `${String(i).padStart(43, "x")}.zzzzzzzz`;
    const headers = { Cookie: `__Host-saasus-session=${value}` };
    assertEquals(await login.session(new Request(ORIGIN, { headers })), undefined);
  }
  assertStrictEquals(await login.session(request), session);
});

test("protect() takes nothing from Host, X-Forwarded-* and the origin of the URL", async () => {
  const { browser, service, login } = loginScene();
  await signIn(browser, service);
  const handler = login.protect(() => new Response());
  const forged = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "Forwarded": "host=evil.example",
  };
  const headers = { ...NAVIGATION, ...forged };
  const signedOut = await handler(new Request("http://evil.example/private", { headers }));
  assertEquals(signedOut.headers.get("Location"), "/auth/login?returnTo=%2Fprivate");
  const start = await login.start(
    new Request("http://evil.example/auth/login?returnTo=http://evil.example/", { headers }),
  );
  assertEquals(start.headers.get("Location"), LOGIN_URL);
  assertMatch(start.headers.getSetCookie()[0] ?? "", /^__Host-.*; Secure/);
  const cookie = { Cookie: browser.cookieHeader };
  const signedIn = await handler(
    new Request("http://127.0.0.1:8000/private", { headers: { ...headers, ...cookie } }),
  );
  assertEquals(signedIn.status, 200);
  const post = await handler(
    new Request("http://evil.example/private", {
      method: "POST",
      headers: { ...forged, ...cookie, Origin: "http://evil.example" },
    }),
  );
  assertEquals(post.status, 403);
});

test("The login ignores a Host header that makes the URL of the request invalid", async () => {
  const { login } = loginScene();
  const handler = login.protect(() => new Response());
  // Deno passes the header on as it is. Bun leaves the origin out.
  const origins = [
    "http://[",
    "http://a b%",
    "http://x:99999",
    "http://x\\",
    "https://<script>",
    "",
  ];
  for (const origin of origins) {
    const respond = async (path: string) => {
      const request = new Request(ORIGIN, { headers: NAVIGATION });
      Object.defineProperty(request, "url", { value: origin + path });
      const response = await login.handle(request) ?? await handler(request);
      return [response.status, response.headers.get("Location")];
    };
    assertEquals(await respond("/auth/login?returnTo=/a"), [303, LOGIN_URL], origin);
    assertEquals(await respond("/callback"), [400, null], origin);
    assertEquals(await respond("/callback?code=1"), [303, "/auth/login?restart=1"], origin);
    assertEquals(await respond("/auth/me"), [401, null], origin);
    assertEquals(await respond("/a?b"), [303, "/auth/login?returnTo=%2Fa%3Fb"], origin);
    assertEquals(await respond("//a"), [303, "/auth/login?returnTo=%2Fa"], origin);
  }
});

test("The login takes no path from a Host header", async () => {
  const { login } = loginScene();
  for (const host of ["x\\auth", "x\\auth\\login?"]) {
    const request = new Request(ORIGIN, { headers: NAVIGATION });
    Object.defineProperty(request, "url", { value: `http://${host}/me` });
    assertEquals(await login.handle(request), undefined);
  }
});

test("protect() signs a browser out in another process within the time of recheck", async () => {
  const { browser, service, another, clock, anotherBrowser } = loginScene({ recheck: 5_000 });
  await signIn(browser, service);
  const elsewhere = anotherBrowser(another());
  for (const [name, value] of browser.jar) elsewhere.jar.set(name, value);
  assertEquals((await elsewhere.fetch("/private")).status, 200);
  await browser.fetch("/auth/logout", { method: "POST" });
  clock.ms += 5_001;
  assertEquals((await elsewhere.fetch("/private")).status, 401);
});

test("CredentialLogin keeps logins in memory by default", async () => {
  const now = Date.now;
  const service = new LoginService(now);
  const login = new CredentialLogin({ client: service, loginUrl: LOGIN_URL, origin: ORIGIN });
  const { anotherBrowser } = loginScene();
  const browser = anotherBrowser(login);
  await signIn(browser, service);
  assertEquals((await browser.open("/private")).status, 200);
});
