import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { test } from "node:test";
import {
  CredentialEmulator,
  EMULATOR_SIGNATURE,
  type EmulatorServer,
  serveEmulator,
} from "../src/emulator/mod.ts";
import { serviceOf } from "../src/emulator/emulator.ts";
import type { EmulatorRequest } from "../src/emulator/request.ts";
import { runExample, type RunningExample, type RunOptions } from "./support/examples_process.ts";

const LOGIN_URL = "https://login.example.com/?a=1&b=2";

/** An emulator that is served, what it was asked, and the environment of a program that is to use it. */
interface Scene extends AsyncDisposable {
  readonly emulator: CredentialEmulator;
  readonly server: EmulatorServer;
  readonly requests: EmulatorRequest[];
  readonly env: Readonly<Record<string, string>>;
}

async function scene(): Promise<Scene> {
  const emulator = new CredentialEmulator();
  const requests: EmulatorRequest[] = [];
  const service = serviceOf(emulator);
  const handle = service.handle.bind(service);
  service.handle = (request, hostname) => {
    requests.push(request);
    return handle(request, hostname);
  };
  const server = await serveEmulator(emulator);
  const env = {
    SAASUS_API_URL_BASE: new URL(server.url).origin,
    SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
    SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
    SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
    SAASUS_LOGIN_URL: LOGIN_URL,
    PORT: "0",
  };
  return { emulator, server, requests, env, [Symbol.asyncDispose]: () => server.close() };
}

/** What Deno runs the examples with. */
const RUN = ["run", "--allow-net=127.0.0.1", "--allow-env"];
const SERVE = ["serve", "--allow-net=127.0.0.1", "--allow-env", "--host=127.0.0.1", "--port=0"];

/** A program that serves, and a browser of it: one that keeps cookies, and goes where it is told only when it is asked to. */
interface Site extends AsyncDisposable {
  readonly program: RunningExample;
  open(path: string, init?: RequestInit): Promise<Page>;
}

interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly location: string;
}

async function serve(file: string, options: RunOptions): Promise<Site> {
  const program = runExample(file, options);
  const [origin] = await program.printed(/http:\/\/[^/\s]+:\d+/);
  const cookies = new Map<string, string>();
  const open = async (path: string, init: RequestInit = {}): Promise<Page> => {
    const Cookie = [...cookies].map((cookie) => cookie.join("=")).join("; ");
    const response = await fetch(new URL(path, origin), {
      ...init,
      headers: { ...init.headers as Record<string, string>, Cookie },
      redirect: "manual",
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const { status, headers } = response;
    return {
      status,
      headers,
      body: await response.text(),
      location: headers.get("Location") ?? "",
    };
  };
  return { program, open, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** Nothing that a program prints, or shows to a browser, may hold one of these. */
function assertNoSecret(text: string, ...secrets: (string | undefined)[]): void {
  for (const secret of secrets) assert(!secret || !text.includes(secret), "It holds a secret");
}

function testExchange(file: string): void {
  test(`${file} exchanges a code and refreshes`, async () => {
    await using stage = await scene();
    const credentials = stage.emulator.issueCredentials();
    const code = stage.emulator.issueCode(credentials);
    const { exitCode, stdout, stderr } = await runExample(`examples/${file}`, {
      args: [code],
      env: stage.env,
      deno: RUN,
    }).ended;
    assertEquals([exitCode, stderr], [0, ""]);
    assertEquals(stdout.trimEnd().split("\n"), [
      "Exchanged the code for id_token, access_token, refresh_token",
      "Refreshed id_token, access_token",
      `Signed in, with an ID token of ${credentials.id_token.length} characters`,
    ]);
    assertNoSecret(stdout, code, ...Object.values(credentials));
    assertEquals(stage.requests.length, 2);
  });

  test(`${file} says why it could not, and exits with 1`, async () => {
    await using stage = await scene();
    const code = crypto.randomUUID();
    const options = { args: [code], deno: RUN };
    const [dead, unset] = await Promise.all([
      runExample(`examples/${file}`, { ...options, env: stage.env }).ended,
      runExample(`examples/${file}`, { ...options, env: { ...stage.env, SAASUS_API_KEY: "" } })
        .ended,
    ]);
    assertEquals([dead.exitCode, dead.stdout], [1, ""]);
    assertEquals(
      dead.stderr.trimEnd(),
      "Cannot exchange temp code: the API answered 404 (not_found)",
    );
    assertEquals([unset.exitCode, unset.stdout], [1, ""]);
    assertMatch(unset.stderr, /^Cannot create the client .*SAASUS_API_KEY/);
    assertNoSecret(dead.stderr + unset.stderr, code, stage.env["SAASUS_SECRET_KEY"]);
  });

  test(`${file} asks for a code`, async () => {
    const { exitCode, stderr } = await runExample(`examples/${file}`, { deno: RUN }).ended;
    assertEquals([exitCode, stderr.trimEnd()], [2, `Usage: ${file} CODE`]);
  });
}

function testCallback(file: string): void {
  const open = ({ env }: Scene) => serve(`examples/${file}`, { env, deno: RUN });

  test(`${file} signs a user in, and keeps the tokens from the browser`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    assertStringIncludes((await site.open("/")).body, "Sign in");
    assertEquals((await site.open("/other")).status, 404);

    const credentials = stage.emulator.issueCredentials();
    const code = stage.emulator.issueCode(credentials);
    const answer = await site.open(`/callback?code=${code}`);
    assertEquals([answer.status, answer.location], [303, "/"]);
    assertEquals(answer.headers.get("Cache-Control"), "no-store");
    assertEquals(answer.headers.get("Referrer-Policy"), "no-referrer");
    const cookie = answer.headers.get("Set-Cookie") ?? "";
    assertMatch(cookie, /^__Host-session=[\w-]{36};/);
    for (const part of ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]) {
      assert(cookie.split("; ").includes(part), part);
    }
    const home = await site.open(answer.location);
    assertEquals(home.status, 200);
    assertStringIncludes(home.body, "You are signed in");
    assertNoSecret(
      cookie + answer.body + home.body,
      code,
      ...Object.values(credentials),
    );
  });

  test(`${file} passes referers and trace id on, but no code in them`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    const code = stage.emulator.issueCode();
    await site.open(`/callback?code=${code}`, {
      headers: {
        Referer: "https://app.example.com/callback?code=secret#top",
        "X-SaaSus-Referer": "https://app.example.com/settings",
        "X-Saasus-Trace-Id": "trace-1",
      },
    });
    const headers = stage.requests[0]?.headers;
    assertEquals(headers?.get("Referer"), "https://app.example.com/callback");
    assertEquals(headers?.get("X-SaaSus-Referer"), "https://app.example.com/settings");
    assertEquals(headers?.get("X-Saasus-Trace-Id"), "trace-1");
  });

  test(`${file} sends the browser to the login for no code, and for one that is used`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    const none = await site.open("/callback");
    assertEquals([none.status, none.location, stage.requests.length], [303, LOGIN_URL, 0]);
    const path = `/callback?code=${stage.emulator.issueCode()}`;
    await site.open(path);
    const again = await site.open(path);
    assertEquals([again.status, again.location], [303, LOGIN_URL]);
    assertEquals(again.headers.get("Set-Cookie"), null);
  });

  test(`${file} lets the user try again when the service fails`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    stage.emulator.faults = () => ({ kind: "status", status: 403 });
    const code = stage.emulator.issueCode();
    const { status, body } = await site.open(`/callback?code=${code}`);
    assertEquals(status, 503);
    assertStringIncludes(body, `<a href="${LOGIN_URL}">Try again</a>`);
    const [logged] = await site.program.printed(/Cannot exchange temp code:.*/);
    assertStringIncludes(logged, "the API answered 403 (permission_denied)");
    assertNoSecret(logged + body, code);
  });

  test(`${file} does not start without SAASUS_LOGIN_URL`, async () => {
    await using stage = await scene();
    const { exitCode, stderr } = await runExample(`examples/${file}`, {
      env: { ...stage.env, SAASUS_LOGIN_URL: "" },
      deno: RUN,
    }).ended;
    assertEquals(exitCode, 1);
    assertStringIncludes(stderr, "Environment variable SAASUS_LOGIN_URL is missing");
  });
}

function testHandOver(file: string): void {
  const open = ({ env }: Scene) => serve(`examples/${file}`, { env, deno: SERVE });

  test(`${file} hands a login over from one application to the other`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    const credentials = stage.emulator.issueCredentials();
    const login = await site.open(`/orders/callback?code=${stage.emulator.issueCode(credentials)}`);
    assertEquals([login.status, login.location], [303, "/orders"]);
    assertStringIncludes((await site.open("/orders")).body, "You are signed in at orders");
    assertEquals((await site.open("/billing")).status, 401);

    const handOver = await site.open("/orders/open-billing", {
      method: "POST",
      headers: { Referer: "https://orders.example.com/home?q=1", "X-Saasus-Trace-Id": "trace-1" },
    });
    assertEquals(handOver.status, 303);
    assertMatch(handOver.location, /^\/billing\/callback\?code=[\w-]{36}$/);
    assertEquals(handOver.headers.get("Cache-Control"), "no-store");
    const saved = stage.requests.find(({ method }) => method === "POST");
    assertEquals(saved?.headers.get("Referer"), "https://orders.example.com/home");
    assertEquals(saved?.headers.get("X-Saasus-Trace-Id"), "trace-1");

    const arrival = await site.open(handOver.location);
    assertEquals([arrival.status, arrival.location], [303, "/billing"]);
    assertStringIncludes((await site.open("/billing")).body, "You are signed in at billing");
    const shown = [login, handOver, arrival].map(({ headers, body }) => body + [...headers]).join();
    assertNoSecret(shown, ...Object.values(credentials));
  });

  test(`${file} hands over no login where there is none, and no code twice`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    assertEquals((await site.open("/orders/open-billing", { method: "POST" })).status, 401);
    assertEquals((await site.open("/orders/open-billing")).status, 404);
    assertEquals((await site.open("/billing/callback")).status, 401);
    assertEquals(stage.requests.length, 0);
    const path = `/billing/callback?code=${stage.emulator.issueCode()}`;
    assertEquals((await site.open(path)).status, 303);
    const again = await site.open(path);
    assertEquals([again.status, again.body], [401, "Please sign in again"]);
  });

  test(`${file} asks to try again when the service fails`, async () => {
    await using stage = await scene();
    await using site = await open(stage);
    stage.emulator.faults = () => ({ kind: "status", status: 403 });
    const code = stage.emulator.issueCode();
    const { status, body } = await site.open(`/billing/callback?code=${code}`);
    assertEquals([status, body], [503, "Please try again"]);
    assertNotMatch((await site.program.printed(/Cannot exchange .*/))[0], new RegExp(code));
  });
}

if ("Deno" in globalThis) {
  testExchange("exchange_deno.ts");
  testCallback("callback_deno.ts");
  testHandOver("hand_over.ts");
} else if ("Bun" in globalThis) {
  testExchange("exchange_bun.ts");
  testCallback("callback_bun.ts");
  testHandOver("hand_over.ts");
}
