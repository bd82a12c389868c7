import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import {
  CredentialEmulator,
  EMULATOR_BEARER_TOKEN,
  serveEmulator,
} from "../../src/emulator/mod.ts";
import { bundle } from "./bundle.ts";
import { startChromium } from "./chromium.ts";
import { testWith } from "./tools.ts";

/** Names that a module for all runtimes must not contain. */
const RUNTIME_SPECIFIC = /["']node:|\bDeno\.|\bBun\.|\brequire\(|\bBuffer\b|\bprocess\./g;

test("The bundle for browsers contains no code for a single runtime", async () => {
  const code = await bundle("mod.ts");
  assertMatch(code, /CredentialApiError/);
  assertEquals(code.match(RUNTIME_SPECIFIC), null);
  // `process.env` is read only if it exists.
  assertEquals(code.match(/\bprocess\b/g)?.length, 1);
  assertMatch(code, /let\{process:(\w+)\}=globalThis;return \1\?\.env\?\?\{\}/);
});

/** Serves a page with a script. `/api/me` returns the `Authorization` header of the request. */
function servePage(script: string, settings: object) {
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script type="application/json" id="settings">${JSON.stringify(settings)}</script>
<script type="module" src="/page.js"></script>`;
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    switch (new URL(request.url).pathname) {
      case "/page.js":
        return new Response(script, { headers: { "Content-Type": "text/javascript" } });
      case "/api/me":
        return new Response(request.headers.get("Authorization"));
      default:
        return new Response(html, { headers: { "Content-Type": "text/html" } });
    }
  });
}

testWith(
  ["chromium"],
  "CredentialSession in Chromium keeps a login after a reload, refreshes and signs out",
  async () => {
    const requests: string[] = [];
    const emulator = new CredentialEmulator({
      cors: true,
      rotation: true,
      faults: ({ method }) => void requests.push(method),
    });
    await using api = await serveEmulator(emulator);
    const settings = { baseUrl: api.url, token: EMULATOR_BEARER_TOKEN };
    await using site = servePage(await bundle("tests/runtimes/browser_page.ts"), settings);
    await using chromium = await startChromium();
    const login = emulator.issueCredentials();

    await chromium.open(`http://127.0.0.1:${site.addr.port}/?code=${emulator.issueCode(login)}`);
    assertEquals(await chromium.evaluate("page.state()"), {
      search: "",
      signedIn: true,
      idToken: login.id_token,
      events: ["signed_in"],
    });

    await chromium.reload();
    assertEquals(await chromium.evaluate("page.state()"), {
      search: "",
      signedIn: true,
      idToken: login.id_token,
      events: [],
    });
    assertEquals(await chromium.evaluate("page.call('/api/me')"), `Bearer ${login.id_token}`);
    assertEquals(requests, ["GET"]);

    await chromium.evaluate(`page.advance(${55 * 60_000})`);
    const idToken = await chromium.evaluate("page.session.getIdToken()");
    assertNotEquals(idToken, login.id_token);
    assertEquals(requests, ["GET", "GET"]);

    await chromium.reload();
    assertEquals(await chromium.evaluate("page.call('/api/me')"), `Bearer ${idToken}`);
    await chromium.evaluate("page.session.signOut()");
    assertEquals(await chromium.evaluate("localStorage.length"), 0);
    assertEquals(requests, ["GET", "GET"]);
  },
);
