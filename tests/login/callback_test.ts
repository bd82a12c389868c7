import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CredentialNetworkError, CredentialTimeoutError } from "../../mod.ts";
import {
  apiError,
  arrive,
  DAY,
  FETCH,
  gate,
  LOGIN_URL,
  loginScene,
  ORIGIN,
  signIn,
} from "../support/login_scene.ts";

const SESSION = "__Host-saasus-session";
const STARTED = "__Host-saasus-login";

test("callback() exchanges the code, sets the session cookie and returns to the path", async () => {
  const { browser, service, store, clock, eventTexts } = loginScene();
  const response = await signIn(browser, service, "/private?a=1");
  assertEquals([response.status, response.headers.get("Location")], [303, "/private?a=1"]);
  assertEquals(response.headers.get("Cache-Control"), "private, no-store");
  assertEquals(response.headers.get("Referrer-Policy"), "no-referrer");
  const [session = "", started = "", ...more] = response.headers.getSetCookie();
  assertEquals(more, []);
  const end = (clock.ms + 30 * DAY).toString(36);
  assertMatch(
    session,
    new RegExp(
      `^__Host-saasus-session=[\\w-]{43}\\.${end}; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax$`,
    ),
  );
  assertEquals(
    started,
    "__Host-saasus-login=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
  );
  const value = browser.jar.get(SESSION) ?? "";
  const hash = createHash("sha256").update(value).digest("hex");
  assertEquals([...store.items.keys()], [`saasus-session:${hash}`]);
  assertEquals(store.ttls, [30 * DAY / 1_000]);
  assertEquals(eventTexts(), ["signed_in"]);
  assertEquals(await (await browser.open("/private")).text(), "private");
});

test("callback() goes home without a path to return to, or with one of the login's own", async () => {
  for (
    const returnTo of [
      undefined,
      "//evil.example",
      "/auth/login",
      "/callback?code=1",
      "/auth/logout",
    ]
  ) {
    const { browser, service } = loginScene({ home: "/home?tab=1" });
    const response = await signIn(browser, service, returnTo);
    assertEquals(response.headers.get("Location"), "/home?tab=1");
  }
});

test("callback() checks the path to return to again, because cookies can be forged", async () => {
  const { browser, service } = loginScene();
  await browser.open("/auth/login");
  const cookie = decodeURIComponent(browser.jar.get(STARTED) ?? "");
  browser.jar.set(STARTED, encodeURIComponent(`${cookie}https://evil.example/`));
  const response = await arrive(browser, service.issueCode());
  assertEquals([response.status, response.headers.get("Location")], [303, "/"]);
});

test("callback() exchanges nothing if nobody started a login in this browser", async () => {
  for (const site of ["cross-site", "same-site", "none"]) {
    const { browser, service, eventTexts } = loginScene();
    const response = await arrive(browser, service.issueCode(), { "Sec-Fetch-Site": site });
    assertEquals(response.status, 303);
    assertEquals(new URL(response.headers.get("Location") ?? "", ORIGIN).pathname, "/auth/login");
    assertEquals([service.calls, eventTexts()], [[], ["restarted unsolicited"]]);
    assert(!browser.jar.has(SESSION));
    const start = await browser.open(response.headers.get("Location") ?? "", {
      headers: { "Sec-Fetch-Site": site },
    });
    assertEquals(start.status, site === "cross-site" ? 401 : 303);
  }
});

test("callback() exchanges nothing for a browser that it has only sent back to the start", async () => {
  const { browser, service } = loginScene();
  for (let time = 0; time < 3; time++) {
    const response = await arrive(browser, service.issueCode(), { "Sec-Fetch-Site": "same-site" });
    assertMatch(response.headers.get("Location") ?? "", /^\/auth\/login/);
  }
  assertEquals([service.calls, browser.jar.has(STARTED)], [[], true]);
});

test("callback() keeps the login cookie within 4,096 bytes, whatever the browser sends", async () => {
  const { browser, service } = loginScene();
  await browser.open("/auth/login");
  await browser.open("/auth/login");
  browser.jar.set(STARTED, `${browser.jar.get(STARTED)}/${"a".repeat(5_000)}`);
  const response = await arrive(browser, service.issueCode());
  const [session = "", started = ""] = response.headers.getSetCookie();
  assertMatch(session, /^__Host-saasus-session=/);
  assert(started.startsWith(STARTED) && started.length < 200);
});

test("callback() exchanges a code with a Referer of the login page's origin", async () => {
  for (const loginUrl of [LOGIN_URL, () => LOGIN_URL]) {
    const { browser, service } = loginScene({ loginUrl });
    const wrong = ["https://evil.example/", `${LOGIN_URL.slice(0, -1)}.evil.example/`, "rubbish"];
    for (const referer of wrong) await arrive(browser, service.issueCode(), { referer });
    assertEquals(service.calls, []);
    const right = await arrive(browser, service.issueCode(), { referer: `${LOGIN_URL}sign-in` });
    assertEquals([right.status, right.headers.get("Location")], [303, "/"]);
    assertEquals(
      right.headers.getSetCookie().filter((cookie) => cookie.startsWith(SESSION)).length,
      1,
    );
  }
});

test("callback() exchanges a code that nobody asked for if unsolicited is accept", async () => {
  const { browser, service } = loginScene({ unsolicited: "accept" });
  const response = await arrive(browser, service.issueCode());
  assertEquals([response.status, response.headers.getSetCookie().length], [303, 1]);
  assert(browser.jar.has(SESSION));
});

test("callback() exchanges nothing but for a navigation", async () => {
  const { browser, service } = loginScene();
  await browser.open("/auth/login");
  const path = `/callback?code=${service.issueCode()}`;
  for (
    const headers of [
      FETCH,
      { "Sec-Fetch-Dest": "iframe" },
      { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" },
      { "Sec-Purpose": "prefetch" },
    ]
  ) {
    const response = await browser.open(path, { headers });
    assertEquals(response.status, 401);
    assertEquals(await response.json(), { type: "signed_out", login: "/auth/login" });
    assertEquals(response.headers.getSetCookie(), []);
  }
  for (const method of ["HEAD", "POST", "PUT"]) {
    const response = await browser.open(path, { method });
    assertEquals([response.status, response.headers.get("Allow")], [405, "GET"]);
  }
  assertEquals(service.calls, []);
});

test("callback() shows a page for no code, two codes and an oversized code", async () => {
  const { browser, service, eventTexts } = loginScene();
  await browser.open("/auth/login");
  const before = new Map(browser.jar);
  for (
    const query of ["", "?code=", "?code=a&code=b", `?code=${"a".repeat(513)}`, "?error=denied"]
  ) {
    const response = await browser.open(`/callback${query}`);
    assertEquals(response.status, 400);
    assertMatch(await response.text(), /<a href="\/auth\/login">/);
  }
  assertEquals([service.calls, browser.jar], [[], before]);
  assertEquals(new Set(eventTexts()), new Set(["refused invalid_code"]));
});

test("callback() replaces the session of the browser, and removes its record", async () => {
  const { browser, service, store, login } = loginScene();
  await signIn(browser, service);
  const [oldKey = ""] = store.items.keys();
  const oldCookies = browser.cookieHeader;
  await signIn(browser, service);
  assertEquals(store.items.size, 1);
  assert(!store.items.has(oldKey));
  assertNotEquals(browser.cookieHeader, oldCookies);
  const headers = { cookie: oldCookies };
  assertEquals(await login.session(new Request(ORIGIN, { headers })), undefined);
});

test("callback() takes no session id from the request", async () => {
  const { browser, service, store } = loginScene();
  const planted = `${"A".repeat(43)}.zzzzzzzz`;
  browser.jar.set(SESSION, planted);
  await signIn(browser, service);
  assertNotEquals(browser.jar.get(SESSION), planted);
  const hash = createHash("sha256").update(planted).digest("hex");
  assert(!store.items.has(`saasus-session:${hash}`));
});

test("callback() lets each start sign in once, for up to five tabs", async () => {
  const { browser, service } = loginScene();
  for (let tab = 0; tab < 7; tab++) await browser.open("/auth/login");
  const statuses: string[] = [];
  for (let tab = 0; tab < 7; tab++) {
    browser.jar.delete(SESSION);
    const response = await arrive(browser, service.issueCode());
    statuses.push(new URL(response.headers.get("Location") ?? "", ORIGIN).pathname);
  }
  assertEquals(statuses, [...Array(5).fill("/"), "/auth/login", "/auth/login"]);
});

test("callback() does not prolong the time of a started login", async () => {
  const { browser, service, clock } = loginScene();
  await browser.open("/auth/login");
  await browser.open("/auth/login");
  clock.ms += 400_000;
  const response = await arrive(browser, service.issueCode());
  const [, started = ""] = response.headers.getSetCookie();
  assertMatch(started, /Max-Age=200;/);
  clock.ms += 200_000;
  await arrive(browser, service.issueCode());
  assertEquals(service.exchanges, 1);
});

test("callback() accepts a login that a process with a faster clock has started", async () => {
  const { browser, service, another, anotherBrowser, clock } = loginScene();
  await browser.open("/auth/login");
  await browser.open("/auth/login");
  const slow = anotherBrowser(another({ now: () => clock.ms - 1_000 }));
  for (const [name, value] of browser.jar) slow.jar.set(name, value);
  const response = await arrive(slow, service.issueCode());
  assertEquals([response.status, response.headers.get("Location")], [303, "/"]);
  assertMatch(response.headers.getSetCookie()[1] ?? "", /^__Host-saasus-login=.*; Max-Age=600;/);
});

test("callback() sends a browser with a live session on if the code is dead", async () => {
  const { browser, service } = loginScene();
  const code = service.issueCode();
  await browser.open("/auth/login?returnTo=/private");
  await browser.open("/auth/login?returnTo=/private");
  await arrive(browser, code);
  const again = await arrive(browser, code);
  assertEquals([again.status, again.headers.get("Location")], [303, "/private"]);
  assert(browser.jar.has(SESSION));
});

test("callback() starts again for a dead code, at most twice in a row, and then shows a page", async () => {
  for (const status of [400, 404]) {
    const { browser, service, eventTexts } = loginScene();
    service.failure = apiError(status);
    const seen: (number | string)[] = [];
    let path = "/auth/login?returnTo=/private";
    for (let round = 0; round < 3; round++) {
      await browser.open(path);
      const response = await arrive(browser, service.issueCode(), {
        "Sec-Fetch-Site": "same-site",
      });
      path = response.headers.get("Location") ?? "";
      seen.push(path === "" ? response.status : new URL(path, ORIGIN).pathname);
      if (path === "") {
        assertMatch(await response.text(), /<a href="\/auth\/login\?returnTo=%2Fprivate"/);
      }
    }
    assertEquals(seen, ["/auth/login", "/auth/login", 401]);
    assertEquals(service.exchanges, 3);
    assertEquals(eventTexts(), [
      "restarted rejected_code",
      "restarted rejected_code",
      "refused rejected_code",
    ]);
    service.failure = undefined;
    const response = await signIn(browser, service, "/private");
    assertEquals(response.headers.get("Location"), "/private");
  }
});

test("callback() ends in a page if all codes are dead and the browser drops cookies", async () => {
  const { browser, service } = loginScene();
  service.failure = apiError(404);
  browser.keepsCookies = false;
  let response = await browser.open("/private");
  for (let hops = 0; response.status === 303; hops++) {
    assert(hops < 10, "The redirects have no end");
    const location = response.headers.get("Location") ?? "";
    const next = location === LOGIN_URL ? `/callback?code=${service.issueCode()}` : location;
    const headers = { "Sec-Fetch-Site": "same-site", "Referer": LOGIN_URL };
    response = await browser.open(next, { headers });
  }
  assertEquals(response.status, 401);
});

test("callback() shows a page and leaves the cookies alone if the service fails", async () => {
  const failures: [unknown, string | null][] = [
    [apiError(500), null],
    [apiError(503, 7_500), "8"],
    [apiError(429, 60_000), "60"],
    [apiError(401), null],
    [apiError(403), null],
    [new CredentialNetworkError("No response", { reason: "refused" }), null],
    [new CredentialTimeoutError("No response", { timeout: 5_000 }), null],
    [new TypeError("A hook failed"), null],
  ];
  for (const [failure, retryAfter] of failures) {
    const { browser, service, store } = loginScene();
    await browser.open("/auth/login?returnTo=/private");
    service.failure = failure;
    const before = new Map(browser.jar);
    const response = await arrive(browser, service.issueCode());
    assertEquals([response.status, response.headers.get("Retry-After")], [503, retryAfter]);
    assertMatch(await response.text(), /<a href="\/auth\/login\?returnTo=%2Fprivate"/);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals([browser.jar, store.items.size], [before, 0]);
  }
});

test("callback() sets the session cookie for the whole lifetime, also after a slow exchange", async () => {
  for (const [lifetime, maxAge] of [[1_000, 1], [30 * DAY, 30 * DAY / 1_000]]) {
    const { browser, service, clock } = loginScene({ lifetime });
    await browser.open("/auth/login");
    const { promise, open } = gate();
    service.gate = promise;
    const arrival = arrive(browser, service.issueCode());
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.ms += 200;
    open();
    const [session = ""] = (await arrival).headers.getSetCookie();
    assertMatch(session, new RegExp(`; Max-Age=${maxAge};`));
  }
});

test("callback() shows a page if the store fails, and signs nobody in", async () => {
  const { browser, service, store, login, eventTexts } = loginScene();
  await browser.open("/auth/login");
  store.failure = new Error("down");
  const response = await arrive(browser, service.issueCode());
  assertEquals([response.status, response.headers.getSetCookie()], [503, []]);
  store.failure = undefined;
  assertEquals(await login.session(new Request(ORIGIN)), undefined);
  assertEquals([eventTexts(), store.items.size], [["failed store"], 0]);
});

test("callback() awaits onSignIn, which can answer in place of the redirect", async () => {
  const seen: string[] = [];
  const { browser, service } = loginScene({
    onSignIn: async (session, request) => {
      seen.push((await session.getCredentials()).id_token, new URL(request.url).pathname);
      return new Response(null, {
        status: 302,
        headers: { Location: "/welcome", "Set-Cookie": "theme=dark" },
      });
    },
  });
  const response = await signIn(browser, service);
  assertEquals([response.status, response.headers.get("Location")], [302, "/welcome"]);
  assertEquals(response.headers.get("Cache-Control"), "private, no-store");
  assertEquals(response.headers.getSetCookie()[0], "theme=dark");
  assert(browser.jar.has(SESSION));
  assertEquals([service.secrets.includes(seen[0] ?? ""), seen[1]], [true, "/callback"]);
});

test("callback() copies a response of onSignIn whose headers cannot be changed", async () => {
  const { browser, service } = loginScene({
    onSignIn: () => Response.redirect("https://app.example.com/welcome", 303),
  });
  const response = await signIn(browser, service);
  assertEquals(response.headers.get("Location"), "https://app.example.com/welcome");
  assert(browser.jar.has(SESSION));
});

test("callback() refuses the sign-in if onSignIn answers with 400 or more", async () => {
  const { browser, service, store, eventTexts } = loginScene({
    onSignIn: () => new Response("No tenant", { status: 403 }),
  });
  const response = await signIn(browser, service);
  assertEquals([response.status, await response.text()], [403, "No tenant"]);
  assertEquals([response.headers.getSetCookie(), store.items.size], [[], 0]);
  assertEquals(eventTexts(), ["refused on_sign_in"]);
});

test("callback() passes on an error of onSignIn, and removes the record", async () => {
  const failure = new Error("The database is down");
  const { browser, service, store } = loginScene({ onSignIn: () => Promise.reject(failure) });
  await browser.open("/auth/login");
  const error = await assertRejects(() => arrive(browser, service.issueCode()));
  assertEquals([error, store.items.size, browser.jar.has(SESSION)], [failure, 0, false]);
});

test("callback() exchanges a code once for concurrent requests of a browser", async () => {
  let calls = 0;
  const { browser, service, store } = loginScene({
    onSignIn: () => {
      calls++;
      return new Response("Welcome");
    },
  });
  await browser.open("/auth/login");
  const code = service.issueCode();
  const responses = await Promise.all([1, 2, 3].map(async () => {
    const response = await arrive(browser, code);
    return { text: await response.text(), cookies: response.headers.getSetCookie() };
  }));
  assertEquals([service.exchanges, calls, store.items.size], [1, 1, 1]);
  const [first] = responses;
  assertEquals(first?.text, "Welcome");
  assertEquals(responses, [first, first, first]);
});

test("callback() cancels a streamed response of onSignIn with the request", async () => {
  let isCanceled = false;
  const { browser, service } = loginScene({
    onSignIn: () => new Response(new ReadableStream({ cancel: () => void (isCanceled = true) })),
  });
  const response = await signIn(browser, service);
  await response.body?.cancel();
  assertEquals(isCanceled, true);
});

test("callback() exchanges the same code for each of two browsers", async () => {
  const { browser, anotherBrowser, service } = loginScene();
  const other = anotherBrowser();
  await browser.open("/auth/login");
  await other.open("/auth/login");
  const code = service.issueCode();
  await Promise.all([arrive(browser, code), arrive(other, code)]);
  const signedIn = [browser, other].filter(({ jar }) => jar.has(SESSION));
  assertEquals([service.exchanges, signedIn.length], [2, 1]);
});

test("callback() signs in two tabs at once", async () => {
  const { browser, service, store } = loginScene();
  await browser.open("/auth/login?returnTo=/private/1");
  await browser.open("/auth/login?returnTo=/private/2");
  const responses = await Promise.all([
    arrive(browser, service.issueCode()),
    arrive(browser, service.issueCode()),
  ]);
  assertEquals(responses.map(({ status }) => status), [303, 303]);
  assertEquals((await browser.open("/private")).status, 200);
  assertEquals(store.items.size, 2);
});

test("callback() signs in both of two tabs that replace the session at once", async () => {
  const { browser, service, store, eventTexts } = loginScene();
  await signIn(browser, service);
  await browser.open("/auth/login");
  await browser.open("/auth/login");
  await Promise.all([arrive(browser, service.issueCode()), arrive(browser, service.issueCode())]);
  assertEquals((await browser.open("/private")).status, 200);
  assertEquals([store.items.size, eventTexts()], [2, ["signed_in", "signed_in", "signed_in"]]);
});

test("callback() does not take a sign-in of another tab for a sign-out", async () => {
  const { browser, service, store, eventTexts } = loginScene();
  await signIn(browser, service);
  await browser.open("/auth/login");
  await browser.open("/auth/login");
  const slow = gate();
  service.gate = slow.promise;
  const second = arrive(browser, service.issueCode());
  while (service.exchanges === 1) await new Promise((done) => setTimeout(done));
  service.gate = undefined;
  await arrive(browser, service.issueCode());
  slow.open();
  assertEquals((await second).headers.getSetCookie().length, 2);
  assertEquals([store.items.size, eventTexts().slice(1)], [2, ["signed_in", "signed_in"]]);
});

test("callback() signs nobody in if the browser signs out during the exchange", async () => {
  for (const isSignedIn of [false, true]) {
    const { browser, service, store, eventTexts } = loginScene();
    if (isSignedIn) await signIn(browser, service);
    await browser.open("/auth/login");
    const slow = gate();
    service.gate = slow.promise;
    const arrival = arrive(browser, service.issueCode());
    while (service.exchanges === (isSignedIn ? 1 : 0)) {
      await new Promise((done) => setTimeout(done));
    }
    await browser.fetch("/auth/logout", { method: "POST" });
    slow.open();
    const response = await arrival;
    assertEquals([response.status, response.headers.get("Location")], [303, "/"]);
    assertEquals([browser.jar.has(SESSION), store.items.size], [false, 0]);
    assertEquals(eventTexts().at(-1), "refused signed_out");
  }
});

test("callback() signs nobody in if the browser signs out in another process meanwhile", async () => {
  const { browser, service, store, another } = loginScene();
  await signIn(browser, service);
  await browser.open("/auth/login");
  const slow = gate();
  service.gate = slow.promise;
  const arrival = arrive(browser, service.issueCode());
  while (service.exchanges === 1) await new Promise((done) => setTimeout(done));
  const headers = { ...FETCH, Cookie: browser.cookieHeader };
  await another().signOut(new Request(`${ORIGIN}/auth/logout`, { method: "POST", headers }));
  slow.open();
  const response = await arrival;
  assertEquals(response.headers.getSetCookie().filter((cookie) => cookie.startsWith(SESSION)), []);
  assertEquals(store.items.size, 0);
});

test("callback() removes the record if the response of onSignIn cannot be sent", async () => {
  const { browser, service, store } = loginScene({
    onSignIn: async () => {
      const response = new Response("read already");
      await response.text();
      return response;
    },
  });
  await browser.open("/auth/login");
  await assertRejects(() => arrive(browser, service.issueCode()), TypeError);
  assertEquals(store.items.size, 0);
});
