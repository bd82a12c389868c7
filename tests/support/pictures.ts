/**
 * Takes the screenshots of the documentation: the emulator's login page in both languages, and the
 * example application. Run it with `deno run -A tests/support/pictures.ts` while `deno task app`
 * runs in another terminal.
 */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launchBrowser, newPage } from "./browser.ts";

const DOCS = new URL("../../docs/", import.meta.url);
const LANGUAGES = [{ locale: "en", folder: "images/" }, { locale: "ja", folder: "ja/images/" }];

await using browser = await launchBrowser();
for (const { locale, folder } of LANGUAGES) {
  const images = new URL(folder, DOCS);
  await mkdir(images, { recursive: true });
  const picture = (name: string) => ({ path: fileURLToPath(new URL(name, images)) });
  await using watched = await newPage(browser, { locale, viewport: { width: 720, height: 660 } });
  const { page } = watched;

  await page.goto("http://localhost:3000/auth/login");
  await page.screenshot(picture("login-page.png"));
  if (locale !== "en") continue;
  await page.getByRole("button", { name: /alice@example\.com/ }).click();
  await page.goto("http://localhost:3000/profile");
  await page.screenshot({ ...picture("application.png"), fullPage: true });
}
