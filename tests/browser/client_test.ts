import { assertEquals, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import { launchBrowser, newPage } from "../support/browser.ts";
import { bundle } from "../runtimes/bundle.ts";

/** The relevant headers of a request to the API. */
interface Received {
  readonly referer: string | null;
  readonly cacheControl: string | null;
}

/** An API whose responses are cacheable, as with a misconfigured proxy. */
function serveApi(received: Received[]) {
  const cors = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*, authorization",
  };
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ method, headers }) => {
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: cors });
    received.push({ referer: headers.get("referer"), cacheControl: headers.get("cache-control") });
    const tokens = { id_token: crypto.randomUUID(), access_token: "access-token" };
    return Response.json(tokens, { headers: { ...cors, "Cache-Control": "public, max-age=3600" } });
  });
}

function servePage(script: string, settings: object) {
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<meta name="referrer" content="unsafe-url">
<script type="application/json" id="settings">${JSON.stringify(settings)}</script>
<script type="module" src="/page.js"></script>`;
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const isScript = new URL(url).pathname === "/page.js";
    const type = isScript ? "text/javascript" : "text/html";
    return new Response(isScript ? script : html, { headers: { "Content-Type": type } });
  });
}

test("CredentialClient in a page sends no Referer, uses no cache and rejects a referer option", async () => {
  const received: Received[] = [];
  await using api = serveApi(received);
  const baseUrl = `http://127.0.0.1:${api.addr.port}`;
  await using site = servePage(await bundle("tests/browser/client_page.ts"), { baseUrl });
  await using browser = await launchBrowser();
  await using watched = await newPage(browser);
  const { page } = watched;
  await page.goto(`http://127.0.0.1:${site.addr.port}/callback?code=${crypto.randomUUID()}`);
  await page.waitForFunction("globalThis.page !== undefined");

  const first = await page.evaluate("page.refresh()");
  const second = await page.evaluate("page.refresh()");
  assertNotEquals(first, second);
  assertEquals(received.map(({ referer }) => referer), [null, null]);
  assertEquals(received.map(({ cacheControl }) => cacheControl), ["no-cache", "no-cache"]);
  assertEquals(await page.evaluate("page.refer()"), "invalid_input");
  assertEquals(received.length, 2);
  assertEquals(watched.errors, []);
});
