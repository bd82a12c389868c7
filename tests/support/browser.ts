// A headless Chromium for tests, driven by playwright-core. It uses an installed browser and downloads none.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where a browser can be found if `CHROMIUM` is not set. */
const PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

/** Returns the path of the browser, or `undefined` if there is none on this machine. */
export function chromiumPath(): string | undefined {
  return [process.env["CHROMIUM"], ...PATHS].find((path) => path !== undefined && existsSync(path));
}

/** Starts a browser with an empty profile. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    throw new Error("Cannot find Chromium: install it, or set CHROMIUM to its path");
  }
  return await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page in a browser context of its own, with the problems that the browser reports. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Violations of a Content Security Policy, as the console reports them. */
  readonly violations: readonly string[];
  /** Errors of the console and of scripts, violations included. */
  readonly errors: readonly string[];
}

/** Opens a page in a new context. Closing it forgets its cookies. */
export async function newPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const violations: string[] = [];
  const errors: string[] = [];
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error") errors.push(text);
    if (/Content Security Policy|Content-Security-Policy/i.test(text)) violations.push(text);
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  return { page, violations, errors, [Symbol.asyncDispose]: () => context.close() };
}

const ARTIFACTS = fileURLToPath(new URL("../../artifacts/", import.meta.url));

/** Keeps a picture of the whole page in `artifacts/`, and returns its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  await mkdir(ARTIFACTS, { recursive: true });
  const path = `${ARTIFACTS}${name}.png`;
  await page.screenshot({ path, fullPage: true });
  return path;
}
