import { assert, assertEquals, assertLessOrEqual, assertMatch, assertNotMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { LOGIN_URL, loginScene } from "../support/login_scene.ts";

const OWN_HEADERS = {
  "Cache-Control": "private, no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

function assertOwnHeaders({ headers }: Response): void {
  for (const [name, value] of Object.entries(OWN_HEADERS)) assertEquals(headers.get(name), value);
}

test("start() redirects a navigation to the login page, and sets the login cookie", async () => {
  const { browser, service, store } = loginScene();
  for (const site of ["none", "same-origin", "same-site"]) {
    const response = await browser.open("/auth/login?returnTo=/private", {
      headers: { "Sec-Fetch-Site": site },
    });
    assertEquals([response.status, response.headers.get("Location")], [303, LOGIN_URL]);
    assertOwnHeaders(response);
    const [cookie = "", ...more] = response.headers.getSetCookie();
    assertEquals(more, []);
    assertMatch(
      cookie,
      /^__Host-saasus-login=[^;]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  }
  assertEquals([service.calls, store.calls], [[], []]);
});

test("start() takes a browser without Sec-Fetch headers for a navigation if it accepts HTML", async () => {
  const { login } = loginScene();
  const url = "https://app.example.com/auth/login";
  const accepts = async (accept: string) =>
    (await login.start(new Request(url, { headers: { accept } }))).status;
  assertEquals(await accepts("text/html,application/xhtml+xml"), 303);
  assertEquals(await accepts("*/*"), 401);
  assertEquals(await accepts("application/json"), 401);
});

test("start() answers a navigation that another site began with a page and one link", async () => {
  const { browser, eventTexts } = loginScene();
  for (const site of ["cross-site", "something-new"]) {
    const response = await browser.open(
      `/auth/login?returnTo=${encodeURIComponent('/a?b="1"&c=<2>')}`,
      {
        headers: { "Sec-Fetch-Site": site },
      },
    );
    assertEquals(response.status, 401);
    assertEquals(response.headers.getSetCookie(), []);
    assertOwnHeaders(response);
    assertEquals(response.headers.get("Content-Type"), "text/html; charset=utf-8");
    assertMatch(response.headers.get("Content-Security-Policy") ?? "", /default-src 'none'/);
    const html = await response.text();
    assertEquals(
      html.match(/(href|src|action|http-equiv)=[^>]*/g),
      ['href="/auth/login?returnTo=%2Fa%3Fb%3D%25221%2522%26c%3D%253C2%253E"'],
    );
    assertNotMatch(html, /refresh|<script/i);
  }
  assertEquals(eventTexts(), ["refused cross_site", "refused cross_site"]);
});

test("The pages of the login allow no content but their own style", async () => {
  const { browser } = loginScene();
  const response = await browser.open("/auth/login", {
    headers: { "Sec-Fetch-Site": "cross-site" },
  });
  const [, style = ""] = /<style>([^]*)<\/style>/.exec(await response.text()) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  assertEquals(
    response.headers.get("Content-Security-Policy"),
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
});

test("start() sets nothing for a fetch, a prefetch, an image or an iframe", async () => {
  const { browser } = loginScene();
  const contexts: Record<string, string>[] = [
    { "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" },
    { "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image" },
    { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" },
    { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "frame" },
    { "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "object" },
    { "Sec-Purpose": "prefetch" },
    { "Sec-Purpose": "prefetch;prerender" },
    { "Purpose": "prefetch" },
    { "X-Moz": "prefetch" },
  ];
  for (const headers of contexts) {
    const response = await browser.open("/auth/login?returnTo=/private", { headers });
    assertEquals(response.status, 401, JSON.stringify(headers));
    assertEquals(response.headers.getSetCookie(), []);
    assertOwnHeaders(response);
    assertEquals(await response.json(), { type: "signed_out", login: "/auth/login" });
  }
});

test("start() allows only GET", async () => {
  const { browser } = loginScene();
  for (const method of ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await browser.open("/auth/login", { method });
    assertEquals([response.status, response.headers.get("Allow")], [405, "GET"]);
    assertEquals(response.headers.getSetCookie(), []);
  }
});

test("start() redirects to the URL that a function returns for the request", async () => {
  const { browser } = loginScene({
    loginUrl: (request) =>
      Promise.resolve(
        new URL(
          `https://auth.example.net/sign-in/saml/${
            new URL(request.url).searchParams.get("tenant")
          }`,
        ),
      ),
  });
  const response = await browser.open("/auth/login?tenant=t1");
  assertEquals(response.headers.get("Location"), "https://auth.example.net/sign-in/saml/t1");
});

test("start() redirects to no URL that is not safe, and answers with a page", async () => {
  const unsafe: unknown[] = [
    "http://auth.example.net/",
    "javascript:alert(1)",
    "/login",
    "https://user:password@auth.example.net/",
    undefined,
    7,
  ];
  for (const url of unsafe) {
    const { browser, eventTexts } = loginScene({ loginUrl: () => url as string });
    const response = await browser.open("/auth/login");
    assertEquals([response.status, response.headers.get("Location")], [503, null]);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(eventTexts(), ["failed login_url"]);
  }
  const { browser } = loginScene({
    loginUrl: () => {
      throw new Error("unknown tenant");
    },
  });
  assertEquals((await browser.open("/auth/login")).status, 503);
});

test("start() keeps every login cookie within 4,096 bytes, however long the path to return to", async () => {
  const { browser, service } = loginScene();
  for (
    const returnTo of [`/${"a".repeat(3_900)}`, `/${"%".repeat(1_200)}`, `/${"日本".repeat(400)}`]
  ) {
    const response = await browser.open(`/auth/login?returnTo=${encodeURIComponent(returnTo)}`);
    assertEquals(response.status, 303);
    const [cookie = ""] = response.headers.getSetCookie();
    assertLessOrEqual(new TextEncoder().encode(cookie).length, 4_096);
  }
  const long = `/${"a".repeat(5_000)}`;
  await browser.open(`/auth/login?returnTo=${long}`);
  const response = await browser.open(`/callback?code=${service.issueCode()}`);
  assertEquals(response.headers.get("Location"), "/");
});

test("start() shows a page to a browser that drops the login cookie", async () => {
  const { browser, service, eventTexts } = loginScene();
  browser.keepsCookies = false;
  let response = await browser.open("/private");
  let hops = 0;
  while (response.status === 303) {
    assert(++hops < 10, "The redirects have no end");
    const location = response.headers.get("Location") ?? "";
    // The login page signs the user in without asking, on a site of its own or the same.
    const next = location === LOGIN_URL ? `/callback?code=${service.issueCode()}` : location;
    response = await browser.open(next, { headers: { "Sec-Fetch-Site": "same-site" } });
  }
  assertEquals([response.status, service.exchanges], [401, 0]);
  assertMatch(await response.text(), /allow cookies/);
  assertEquals(eventTexts().at(-1), "refused cookies");
});

test("start() shows pages in Japanese to a browser that prefers Japanese", async () => {
  const { browser } = loginScene();
  const open = async (language: string) => {
    const headers = { "Sec-Fetch-Site": "cross-site", "Accept-Language": language };
    return await (await browser.open("/auth/login", { headers })).text();
  };
  assertMatch(await open("ja,en-US;q=0.9"), /<html lang="ja">[^]*ログイン/);
  assertMatch(await open("en-US,ja;q=0.9"), /<html lang="en">/);
  assertMatch(await open("fr"), /<html lang="en">/);
});
