import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator, type Fault, type FaultRequest } from "../../src/emulator/mod.ts";
import { serviceOf } from "../../src/emulator/emulator.ts";
import { CredentialInputError } from "../../src/errors.ts";
import {
  BEARER,
  call,
  Clock,
  CREDENTIALS_URL,
  exchange,
  get,
  post,
  refresh,
  someTokens,
} from "../support/emulator_call.ts";

const FAULTS: Fault[] = [
  { kind: "drop" },
  { kind: "truncate" },
  { kind: "status", status: 503 },
  { kind: "status", status: 200, body: "<h1>It works!</h1>" },
  { kind: "delay", ms: 0 },
];

async function outcome(emulator: CredentialEmulator, code: string): Promise<number | "cut"> {
  try {
    return (await exchange(emulator, code)).status;
  } catch {
    return "cut";
  }
}

test("CredentialEmulator.faults applies one fault of a list to each request", async () => {
  const faults: (Fault | undefined)[] = [{ kind: "status", status: 500 }, undefined, {
    kind: "drop",
  }];
  const emulator = new CredentialEmulator({ faults });
  assertEquals(emulator.faults, faults);
  const outcomes = [];
  for (let i = 0; i < 5; i++) outcomes.push(await outcome(emulator, emulator.issueCode()));
  assertEquals(outcomes, [500, 200, "cut", 200, 200]);
  assertEquals(emulator.faults, []);
  assertEquals(faults.length, 3);
});

test("CredentialEmulator.faults can be replaced", async () => {
  const emulator = new CredentialEmulator({ faults: [{ kind: "drop" }, { kind: "drop" }] });
  emulator.faults = [{ kind: "status", status: 502 }];
  assertEquals(await outcome(emulator, "unknown"), 502);
  assertEquals(await outcome(emulator, "unknown"), 404);
  emulator.faults = () => ({ kind: "status", status: 504 });
  assertEquals(await outcome(emulator, "unknown"), 504);
  emulator.faults = [];
  assertEquals(await outcome(emulator, "unknown"), 404);
});

test("CredentialEmulator.faults calls a function for each request", async () => {
  const received: FaultRequest[] = [];
  const emulator = new CredentialEmulator({
    faults: (request) => {
      received.push(request);
      return request.count === 2 ? { kind: "status", status: 429 } : undefined;
    },
  });
  assertEquals((await post(emulator, someTokens())).status, 201);
  assertEquals((await exchange(emulator, "unknown")).status, 429);
  assertEquals((await exchange(emulator, "unknown")).status, 404);
  assertEquals(received, [
    { method: "POST", count: 1 },
    { method: "GET", count: 2 },
    { method: "GET", count: 3 },
  ]);
});

test("CredentialEmulator.faults does not affect requests that are no API operations", async () => {
  const emulator = new CredentialEmulator({ cors: true, faults: [{ kind: "drop" }] });
  const requests = [
    new Request(CREDENTIALS_URL, { method: "OPTIONS" }),
    new Request(CREDENTIALS_URL, { method: "PUT" }),
    new Request("https://api.saasus.io/", { headers: BEARER }),
  ];
  for (const request of requests) await call(emulator, request);
  assertEquals(emulator.faults.length, 1);
});

test("CredentialEmulator.faults applies before handling by default, so a code stays valid", async () => {
  for (const fault of FAULTS.filter(({ kind }) => kind !== "truncate" && kind !== "delay")) {
    const emulator = new CredentialEmulator({ faults: [fault] });
    const code = emulator.issueCode();
    await outcome(emulator, code);
    assertEquals(await outcome(emulator, code), 200, fault.kind);
  }
});

test("CredentialEmulator.faults loses the response with after_handling, so a code is used", async () => {
  for (const fault of FAULTS) {
    const emulator = new CredentialEmulator({
      faults: [fault.kind === "truncate" ? fault : { ...fault, when: "after_handling" }],
    });
    const code = emulator.issueCode();
    const first = await outcome(emulator, code);
    if (fault.kind === "drop" || fault.kind === "truncate") assertNotEquals(first, 200);
    assertEquals(await outcome(emulator, code), 404, fault.kind);
  }
});

test("CredentialEmulator.faults loses a rotated refresh token with after_handling", async () => {
  const emulator = new CredentialEmulator({ rotation: true });
  const { refresh_token } = emulator.issueCredentials();
  emulator.faults = [{ kind: "drop", when: "after_handling" }];
  await assertRejects(() => refresh(emulator, refresh_token), TypeError);
  assertEquals((await refresh(emulator, refresh_token)).status, 404);
});

test("CredentialEmulator.faults rejects headers that a server cannot send", () => {
  for (const value of ["a\u0001b", "a\u007fb", "a\nb", "漢"]) {
    assertThrows(
      () =>
        new CredentialEmulator({
          faults: [{ kind: "status", status: 503, headers: { a: value } }],
        }),
      CredentialInputError,
      "expected an object of valid header names and values",
    );
  }
});

test("CredentialEmulator.faults returns a status with its headers and body", async () => {
  const answered = async (fault: Omit<Extract<Fault, { kind: "status" }>, "kind">) => {
    const emulator = new CredentialEmulator({ faults: [{ kind: "status", ...fault }] });
    return await get(emulator, "code=a");
  };
  const plain = await answered({ status: 503, headers: { "Retry-After": "7" } });
  assertEquals(plain.status, 503);
  assertEquals(plain.headers.get("Retry-After"), "7");
  assertEquals(plain.json["type"], "service_unavailable");
  assertMatch(plain.headers.get("X-Saasus-Trace-Id") ?? "", /^[0-9a-f-]{36}$/);

  const body = { type: "my_type", message: "my message", data: { a: 1 } };
  assertEquals((await answered({ status: 418, body })).json, body);
  const problem = await answered({
    status: 400,
    headers: { "Content-Type": "application/problem+json" },
    body,
  });
  assertEquals(problem.headers.get("Content-Type"), "application/problem+json");

  const html = await answered({
    status: 502,
    headers: { "content-type": "text/html", "date": "Thu, 01 Jan 1970 00:00:00 GMT" },
    body: "<h1>Bad Gateway</h1>",
  });
  assertEquals(html.text, "<h1>Bad Gateway</h1>");
  assertEquals(html.headers.get("Content-Type"), "text/html");
  assertEquals(html.headers.get("Date"), "Thu, 01 Jan 1970 00:00:00 GMT");

  const redirect = await answered({ status: 302, headers: { Location: "/" }, body: "" });
  assertEquals([redirect.status, redirect.headers.get("Location")], [302, "/"]);
  for (const status of [204, 304]) {
    assertEquals((await answered({ status, body: "x" })).text, "");
  }
});

test("CredentialEmulator.faults returns an HTML page like a proxy", async () => {
  const headers = { "Content-Type": "text/html; charset=utf-8" };
  const fault = { kind: "status", status: 200, headers, body: "<h1>It works!</h1>" } as const;
  const emulator = new CredentialEmulator({ faults: [fault] });
  const response = await get(emulator, "code=a");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("Content-Type"), "text/html; charset=utf-8");
  assertStringIncludes(response.text, "<h1>");
});

test("CredentialEmulator.faults truncates the body of a response", async () => {
  const emulator = new CredentialEmulator({ faults: [{ kind: "truncate" }] });
  const tokens = { ...someTokens(), id_token: "é".repeat(100) };
  const url = `${CREDENTIALS_URL}?code=${emulator.issueCode(tokens)}`;
  const response = await emulator.fetch(new Request(url, { headers: BEARER }));
  const whole = JSON.stringify(tokens);
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("Content-Length"),
    String(new TextEncoder().encode(whole).length),
  );
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  const part = new TextDecoder().decode(value);
  assert(part !== "" && part !== whole && whole.startsWith(part));
  await assertRejects(() => reader.read(), TypeError);
});

test("CredentialEmulator.faults delays a response and its Date", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now, faults: [{ kind: "delay", ms: 30 }] });
  const code = emulator.issueCode();
  const start = performance.now();
  const response = exchange(emulator, code);
  clock.advance(5_000);
  const { status, headers } = await response;
  // Timers of some runtimes fire up to 1 ms early.
  assertGreaterOrEqual(performance.now() - start, 29);
  assertEquals(status, 200);
  assertEquals(headers.get("Date"), "Tue, 01 Jan 2030 12:00:35 GMT");
});

test("CredentialEmulator.faults does not handle a delayed request that is aborted", async () => {
  const emulator = new CredentialEmulator();
  for (const when of ["before_handling", "after_handling"] as const) {
    emulator.faults = [{ kind: "delay", ms: 60_000, when }];
    const code = emulator.issueCode();
    const leaving = new AbortController();
    const response = serviceOf(emulator).handle({
      method: "GET",
      url: `${CREDENTIALS_URL}?code=${code}`,
      headers: new Headers(BEARER),
      body: null,
      signal: leaving.signal,
    });
    leaving.abort();
    assertEquals(await response, { kind: "dropped" });
    assertEquals(await outcome(emulator, code), when === "before_handling" ? 200 : 404);
  }
});

test("CredentialEmulator.faults rejects invalid faults", async () => {
  const emulator = new CredentialEmulator();
  const wrong: [unknown, string][] = [
    [{ kind: "status", status: 99 }, '"0.status": expected a whole number, 200 to 599'],
    [{ kind: "status", status: 500, headers: { "a b": "c" } }, '"0.headers": expected an object'],
    [{ kind: "delay", ms: -1 }, '"0.ms": expected a whole number of ms'],
    [{ kind: "drop", when: "never" }, '"0.when": expected "before_handling" or "after_handling"'],
    [{ kind: "truncate", when: "after_handling" }, '"0": expected only the fields'],
    ["drop", '"0": expected "delay", "drop", "truncate" or "status"'],
  ];
  for (const [fault, message] of wrong) {
    assertThrows(
      () => emulator.faults = [fault as Fault],
      CredentialInputError,
      `Cannot emulate the fault: ${message}`,
    );
  }
  emulator.faults = () => ({ kind: "delay", ms: NaN });
  await assertRejects(() => exchange(emulator, "unknown"), CredentialInputError);
});
