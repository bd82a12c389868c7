// A headless Chromium for tests with playwright-core. It must be installed, and is not downloaded.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** The paths of browsers, if `CHROMIUM` is not set. */
const PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

/** Returns the path of the browser, or `undefined` if none is installed. */
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

/** A page in a new browser context, with the problems that the browser reports. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Violations of the Content Security Policy in the console. */
  readonly violations: readonly string[];
  /** Errors of the console and of scripts, including violations. */
  readonly errors: readonly string[];
}

/** Opens a page in a new context, whose cookies are deleted when it is closed. */
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

/** Saves a screenshot of the full page in `artifacts/`, and returns its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  await mkdir(ARTIFACTS, { recursive: true });
  const path = `${ARTIFACTS}${name}.png`;
  await page.screenshot({ path, fullPage: true });
  return path;
}
