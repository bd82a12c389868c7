import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { apiError, DAY, FETCH, gate, loginScene, ORIGIN, signIn } from "../support/login_scene.ts";

test("me() returns the claims of the user and the end of the login", async () => {
  const { browser, service, clock } = loginScene();
  service.claims = { sub: "a3f1", email: "alice@example.com", name: "山田 太郎" };
  await signIn(browser, service);
  const signedInAt = clock.ms;
  clock.ms += 60_000;
  const response = await browser.fetch("/auth/me");
  assertEquals([response.status, response.headers.get("Cache-Control")], [
    200,
    "private, no-store",
  ]);
  const { claims, expiresAt } = await response.json();
  assertEquals([claims.sub, claims.email, claims.name], ["a3f1", "alice@example.com", "山田 太郎"]);
  assertEquals(expiresAt, signedInAt + 30 * DAY);
});

test("me() answers 401 without a login, and 503 while the service is down", async () => {
  const { browser, service, clock } = loginScene();
  const signedOut = await browser.fetch("/auth/me");
  assertEquals(signedOut.status, 401);
  assertEquals(await signedOut.json(), { type: "signed_out", login: "/auth/login" });
  await signIn(browser, service);
  clock.ms += 7_200_000;
  service.failure = apiError(500);
  const unavailable = await browser.open("/auth/me");
  assertEquals([unavailable.status, unavailable.headers.get("Retry-After")], [503, "30"]);
  assertEquals(await unavailable.json(), { type: "unavailable" });
});

test("me() reads the login once, so that a sign-out meanwhile does not look like an outage", async () => {
  const { browser, service, store, another, login, eventTexts } = loginScene({ recheck: 0 });
  for (const other of [login, another()]) {
    await signIn(browser, service);
    const { cookieHeader } = browser;
    const getItem = store.getItem.bind(store);
    let reads = 0;
    const { promise, open } = gate();
    store.getItem = async (key) => {
      if (++reads === 2) await promise;
      return await getItem(key);
    };
    const response = browser.fetch("/auth/me");
    await new Promise((resolve) => setTimeout(resolve, 5));
    const headers = { ...FETCH, Cookie: cookieHeader };
    await other.signOut(new Request(`${ORIGIN}/auth/logout`, { method: "POST", headers }));
    open();
    assertEquals((await response).status, 200);
    store.getItem = getItem;
  }
  assertEquals(eventTexts(), ["signed_in", "signed_out", "signed_in", "signed_out"]);
});

test("me() allows only GET", async () => {
  const { browser } = loginScene();
  for (const method of ["HEAD", "POST"]) {
    const response = await browser.fetch("/auth/me", { method });
    assertEquals([response.status, response.headers.get("Allow")], [405, "GET"]);
  }
});
