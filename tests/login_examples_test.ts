// Runs each example application in its own process.
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import {
  CredentialEmulator,
  EMULATOR_SIGNATURE,
  type EmulatorServer,
  serveEmulator,
} from "../src/emulator/mod.ts";
import { runExample, type RunningExample, type RunOptions } from "./support/examples_process.ts";
import { NAVIGATION } from "./support/login_scene.ts";

const SERVE = ["serve", "--allow-net=127.0.0.1", "--allow-env", "--host=127.0.0.1", "--port=0"];
const RUN = ["run", "--allow-net=127.0.0.1", "--allow-env"];

interface Scene extends AsyncDisposable {
  readonly emulator: CredentialEmulator;
  readonly server: EmulatorServer;
  readonly env: Record<string, string>;
}

async function scene(callbackUrl = "http://localhost:3000/callback"): Promise<Scene> {
  const emulator = new CredentialEmulator({ callbackUrl });
  const server = await serveEmulator(emulator);
  const env = {
    APP_ORIGIN: new URL(callbackUrl).origin,
    SAASUS_API_URL_BASE: new URL(server.url).origin,
    SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
    SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
    SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
    SAASUS_LOGIN_URL: server.loginUrl,
    PORT: "0",
  };
  return { emulator, server, env, [Symbol.asyncDispose]: () => server.close() };
}

interface Page {
  readonly status: number;
  readonly location: string;
  readonly body: string;
  readonly headers: Headers;
}

/** Browser that keeps the cookies of each host, and does not follow redirects. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  async open(
    url: string | URL,
    init: { method?: string; headers?: Record<string, string> } = {},
  ): Promise<Page> {
    const { hostname } = new URL(url);
    const jar = this.#jars.get(hostname) ?? new Map<string, string>();
    this.#jars.set(hostname, jar);
    const Cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    const response = await fetch(url, {
      ...init,
      headers: { ...NAVIGATION, ...init.headers, Cookie },
      redirect: "manual",
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    const { status, headers } = response;
    return {
      status,
      headers,
      location: headers.get("Location") ?? "",
      body: await response.text(),
    };
  }
}

/** Returns a free port, for a program that must know its port before it listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function portOf(program: RunningExample): Promise<string> {
  return (await program.printed(/http:\/\/[^/\s]+:(\d+)/))[1] ?? "";
}

function testApp(file: string, deno: readonly string[]): void {
  const start = (env: Record<string, string>, options: RunOptions = {}) =>
    runExample(`examples/app/${file}`, { env, deno, ...options });

  test(`${file} signs a user in, shows the profile, refreshes and signs out`, async () => {
    await using service = await scene();
    await using program = start({
      ...service.env,
      TENANT_LOGIN_URLS: JSON.stringify({
        acme: new URL("/sign-in/saml/acme", service.server.loginUrl),
      }),
    });
    const app = `http://127.0.0.1:${await portOf(program)}`;
    const browser = new Browser();
    assertStringIncludes((await browser.open(app)).body, "You are not signed in");
    assertEquals((await browser.open(`${app}/other`)).status, 404);
    const saml = await browser.open(`${app}/auth/login?tenant=acme`);
    assertMatch(saml.location, /\/sign-in\/saml\/acme$/);
    const profile = await browser.open(`${app}/profile`);
    assertEquals(profile.location, "/auth/login?returnTo=%2Fprofile");
    const login = await browser.open(app + profile.location);
    assertEquals(login.location, service.server.loginUrl);
    const signedIn = await browser.open(`${login.location}?user=eve<b>@example.com`);
    assertStringIncludes(signedIn.location, "http://localhost:3000/callback?code=");
    const callback = new URL(signedIn.location);
    const arrival = await browser.open(app + callback.pathname + callback.search);
    assertEquals([arrival.status, arrival.location], [303, "/profile"]);
    const page = await browser.open(app + arrival.location);
    assertEquals([page.status, page.headers.get("Cache-Control")], [200, "no-store"]);
    assertStringIncludes(page.body, "eve&lt;b&gt;@example.com");
    const report = await browser.open(`${app}/api/report`);
    assertEquals(JSON.parse(report.body), { text: "Nothing to report, eve<b>@example.com" });
    const refresh = await browser.open(`${app}/refresh`, { method: "POST" });
    assertEquals([refresh.status, refresh.location], [303, "/profile"]);
    service.emulator.faults = [{ kind: "status", status: 403 }];
    assertEquals((await browser.open(`${app}/refresh`, { method: "POST" })).status, 503);
    const foreign = { "Sec-Fetch-Site": "cross-site" };
    assertEquals(
      (await browser.open(`${app}/refresh`, { method: "POST", headers: foreign })).status,
      403,
    );
    const signOut = await browser.open(`${app}/auth/logout`, { method: "POST" });
    assertEquals([signOut.status, signOut.location], [303, "/"]);
    assertEquals((await browser.open(`${app}/profile`)).status, 303);
  });

  test(`${file} prints the name of a variable that is not set`, async () => {
    await using service = await scene();
    const { SAASUS_LOGIN_URL: _url, ...env } = service.env;
    const { exitCode, stderr } = await start(env).ended;
    assertEquals(exitCode, 1);
    assertStringIncludes(stderr, "The environment variable SAASUS_LOGIN_URL is not set");
  });
}

test("hand_over.ts hands over a login from one application to another", async () => {
  // Node cannot serve a module that exports a server.
  if (!("Deno" in globalThis) && !("Bun" in globalThis)) return;
  const orders = "http://localhost:8000";
  await using service = await scene(`${orders}/callback`);
  await using program = runExample("examples/hand_over.ts", {
    env: service.env,
    deno: SERVE,
  });
  const port = await portOf(program);
  const browser = new Browser();
  // The settings use port 8000, and the test a free port.
  const open = (url: string, headers: Record<string, string> = {}) =>
    browser.open(url.replace(":8000", `:${port}`), { headers });
  const login = await open(`${orders}/auth/login`);
  const signedIn = await open(`${login.location}?user=alice@example.com`);
  const atOrders = await open(signedIn.location);
  assertEquals([atOrders.status, atOrders.location], [303, "/"]);
  assertStringIncludes((await open(`${orders}/`)).body, "You are signed in at orders");

  const billing = "http://127.0.0.1:8000";
  const redirected = await open(`${billing}/`);
  assertEquals(redirected.location, "/auth/login?returnTo=%2F");
  const start = await open(billing + redirected.location);
  assertEquals(start.location, `${orders}/hand-over`);
  const handOver = await open(start.location);
  assert(handOver.location.startsWith(`${billing}/callback?code=`));
  const arrival = await open(handOver.location);
  assertEquals([arrival.status, arrival.location], [303, "/"]);
  assertStringIncludes((await open(`${billing}/`)).body, "You are signed in at billing");
  assertEquals((await open(handOver.location)).location.split("?")[0], "/auth/login");

  service.emulator.faults = () => ({ kind: "status", status: 403 });
  assertEquals((await open(`${orders}/hand-over`)).status, 503);
  await program.printed(/Cannot save credentials/);
});

test("app/main.ts prints its address and serves the application there", async () => {
  if (!("Deno" in globalThis)) return;
  const port = String(await freePort());
  await using program = runExample("examples/app/main.ts", { env: { PORT: port }, deno: RUN });
  const [, address = ""] = await program.printed(/^Open (\S+)$/m);
  assertEquals(address, `http://localhost:${port}/`);
  const browser = new Browser();
  assertStringIncludes(
    (await browser.open(address)).body,
    "Sign in with the account of Example Inc.",
  );
  const login = await browser.open(`${address}auth/login?returnTo=/profile`);
  const signedIn = await browser.open(`${login.location}?user=alice@example.com`);
  const arrival = await browser.open(signedIn.location);
  assertEquals([arrival.status, arrival.location], [303, "/profile"]);
  const profile = await browser.open(`${address}profile`);
  assertStringIncludes(profile.body, "Example Inc. (prod): Administrator");
});

if ("Deno" in globalThis) {
  testApp("hono.ts", SERVE);
  testApp("deno_serve.ts", RUN);
} else if ("Bun" in globalThis) {
  testApp("hono.ts", []);
  testApp("bun_serve.ts", []);
}
