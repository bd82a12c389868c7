import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { openPage } from "../examples/session_browser.ts";
import { run } from "../examples/session_script.ts";
import { bearerAuth, CredentialClient } from "../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_BEARER_TOKEN,
  EMULATOR_SIGNATURE,
  serveEmulator,
} from "../src/emulator/mod.ts";
import { runExample } from "./support/examples_process.ts";
import { serveApp } from "./support/session_server.ts";
import { Clock, HOUR, WebStorage } from "./support/session_scene.ts";

const DAY = 24 * HOUR;

interface Service extends AsyncDisposable {
  readonly clock: Clock;
  readonly emulator: CredentialEmulator;
  readonly url: string;
  readonly client: CredentialClient;
  /** The environment of a program that uses the service. */
  readonly env: Record<string, string>;
}

async function service(options: CredentialEmulatorOptions = {}): Promise<Service> {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now, ...options });
  const server = await serveEmulator(emulator);
  return {
    clock,
    emulator,
    url: server.url,
    client: new CredentialClient({
      auth: bearerAuth(EMULATOR_BEARER_TOKEN),
      baseUrl: server.url,
      now: clock.now,
      retry: false,
    }),
    env: {
      SAASUS_API_URL_BASE: new URL(server.url).origin,
      SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
      SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
      SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Returns whether an ID token is valid at a time. */
function isValid(authorization: string | undefined, now: number): boolean {
  const [, payload = ""] = authorization?.split(".") ?? [];
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString()).exp * 1000 > now;
  } catch {
    return false;
  }
}

test("session_script.ts sends valid tokens for 20 days with one login", async () => {
  await using scene = await service({ rotation: true });
  const { clock, client, emulator } = scene;
  const statuses: number[] = [];
  await using api = await serveApp(({ headers }) => {
    const status = isValid(headers.authorization, clock.ms) ? 200 : 401;
    statuses.push(status);
    return { status };
  });
  let requests = 0;
  // One refresh in four fails.
  emulator.faults = () => ++requests % 4 === 0 ? { kind: "status", status: 503 } : undefined;
  const lines: string[] = [];
  const begin = clock.ms;
  await run(emulator.issueCode(), {
    client,
    now: clock.now,
    apiUrl: `${api.origin}/report`,
    log: (line) => lines.push(line),
    sleep: (ms) => {
      clock.advance(ms);
      if (clock.ms - begin > 20 * DAY) {
        emulator.faults = () => ({ kind: "status", status: 404 });
      }
      return Promise.resolve();
    },
  });
  assertEquals(lines[0], "Session: signed_in");
  assertEquals(lines.filter((line) => line === "Session: ended").length, 1);
  assertMatch(lines.at(-1) ?? "", /it has ended, .* send the user to the login page$/);
  // Every ten minutes there is a response or an outage.
  const outages = lines.filter((line) => line.includes("the API answered 503"));
  assertGreater(outages.length, 50);
  assertGreater(statuses.length + outages.length, 20 * 24 * 6 - 5);
  assertEquals(statuses.filter((status) => status !== 200), []);
  // One refresh per 50 minutes (because of the margin) makes 576, and failures add a third.
  assertGreater(requests, 550);
  assertLess(requests, 900);
});

test("session_script.ts runs as a program", async () => {
  await using scene = await service({ now: Date.now });
  await using api = await serveApp();
  const program = runExample("examples/session_script.ts", {
    args: [scene.emulator.issueCode()],
    env: { ...scene.env, API_URL: `${api.origin}/report` },
    deno: ["run", "--allow-net=127.0.0.1", "--allow-env"],
  });
  await using _ = program;
  await program.printed(/Session: signed_in\nThe API answered 200\n/);
  assertMatch(api.requests[0]?.headers.authorization ?? "", /^Bearer e/);
});

test("session_script.ts and session_ky.ts print their usage or the error of the sign-in", async () => {
  await using scene = await service();
  for (const file of ["session_script.ts", "session_ky.ts"]) {
    const deno = ["run", "--allow-net=127.0.0.1", "--allow-env"];
    const unset = await runExample(`examples/${file}`, { deno }).ended;
    assertEquals(unset.exitCode, 2);
    assertEquals(unset.stderr.trimEnd(), `Usage: API_URL=https://… ${file} CODE`);
    const { exitCode, stderr } = await runExample(`examples/${file}`, {
      args: [crypto.randomUUID()],
      env: { ...scene.env, API_URL: "http://127.0.0.1:9" },
      deno,
    }).ended;
    assertEquals(exitCode, 1);
    assertEquals(stderr.trimEnd(), "Cannot exchange temp code: the API answered 404 (not_found)");
  }
});

test("session_ky.ts calls an API with ky, and refreshes a token that the API rejects", async () => {
  await using scene = await service({ now: Date.now });
  const tokens = new Set<string | undefined>();
  await using api = await serveApp(({ headers, method, body }) => {
    tokens.add(headers.authorization);
    if (method === "POST" && tokens.size === 1) return { status: 401 };
    const result = method === "GET" ? { name: "Ada" } : { id: JSON.parse(body).text };
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(result),
    };
  });
  const { exitCode, stdout, stderr } = await runExample("examples/session_ky.ts", {
    args: [scene.emulator.issueCode()],
    env: { ...scene.env, API_URL: `${api.origin}/v1` },
    deno: ["run", "--allow-net=127.0.0.1", "--allow-env"],
  }).ended;
  assertEquals([exitCode, stderr], [0, ""]);
  assertEquals(stdout, "Signed in as Ada\nWrote note Hello\n");
  assertEquals(api.requests.map(({ method, path }) => `${method} ${path}`), [
    "GET /v1/me",
    "POST /v1/notes",
    "POST /v1/notes",
  ]);
  assertEquals(tokens.size, 2);
});

/** Replaces globals of the runtime with those of a page. */
class Page implements Disposable {
  readonly #globals: Record<string, unknown>;
  readonly #before = new Map<string, PropertyDescriptor | undefined>();
  readonly visited: string[] = [];

  constructor(url: string, localStorage: WebStorage) {
    const location = Object.assign(new URL(url), {
      assign: (to: string) => this.visited.push(to),
    });
    const history = { replaceState: (_: unknown, __: string, to: URL) => location.href = to.href };
    const page = new URL(url);
    // Relative URLs are relative to the page.
    const fetch = globalThis.fetch;
    this.#globals = {
      location,
      history,
      localStorage,
      navigator: {},
      fetch: (input: string | Request, init?: RequestInit) =>
        fetch(input instanceof Request ? input : new URL(input, page), init),
    };
    for (const [name, value] of Object.entries(this.#globals)) {
      this.#before.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }

  get url(): string {
    return String((this.#globals["location"] as URL).href);
  }

  [Symbol.dispose](): void {
    for (const [name, descriptor] of this.#before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  }
}

test("session_browser.ts keeps the login of a page after reloads until it is revoked", async () => {
  await using scene = await service({ rotation: true, now: Date.now });
  const { emulator } = scene;
  await using site = await serveApp(async ({ method, path, headers, body }) => {
    if (path === "/api/me") {
      return isValid(headers.authorization, Date.now())
        ? { status: 200, body: "Ada" }
        : { status: 401 };
    }
    // The server of the page replaces the Authorization with its own.
    const { pathname, search } = new URL(path, site.origin);
    const target = `${scene.url}${pathname.replace(/^\/auth/, "")}${search}`;
    const response = await emulator.fetch(
      new Request(target, {
        method,
        headers: { authorization: `Bearer ${EMULATOR_BEARER_TOKEN}` },
        ...(body === "" ? {} : { body }),
      }),
    );
    return {
      status: response.status,
      headers: { "content-type": response.headers.get("content-type") ?? "" },
      body: await response.text(),
    };
  });
  const loginUrl = "https://login.example.com/";
  const storage = new WebStorage();
  const open = async (path: string) => {
    using page = new Page(`${site.origin}${path}`, storage);
    const text = await openPage(loginUrl);
    return { text, url: page.url.slice(site.origin.length), visited: page.visited };
  };
  assertEquals(await open("/"), {
    text: "Going to the login page",
    url: "/",
    visited: [loginUrl],
  });
  const code = emulator.issueCode();
  assertEquals(await open(`/app?a=1&code=${code}`), {
    text: "Signed in as Ada",
    url: "/app?a=1",
    visited: [],
  });
  assertEquals(await open("/app"), { text: "Signed in as Ada", url: "/app", visited: [] });
  assertEquals(await open(`/?code=${code}`), {
    text: "Going to the login page",
    url: "/",
    visited: [loginUrl],
  });

  const stored = JSON.parse(storage.getItem("saasus-credentials") ?? "");
  emulator.revokeRefreshToken(stored.credentials.refresh_token);
  storage.setItem("saasus-credentials", JSON.stringify({ ...stored, expiresAt: Date.now() }));
  const ended = await open("/");
  assertMatch(ended.text, /it has ended/);
  assertEquals(ended.visited, [loginUrl]);
  assertEquals((await open("/")).text, "Going to the login page");
});
