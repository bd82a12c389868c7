import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";
import { bearerAuth, CredentialClient, CredentialNetworkError, signatureAuth } from "../../mod.ts";
import {
  CredentialEmulator,
  EMULATOR_BEARER_TOKEN,
  EMULATOR_SIGNATURE,
} from "../../src/emulator/mod.ts";
import { CredentialInputError } from "../../src/errors.ts";
import {
  BEARER,
  CREDENTIALS_URL,
  decoded,
  exchange,
  get,
  post,
  refresh,
} from "../support/emulator_call.ts";

function clientOf(emulator: CredentialEmulator): CredentialClient {
  return new CredentialClient({
    auth: signatureAuth(EMULATOR_SIGNATURE),
    fetch: emulator.fetch,
    now: emulator.now,
    retry: false,
  });
}

test("CredentialEmulator.fetch() is a valid fetch option of a client that signs with emulator.now", async () => {
  const emulator = new CredentialEmulator();
  emulator.advance(365 * 24 * 60 * 60 * 1000);
  const client = clientOf(emulator);
  const tokens = await client.getAuthCredentials({ code: emulator.issueCode() });
  const { code } = await client.createAuthCredentials(tokens);
  assertEquals(await client.getAuthCredentials({ code }), tokens);
  const quoted = await client.createAuthCredentials({ ...tokens, refresh_token: "it's ~é" });
  assertEquals(typeof quoted.code, "string");
  const fresh = await client.getAuthCredentials({
    authFlow: "refreshTokenAuth",
    refreshToken: "it's ~é",
  });
  assertEquals(decoded(fresh.id_token)["sub"], decoded(tokens.id_token)["sub"]);
});

test("CredentialEmulator.fetch() accepts a string, a URL or a Request, with options", async () => {
  const emulator = new CredentialEmulator();
  const url = () => `${CREDENTIALS_URL}?code=${emulator.issueCode()}`;
  const options = { headers: BEARER };
  for (const input of [url(), new URL(url()), new Request(url())]) {
    assertEquals((await emulator.fetch(input, options)).status, 200);
  }
  assertEquals((await emulator.fetch(new Request(url(), options), {})).status, 200);
  const info = { remoteAddr: { hostname: "127.0.0.1" }, completed: Promise.resolve() };
  assertEquals((await emulator.fetch(new Request(url(), options), info)).status, 200);
});

test("CredentialEmulator.fetch() rejects if a fault drops the connection of a client", async () => {
  const emulator = new CredentialEmulator();
  const client = clientOf(emulator);
  emulator.faults = [{ kind: "drop" }];
  await assertRejects(() => emulator.fetch(CREDENTIALS_URL, { headers: BEARER }), TypeError, "cut");
  emulator.faults = [{ kind: "drop" }, { kind: "truncate" }];
  for (let i = 0; i < 2; i++) {
    await assertRejects(
      () => client.getAuthCredentials({ code: emulator.issueCode() }),
      CredentialNetworkError,
    );
  }
});

test("CredentialEmulator.fetch() rejects with the reason of the signal", async () => {
  const emulator = new CredentialEmulator({ faults: [{ kind: "delay", ms: 60_000 }] });
  const leaving = new AbortController();
  const call = emulator.fetch(`${CREDENTIALS_URL}?code=a`, {
    headers: BEARER,
    signal: leaving.signal,
  });
  leaving.abort(new RangeError("enough"));
  await assertRejects(() => call, RangeError, "enough");
});

test("CredentialEmulator.advance() moves the clock forward", async () => {
  const emulator = new CredentialEmulator({ now: () => 1_000 });
  const { now } = emulator;
  assertEquals(now(), 1_000);
  const code = emulator.issueCode();
  emulator.advance(9_999);
  assertEquals(now(), 10_999);
  emulator.advance(1);
  assertEquals((await exchange(emulator, code)).status, 404);
  for (const ms of [-1, 0.5, NaN, Infinity, "1"]) {
    assertThrows(() => emulator.advance(ms as number), CredentialInputError, "Cannot advance");
  }
});

test("CredentialEmulator.requests lists the last 100 requests, without tokens and codes", async () => {
  const emulator = new CredentialEmulator({ now: () => 5_000 });
  const credentials = emulator.issueCredentials("bob");
  const code = emulator.issueCode(credentials);
  const headers = { ...BEARER, "X-Saasus-Trace-Id": "trace-1" };
  await get(emulator, `code=${code}`, headers);
  await post(emulator, credentials, headers);
  await refresh(emulator, credentials.refresh_token);
  emulator.faults = [{ kind: "drop" }, { kind: "status", status: 503 }];
  await assertRejects(() => exchange(emulator, "unknown"));
  await exchange(emulator, "unknown");
  await emulator.fetch("http://localhost/nowhere");
  const common = { time: 5_000, traceId: "trace-1", user: "bob" };
  const [exchanged, saved, refreshed, dropped, failed, unknown] = emulator.requests;
  const getAuth = { operation: "getAuthCredentials", authFlow: "tempCodeAuth" } as const;
  assertEquals(exchanged, { ...common, ...getAuth, status: 200 });
  assertEquals(saved, { ...common, operation: "createAuthCredentials", status: 201 });
  assertEquals([refreshed?.user, refreshed?.authFlow], ["bob", "refreshTokenAuth"]);
  assertEquals([dropped?.fault, dropped?.status, dropped?.user], ["drop", undefined, undefined]);
  assertEquals([failed?.fault, failed?.status], ["status", 503]);
  assertEquals([unknown?.operation, unknown?.status], ["unknown", 404]);
  const shown = inspect(emulator.requests, { depth: Infinity });
  for (const secret of [code, ...Object.values(credentials)]) assert(!shown.includes(secret));
  for (let i = 0; i < 100; i++) await exchange(emulator, "unknown");
  assertEquals(emulator.requests.length, 100);
  assertEquals(emulator.requests.some(({ status }) => status === 201), false);
});

test("bearerAuth() with EMULATOR_BEARER_TOKEN authorizes a client", async () => {
  const emulator = new CredentialEmulator();
  const auth = bearerAuth(EMULATOR_BEARER_TOKEN);
  const client = new CredentialClient({ auth, fetch: emulator.fetch });
  assertEquals(
    typeof (await client.getAuthCredentials({ code: emulator.issueCode() })).id_token,
    "string",
  );
});
