import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import { CredentialInputError } from "../../src/errors.ts";
import type { Credentials } from "../../src/models.ts";
import {
  assertError,
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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test("CredentialEmulator.fetch() saves tokens and returns them for the code", async () => {
  const emulator = new CredentialEmulator();
  const tokens = someTokens();
  const saved = await post(emulator, { ...tokens, something: "else" });
  assertEquals(saved.status, 201);
  assertEquals(saved.headers.get("Content-Type"), "application/json; charset=utf-8");
  assertEquals(Object.keys(saved.json), ["code"]);
  assertMatch(String(saved.json["code"]), UUID);

  const exchanged = await exchange(emulator, String(saved.json["code"]));
  assertEquals(exchanged.status, 200);
  assertEquals(exchanged.headers.get("Content-Type"), "application/json; charset=utf-8");
  assertEquals(exchanged.json, tokens);
});

test("CredentialEmulator.fetch() returns no refresh token if none was saved", async () => {
  const emulator = new CredentialEmulator();
  const { id_token, access_token } = someTokens();
  for (const nothing of [{}, { refresh_token: null }]) {
    const { json: { code } } = await post(emulator, { id_token, access_token, ...nothing });
    assertEquals((await exchange(emulator, String(code))).json, { id_token, access_token });
  }
});

test("CredentialEmulator.fetch() uses tempCodeAuth by default", async () => {
  const emulator = new CredentialEmulator();
  assertEquals((await get(emulator, `code=${emulator.issueCode()}`)).status, 200);
  const query = `auth-flow=tempCodeAuth&code=${emulator.issueCode()}`;
  assertEquals((await get(emulator, query)).status, 200);
});

test("CredentialEmulator.fetch() rejects a used code", async () => {
  const emulator = new CredentialEmulator();
  const code = emulator.issueCode();
  assertEquals((await exchange(emulator, code)).status, 200);
  assertError(await exchange(emulator, code), 404, "not_found");
});

test("CredentialEmulator.fetch() returns the tokens to one of 100 concurrent exchanges of a code", async () => {
  const emulator = new CredentialEmulator();
  const code = emulator.issueCode();
  const responses = await Promise.all(Array.from({ length: 100 }, () => exchange(emulator, code)));
  assertEquals(responses.filter(({ status }) => status === 200).length, 1);
  assertEquals(responses.filter(({ status }) => status === 404).length, 99);
});

test("CredentialEmulator.fetch() rejects a code after 10 s, and not before", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const [early, late] = [emulator.issueCode(), emulator.issueCode()];
  clock.advance(9_999);
  assertEquals((await exchange(emulator, early)).status, 200);
  clock.advance(1);
  assertError(await exchange(emulator, late), 404, "not_found");
});

test("CredentialEmulator.fetch() rejects a code after codeLifetime", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now, codeLifetime: 50 });
  const code = emulator.issueCode();
  clock.advance(50);
  assertEquals((await exchange(emulator, code)).status, 404);
});

test("CredentialEmulator.fetch() returns 400 for invalid credentials, and does not quote them", async () => {
  const emulator = new CredentialEmulator();
  const { id_token, access_token } = someTokens();
  const bodies = [
    "",
    "{",
    "null",
    [],
    { id_token },
    { access_token },
    { id_token, access_token: "" },
    { id_token, access_token: 1 },
    { id_token, access_token, refresh_token: "" },
    { id_token, access_token, refresh_token: [access_token] },
    `{"id_token":"${id_token}"`,
  ];
  for (const body of bodies) {
    const response = await post(emulator, body);
    assertError(response, 400, "bad_request");
    assert(!response.text.includes(id_token) && !response.text.includes(access_token));
  }
  assertError(
    await call(emulator, new Request(CREDENTIALS_URL, { method: "POST", headers: BEARER })),
    400,
    "bad_request",
  );
});

test("CredentialEmulator.fetch() returns 400 for an invalid query, and does not quote it", async () => {
  const emulator = new CredentialEmulator();
  const secret = `secret-${crypto.randomUUID()}`;
  const queries = [
    "",
    "code=",
    `refresh-token=${secret}`,
    `Code=${secret}`,
    "auth-flow=tempCodeAuth",
    `auth-flow=tempCodeAuth&refresh-token=${secret}`,
    `code=${secret}&refresh-token=${secret}`,
    "auth-flow=refreshTokenAuth",
    "auth-flow=refreshTokenAuth&refresh-token=",
    `auth-flow=refreshTokenAuth&code=${secret}`,
    `auth-flow=refreshTokenAuth&refresh-token=${secret}&code=${secret}`,
    `auth-flow=${secret}&code=${secret}`,
    `auth-flow=&code=${secret}`,
    `auth-flow=TempCodeAuth&code=${secret}`,
    `code=${secret}&code=${secret}`,
    `auth-flow=refreshTokenAuth&auth-flow=tempCodeAuth&code=${secret}`,
  ];
  for (const query of queries) {
    const response = await get(emulator, query);
    assertError(response, 400, "bad_request");
    assert(!response.text.includes(secret), query);
  }
});

test("CredentialEmulator.fetch() treats an empty parameter of the other flow as absent", async () => {
  const emulator = new CredentialEmulator();
  const { refresh_token = "" } = emulator.issueCredentials();
  const refreshed = `code=&auth-flow=refreshTokenAuth&refresh-token=${refresh_token}`;
  assertEquals((await get(emulator, refreshed)).status, 200);
  const exchanged = `code=${emulator.issueCode()}&auth-flow=tempCodeAuth&refresh-token=`;
  assertEquals((await get(emulator, exchanged)).status, 200);
});

test("CredentialEmulator.fetch() does not consume the code of a rejected query", async () => {
  const emulator = new CredentialEmulator();
  const code = emulator.issueCode();
  assertEquals((await get(emulator, `code=${code}&code=${code}`)).status, 400);
  assertEquals((await get(emulator, `code=${code}`, {})).status, 401);
  assertEquals((await exchange(emulator, code)).status, 200);
});

test("CredentialEmulator.fetch() returns 404 for unknown paths", async () => {
  const emulator = new CredentialEmulator();
  const paths = [
    "/v1/auth",
    "/index.html",
    "/favicon.ico",
    "/sign-in/saml/",
    "/sign-in/saml/a/b",
    "/v1/auth/credentials/",
    "/v1/auth/Credentials",
    "/credentials",
  ];
  for (const path of paths) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const request = new Request(`https://api.saasus.io${path}`, { method, headers: BEARER });
      assertError(await call(emulator, request), 404, "not_found");
    }
  }
});

test("CredentialEmulator.fetch() returns 405 with Allow for other methods", async () => {
  for (const method of ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) {
    const request = new Request(CREDENTIALS_URL, { method, headers: BEARER });
    const { status, headers, body } = await new CredentialEmulator().fetch(request);
    assertEquals(status, 405);
    assertEquals(headers.get("Allow"), "GET, POST");
    assertEquals(body === null, method === "HEAD");
  }
});

test("CredentialEmulator.fetch() adds a trace ID to every response, and keeps a valid one of the request", async () => {
  const emulator = new CredentialEmulator();
  const responses = [
    await exchange(emulator, emulator.issueCode()),
    await exchange(emulator, "unknown"),
    await get(emulator, "code=a", {}),
    await call(emulator, new Request("https://api.saasus.io/")),
    await call(emulator, new Request(CREDENTIALS_URL, { method: "PUT" })),
  ];
  const traceIds = responses.map(({ headers }) => headers.get("X-Saasus-Trace-Id") ?? "");
  for (const traceId of traceIds) assertMatch(traceId, UUID);
  assertEquals(new Set(traceIds).size, responses.length);

  const given = await get(emulator, "code=a", { ...BEARER, "X-Saasus-Trace-Id": "trace/1" });
  assertEquals(given.headers.get("X-Saasus-Trace-Id"), "trace/1");
  for (const insane of ["", "two words", "é", "x".repeat(129)]) {
    const { headers } = await get(emulator, "code=a", { ...BEARER, "X-Saasus-Trace-Id": insane });
    assertMatch(headers.get("X-Saasus-Trace-Id") ?? "", UUID);
  }
});

test("CredentialEmulator.fetch() returns the Date of its clock", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const { headers } = await exchange(emulator, "unknown");
  assertEquals(headers.get("Date"), "Tue, 01 Jan 2030 12:00:30 GMT");
});

test("CredentialEmulator.issueCode() issues codes for given credentials and for a new login", async () => {
  const emulator = new CredentialEmulator();
  const tokens = someTokens();
  assertEquals((await exchange(emulator, emulator.issueCode(tokens))).json, tokens);
  const { json } = await exchange(emulator, emulator.issueCode());
  assertEquals(Object.keys(json).sort(), ["access_token", "id_token", "refresh_token"]);
  assertEquals((await refresh(emulator, String(json["refresh_token"]))).status, 200);
  assertEquals((await refresh(emulator, tokens.refresh_token)).status, 200);
});

test("CredentialEmulator.issueCode() rejects credentials without a token, and copies them", async () => {
  const emulator = new CredentialEmulator();
  assertThrows(
    () => emulator.issueCode({ id_token: "a" } as Credentials),
    CredentialInputError,
    'Cannot issue a code: "access_token": expected a non-empty string',
  );
  const tokens = someTokens();
  const code = emulator.issueCode(tokens);
  const before = { ...tokens };
  tokens.id_token = "changed";
  assertEquals((await exchange(emulator, code)).json, before);
});
