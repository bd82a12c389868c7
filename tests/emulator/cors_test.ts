import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import { BEARER, call, CREDENTIALS_URL, get, type ReadResponse } from "../support/emulator_call.ts";

const ORIGIN = "https://app.example";

function preflight(emulator: CredentialEmulator, origin: string): Promise<ReadResponse> {
  const headers = {
    "Origin": origin,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-saasus-referer",
  };
  return call(emulator, new Request(CREDENTIALS_URL, { method: "OPTIONS", headers }));
}

function corsOf({ headers }: ReadResponse): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"),
  );
}

test("CredentialEmulator.fetch() allows the preflight of any origin with cors: true", async () => {
  const response = await preflight(new CredentialEmulator({ cors: true }), ORIGIN);
  assertEquals([response.status, response.text], [204, ""]);
  assertEquals(corsOf(response), {
    "access-control-allow-headers": "authorization,content-type,x-saasus-referer",
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "X-Saasus-Trace-Id, Retry-After, Date",
    "access-control-max-age": "600",
  });
});

test("CredentialEmulator.fetch() adds CORS headers to every response, including errors and faults", async () => {
  const emulator = new CredentialEmulator({
    cors: true,
    faults: [undefined, undefined, { kind: "status", status: 503 }],
  });
  const headers = { ...BEARER, Origin: ORIGIN };
  for (const expected of [404, 401, 503]) {
    const response = await get(emulator, "code=a", expected === 401 ? { Origin: ORIGIN } : headers);
    assertEquals(response.status, expected);
    assertEquals(corsOf(response), {
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "X-Saasus-Trace-Id, Retry-After, Date",
    });
  }
});

test("CredentialEmulator.fetch() allows the listed origins only", async () => {
  const emulator = new CredentialEmulator({ cors: ["https://other.example", ORIGIN] });
  const allowed = corsOf(await preflight(emulator, ORIGIN));
  assertEquals(allowed["access-control-allow-origin"], ORIGIN);
  assertEquals(allowed["vary"], "Origin");
  const rejected = await preflight(emulator, "https://app.example.evil");
  assertEquals(corsOf(rejected), { vary: "Origin" });
});

test("CredentialEmulator.fetch() lists OPTIONS in Allow when CORS is on", async () => {
  const emulator = new CredentialEmulator({ cors: [ORIGIN] });
  const { status, headers } = await call(emulator, new Request(CREDENTIALS_URL, { method: "PUT" }));
  assertEquals([status, headers.get("Allow")], [405, "GET, POST, OPTIONS"]);
});

test("CredentialEmulator.fetch() sends no CORS headers by default", async () => {
  const emulator = new CredentialEmulator();
  const response = await preflight(emulator, ORIGIN);
  assertEquals([response.status, corsOf(response)], [405, {}]);
  assertEquals(corsOf(await get(emulator, "code=a", { ...BEARER, Origin: ORIGIN })), {});
});
