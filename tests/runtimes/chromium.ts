import { launchBrowser, newPage } from "../support/browser.ts";

/** A page in a headless Chromium. */
export interface ChromiumPage {
  /** Opens a URL, and waits until the page has loaded. */
  open(url: string): Promise<void>;
  /** Evaluates an expression in the page, and returns its awaited value. */
  evaluate(expression: string): Promise<unknown>;
  /** Loads the page again. */
  reload(): Promise<void>;
  /** Closes the browser, and deletes its storage. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a browser with an empty profile. */
export async function startChromium(): Promise<ChromiumPage> {
  const browser = await launchBrowser();
  const { page } = await newPage(browser);
  return {
    open: async (url) => void await page.goto(url),
    reload: async () => void await page.reload(),
    evaluate: (expression) => page.evaluate(expression),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
