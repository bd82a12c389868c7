import { assert, assertEquals, assertMatch } from "@std/assert";
import { after, before, test } from "node:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import {
  CredentialEmulator,
  EMULATOR_BEARER_TOKEN,
  type EmulatorServer,
  serveEmulator,
} from "../../src/emulator/mod.ts";
import { decoded } from "../support/emulator_call.ts";
import { launchBrowser, newPage, screenshot } from "../support/browser.ts";

/** Application whose callback redirects to a page. */
const application: Server = createServer(({ url = "" }, response) => {
  if (url.startsWith("/callback")) {
    codes.push(new URL(url, "http://localhost").searchParams.get("code") ?? "");
    response.writeHead(303, { Location: "/home" }).end();
  } else {
    response.setHeader("Content-Type", "text/html");
    response.end('<title>Home</title><link rel="icon" href="data:,"><h1>Home</h1>');
  }
});
const codes: string[] = [];
let browser: Browser;
let emulator: CredentialEmulator;
let server: EmulatorServer;

before(async () => {
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  const { port } = application.address() as AddressInfo;
  emulator = new CredentialEmulator({ callbackUrl: `http://localhost:${port}/callback` });
  server = await serveEmulator(emulator);
  browser = await launchBrowser();
});

after(async () => {
  await browser.close();
  await server.close();
  application.closeAllConnections();
  await new Promise((resolve) => application.close(resolve));
});

/** Runs a test on the login page, and asserts that the browser reports no problem. */
async function onLoginPage(
  options: BrowserContextOptions,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  codes.length = 0;
  const watched = await newPage(browser, options);
  try {
    await watched.page.goto(server.loginUrl);
    await use(watched.page);
    assertEquals([watched.violations, watched.errors], [[], []]);
  } finally {
    await watched[Symbol.asyncDispose]();
  }
}

/** Waits for the page of the application, and returns the ID token claims of its code. */
async function claimsAtHome(page: Page): Promise<Record<string, unknown>> {
  await page.getByRole("heading", { name: "Home" }).waitFor();
  assertEquals(codes.length, 1);
  const response = await fetch(`${server.url}/credentials?code=${codes[0]}`, {
    headers: { Authorization: `Bearer ${EMULATOR_BEARER_TOKEN}` },
  });
  assertEquals(response.status, 200);
  return decoded((await response.json()).id_token);
}

async function hasNoHorizontalScroll(page: Page): Promise<boolean> {
  return await page.evaluate("document.documentElement.scrollWidth <= innerWidth");
}

test("The login page signs in with a button", async () => {
  await onLoginPage({}, async (page) => {
    await screenshot(page, "login-desktop");
    await page.getByRole("button", { name: "Sign in as alice@example.com", exact: true }).click();
    assertEquals((await claimsAtHome(page))["email"], "alice@example.com");
  });
});

test("The login page signs in with the text field", async () => {
  await onLoginPage({}, async (page) => {
    await page.getByLabel("Email or sign-in ID", { exact: true }).fill("carol@example.com");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    assertEquals((await claimsAtHome(page))["email"], "carol@example.com");
    await page.goto(server.loginUrl);
    const names = await page.getByRole("button", { name: "Sign in as" }).allInnerTexts();
    assertEquals(names[0]?.includes("carol@example.com"), true);
  });
});

test("The login page is usable with the keyboard only, and shows the focus", async () => {
  await onLoginPage({}, async (page) => {
    const focused: string[] = [];
    for (let i = 0; i < 12 && focused.at(-1) !== "Email or sign-in ID"; i++) {
      await page.keyboard.press("Tab");
      focused.push(
        await page.evaluate(
          "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText.trim()",
        ),
      );
      const width = await page.evaluate("getComputedStyle(document.activeElement).outlineWidth");
      assertEquals(width, "3px", focused.at(-1));
    }
    assert(focused.some((name) => name.endsWith("Sign in as alice@example.com")), focused.join());
    await screenshot(page, "login-focus");
    await page.keyboard.type("dave");
    await page.keyboard.press("Enter");
    const claims = await claimsAtHome(page);
    assertEquals(claims["email"], undefined);
    assertEquals(claims["sub"], decoded(emulator.issueCredentials("dave").id_token)["sub"]);
  });
});

test("The login page simulates a fault and adds extra claims", async () => {
  await onLoginPage({}, async (page) => {
    await page.getByText("What should go wrong", { exact: true }).click();
    await page.getByLabel("The ID token expires after a minute").check();
    await page.getByLabel("Refresh token rotation").selectOption("on");
    await page.getByLabel("Extra claims (JSON)").fill('{"locale":"en"}');
    await screenshot(page, "login-desktop-open");
    await page.getByRole("button", { name: "Sign in as bob", exact: true }).click();
    const { iat, exp, locale } = await claimsAtHome(page);
    assertEquals([Number(exp) - Number(iat), locale], [60, "en"]);
  });
});

test("The login page shows an error for claims that are no JSON, and keeps the input", async () => {
  codes.length = 0;
  const watched = await newPage(browser);
  const { page } = watched;
  await page.goto(server.loginUrl);
  await page.getByText("What should go wrong", { exact: true }).click();
  await page.getByLabel("The code was used already").check();
  await page.getByLabel("Extra claims (JSON)").fill("{locale}");
  await page.getByRole("button", { name: "Sign in as bob", exact: true }).click();
  assertMatch(await page.getByRole("alert").innerText(), /must be a JSON object/);
  assertEquals(await page.getByLabel("Extra claims (JSON)").inputValue(), "{locale}");
  assertEquals(await page.getByLabel("The code was used already").isChecked(), true);
  assertEquals(codes, []);
  assertEquals(watched.violations, []);
  await screenshot(page, "login-problem");
  await watched[Symbol.asyncDispose]();
});

for (const width of [375, 320]) {
  test(`The login page fits a screen of ${width} px`, async () => {
    await onLoginPage({ viewport: { width, height: 700 } }, async (page) => {
      await screenshot(page, `login-${width}`);
      assert(await hasNoHorizontalScroll(page));
      await page.getByText("What should go wrong", { exact: true }).click();
      await screenshot(page, `login-${width}-open`);
      assert(await hasNoHorizontalScroll(page));
      await page.goto(server.loginUrl.replace("/login", "/requests"));
      assert(await hasNoHorizontalScroll(page));
    });
  });
}

test("The login page is dark in dark mode", async () => {
  const lightness = `Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g))`;
  await onLoginPage({ colorScheme: "dark" }, async (page) => {
    await screenshot(page, "login-dark");
    assert(await page.evaluate<number>(lightness) < 60);
  });
  await onLoginPage({ colorScheme: "light" }, async (page) => {
    assert(await page.evaluate<number>(lightness) > 200);
  });
});

test("The login page uses the language of the browser, and has a link to change it", async () => {
  await onLoginPage({ locale: "ja-JP", viewport: { width: 375, height: 800 } }, async (page) => {
    assertEquals(await page.locator("html").getAttribute("lang"), "ja");
    await screenshot(page, "login-ja");
    await page.getByText("発生させる問題", { exact: true }).click();
    assert(await hasNoHorizontalScroll(page));
    await screenshot(page, "login-ja-open");
    await page.getByRole("link", { name: "English" }).click();
    assertEquals(await page.locator("html").getAttribute("lang"), "en");
    await page.getByRole("link", { name: "日本語" }).click();
    const name = "alice@example.com としてログイン";
    await page.getByRole("button", { name, exact: true }).click();
    assertEquals((await claimsAtHome(page))["email"], "alice@example.com");
  });
});

test("The login page works without JavaScript", async () => {
  await onLoginPage({ javaScriptEnabled: false }, async (page) => {
    await page.getByLabel("Email or sign-in ID", { exact: true }).fill("carol@example.com");
    await page.keyboard.press("Enter");
    assertEquals((await claimsAtHome(page))["email"], "carol@example.com");
  });
});

test("The requests page shows a sign-in, and has a reset button", async () => {
  await onLoginPage({}, async (page) => {
    await page.getByRole("button", { name: "Sign in as bob", exact: true }).click();
    await claimsAtHome(page);
    await page.goto(server.loginUrl);
    await page.getByRole("link", { name: "Requests" }).click();
    const row = page.getByRole("row").filter({ hasText: "signIn" }).first();
    assertMatch(await row.innerText(), /303\s+bob/);
    await screenshot(page, "requests");
    await page.getByRole("button", { name: "Reset" }).click();
    await page.getByText("No requests yet.").waitFor();
    assertEquals(emulator.requests, []);
  });
});

test("A page of another site cannot post to the login page", async () => {
  const watched = await newPage(browser);
  const { page } = watched;
  const { port } = application.address() as AddressInfo;
  await page.goto(`http://localhost:${port}/home`);
  const form = (path: string) =>
    `document.body.innerHTML = '<form method="post" action="${
      server.loginUrl.replace("/login", path)
    }"><button name="user" value="bob">Go</button></form>'`;
  codes.length = 0;
  for (const path of ["/login", "/reset"]) {
    await page.goto(`http://localhost:${port}/home`);
    await page.evaluate(form(path));
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      page.getByRole("button", { name: "Go" }).click(),
    ]);
    assertEquals(response.status(), 403);
  }
  assertEquals(codes, []);
  await watched[Symbol.asyncDispose]();
});
