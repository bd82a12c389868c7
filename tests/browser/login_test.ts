// Tests the example application in Chromium, from sign-in to sign-out.
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createApp } from "../../examples/app/hono.ts";
import { userInfoClient } from "../../examples/app/user_info.ts";
import { CredentialClient, signatureAuth } from "../../mod.ts";
import {
  CredentialEmulator,
  EMULATOR_SIGNATURE,
  serveEmulator,
  signInThrough,
} from "../../src/emulator/mod.ts";
import { CredentialLogin, type LoginEvent } from "../../src/login/mod.ts";
import { launchBrowser, screenshot } from "../support/browser.ts";

interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly loginUrl: string;
  readonly login: CredentialLogin;
  readonly emulator: CredentialEmulator;
  readonly events: string[];
  /** The requests of the browser with all headers. */
  readonly requests: { path: string; headers: Headers }[];
}

/** Serves the application and the emulator on hosts of different sites. */
async function site(): Promise<Site> {
  let handler: (request: Request) => Response | Promise<Response> = () => new Response();
  const requests: Site["requests"] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    requests.push({ path: pathname, headers: new Headers(request.headers) });
    return handler(request);
  });
  const origin = `http://localhost:${server.addr.port}`;
  const emulator = new CredentialEmulator({ callbackUrl: `${origin}/callback`, rotation: true });
  const service = await serveEmulator(emulator);
  const auth = signatureAuth(EMULATOR_SIGNATURE);
  const { now } = emulator;
  const events: string[] = [];
  const login = new CredentialLogin({
    client: new CredentialClient({ auth, baseUrl: service.url, now }),
    loginUrl: service.loginUrl,
    origin,
    now,
    onEvent: ({ type, reason }: LoginEvent) => events.push([type, reason].join(" ").trimEnd()),
  });
  const userInfo = userInfoClient({ auth, baseUrl: service.url, now });
  handler = createApp({ login, userInfo }).fetch;
  return {
    origin,
    loginUrl: service.loginUrl,
    login,
    emulator,
    events,
    requests,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await service.close();
    },
  };
}

/** Serves pages of another site that send requests to the application. */
function foreignSite(origin: string): AsyncDisposable & { url: string } {
  const pages: Record<string, string> = {
    "/form":
      `<form method="post" action="${origin}/auth/logout"><button>Win a prize</button></form>`,
    "/image": `<h1>Cats</h1><img src="${origin}/auth/logout"><img src="${origin}/auth/login">
<img src="${origin}/callback?code=planted"><iframe src="${origin}/auth/login"></iframe>`,
    "/link": `<a href="${origin}/profile">Your profile</a>`,
    "/callback": `<a href="${origin}/callback?code=planted">A link</a>`,
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const html = pages[new URL(request.url).pathname] ?? "";
    return new Response(html, { headers: { "Content-Type": "text/html" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function signIn(page: Page, { origin }: Site, name = "alice@example.com"): Promise<void> {
  await page.goto(origin);
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: `Sign in as ${name}` }).click();
  await page.waitForURL(`${origin}/profile`);
}

async function sessionCookies(context: BrowserContext): Promise<string[]> {
  return (await context.cookies()).map(({ name }) => name).filter((name) => /session/.test(name));
}

/** Runs a test with its own site and browser context. */
function browserTest(
  name: string,
  run: (page: Page, site: Site, context: BrowserContext) => Promise<void>,
): void {
  test(name, async () => {
    const browser: Browser = await launchBrowser();
    try {
      await using app = await site();
      const context = await browser.newContext();
      await run(await context.newPage(), app, context);
      await context.close();
    } finally {
      await browser.close();
    }
  });
}

browserTest(
  "The example application signs in, refreshes, loads data and signs out",
  async (page, app, context) => {
    const problems: string[] = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(app.origin);
    await screenshot(page, "app_signed_out");
    await signIn(page, app);
    assertStringIncludes(await page.innerText("main"), "You are signed in as alice@example.com");
    assertStringIncludes(await page.innerText("main"), "Administrator");
    await screenshot(page, "app_profile");
    const expiry = await page.locator("#expiry").getAttribute("datetime");
    app.emulator.advance(60_000);
    await page.getByRole("button", { name: "Refresh now" }).click();
    await page.waitForFunction(
      (before) => document.querySelector("#expiry")?.getAttribute("datetime") !== before,
      expiry,
    );
    await page.getByRole("button", { name: "Load the report" }).click();
    await page.getByText("Nothing to report, alice@example.com").waitFor();
    const [cookie] = (await context.cookies()).filter(({ name }) => name === "saasus-session");
    assertEquals([cookie?.httpOnly, cookie?.sameSite, cookie?.path], [true, "Lax", "/"]);
    assertEquals(await page.evaluate(() => document.cookie), "");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are not signed in").waitFor();
    assertEquals(await sessionCookies(context), []);
    await page.goto(`${app.origin}/profile`);
    assert(page.url().startsWith(app.loginUrl));
    assertEquals(problems, []);
    assertEquals(app.events, ["signed_in", "signed_out"]);
  },
);

browserTest(
  "The sign-in leaves no code in the history, a Referer or a performance entry",
  async (page, app, context) => {
    await signIn(page, app);
    await page.getByRole("button", { name: "Load the report" }).click();
    await page.getByText("Nothing to report").waitFor();
    const session = await context.newCDPSession(page);
    const { entries } = await session.send("Page.getNavigationHistory");
    assertNotMatch(JSON.stringify(entries), /code=|\/callback/);
    const seen = await page.evaluate(() =>
      JSON.stringify([performance.getEntries(), document.referrer, location.href])
    );
    assertNotMatch(seen, /code=|\/callback/);
    assert(app.requests.some(({ path }) => path === "/callback"));
    for (const { headers } of app.requests) assertNotMatch(headers.get("Referer") ?? "", /code=/);
  },
);

browserTest(
  "The callback shows a page after back, reload and from a bookmark",
  async (page, app, context) => {
    let callback = "";
    page.on("request", (request) => {
      if (request.url().includes("/callback?code=")) callback = request.url();
    });
    await signIn(page, app);
    await page.reload();
    assertEquals(page.url(), `${app.origin}/profile`);
    // The login page is in the history, but its sign-in has already been used.
    await page.goBack();
    assert(page.url().startsWith(app.loginUrl));
    await page.goto(callback);
    assert(page.url().startsWith(app.loginUrl), page.url());
    assertEquals(await sessionCookies(context), ["saasus-session"]);
    await page.getByRole("button", { name: "Sign in as alice@example.com" }).click();
    await page.waitForURL(`${app.origin}/**`);
    assertMatch(await page.innerText("main"), /You are signed in/);
  },
);

browserTest("Two tabs can sign in at the same time", async (page, app, context) => {
  const other = await context.newPage();
  for (const tab of [page, other]) {
    await tab.goto(`${app.origin}/profile`);
    assert(tab.url().startsWith(app.loginUrl));
  }
  for (const tab of [page, other]) {
    await tab.getByRole("button", { name: "Sign in as alice@example.com" }).click();
    await tab.waitForURL(`${app.origin}/profile`);
    await tab.getByText("You are signed in as alice@example.com").waitFor();
  }
  await page.reload();
  await page.getByText("You are signed in as alice@example.com").waitFor();
});

browserTest(
  "The API returns 401 in JSON for an expired login, and the page offers a sign-in",
  async (page, app) => {
    await signIn(page, app);
    await fetch(new URL("/reset", app.loginUrl), { method: "POST", redirect: "manual" });
    app.emulator.advance(7_200_000);
    await page.getByRole("button", { name: "Load the report" }).click();
    await page.getByText("401 signed_out").waitFor();
    await page.locator("#report").getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Sign in as alice@example.com" }).click();
    await page.waitForURL(`${app.origin}/profile`);
  },
);

browserTest("A fetch with an expired ID token is refreshed", async (page, app) => {
  await signIn(page, app);
  app.emulator.advance(7_200_000);
  await page.getByRole("button", { name: "Load the report" }).click();
  await page.getByText("Nothing to report").waitFor();
});

browserTest("A form and images of another site do not sign out", async (page, app, context) => {
  await using foreign = foreignSite(app.origin);
  await signIn(page, app);
  await page.goto(`${foreign.url}/image`, { waitUntil: "networkidle" });
  assertEquals(await sessionCookies(context), ["saasus-session"]);
  assertEquals((await context.cookies()).length, 1);
  await page.goto(`${foreign.url}/form`);
  await page.getByRole("button").click();
  await page.getByRole("heading", { name: "Request rejected" }).waitFor();
  await screenshot(page, "login_rejected");
  await page.getByRole("link").click();
  await page.getByText("You are signed in").waitFor();
});

browserTest(
  "A link of another site to a protected page requires a click before the login",
  async (page, app, context) => {
    await using foreign = foreignSite(app.origin);
    await page.goto(`${foreign.url}/link`);
    await page.getByRole("link").click();
    await page.getByRole("heading", { name: "Please sign in" }).waitFor();
    assertEquals(await context.cookies(), []);
    await screenshot(page, "login_signed_out");
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Sign in as bob" }).click();
    await page.getByText("You are signed in as").waitFor();
    assertEquals(page.url(), `${app.origin}/profile`);
  },
);

browserTest(
  "A link of another site to the callback does not exchange its code",
  async (page, app, context) => {
    await using foreign = foreignSite(app.origin);
    await page.goto(`${foreign.url}/callback`);
    await page.getByRole("link").click();
    await page.getByRole("heading", { name: "Please sign in" }).waitFor();
    assertEquals([await context.cookies(), app.emulator.requests.length], [[], 0]);
  },
);

browserTest(
  "signInThrough() returns login cookies that work in a browser",
  async (page, app, context) => {
    const { cookies } = await signInThrough(app.login, app.emulator, "bob");
    await context.addCookies(cookies);
    await page.goto(`${app.origin}/profile`);
    await page.getByText("You are signed in as").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are not signed in").waitFor();
    assertEquals(await context.cookies(), []);
  },
);

test("The pages of the login use the language of the browser", async () => {
  const browser = await launchBrowser();
  try {
    await using app = await site();
    await using foreign = foreignSite(app.origin);
    const context = await browser.newContext({ locale: "ja-JP" });
    const page = await context.newPage();
    await page.goto(`${foreign.url}/link`);
    await page.getByRole("link").click();
    await page.getByRole("heading", { name: "ログインしてください" }).waitFor();
    await screenshot(page, "login_signed_out_ja");
    await page.goto(`${app.origin}/callback`);
    await page.getByRole("heading", { name: "ログインできませんでした" }).waitFor();
    await context.close();
  } finally {
    await browser.close();
  }
});
