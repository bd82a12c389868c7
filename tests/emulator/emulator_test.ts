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

test("CredentialEmulator.fetch() saves tokens and answers exactly them for the code", async () => {
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

test("CredentialEmulator.fetch() answers no refresh token where none was saved", async () => {
  const emulator = new CredentialEmulator();
  const { id_token, access_token } = someTokens();
  for (const nothing of [{}, { refresh_token: null }]) {
    const { json: { code } } = await post(emulator, { id_token, access_token, ...nothing });
    assertEquals((await exchange(emulator, String(code))).json, { id_token, access_token });
  }
});

test("CredentialEmulator.fetch() takes tempCodeAuth where auth-flow is left out or given", async () => {
  const emulator = new CredentialEmulator();
  assertEquals((await get(emulator, `code=${emulator.issueCode()}`)).status, 200);
  const query = `auth-flow=tempCodeAuth&code=${emulator.issueCode()}`;
  assertEquals((await get(emulator, query)).status, 200);
});

test("CredentialEmulator.fetch() refuses a code that was used", async () => {
  const emulator = new CredentialEmulator();
  const code = emulator.issueCode();
  assertEquals((await exchange(emulator, code)).status, 200);
  assertError(await exchange(emulator, code), 404, "not_found");
});

test("CredentialEmulator.fetch() gives the tokens to one of 100 that exchange the same code", async () => {
  const emulator = new CredentialEmulator();
  const code = emulator.issueCode();
  const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(emulator, code)));
  assertEquals(answers.filter(({ status }) => status === 200).length, 1);
  assertEquals(answers.filter(({ status }) => status === 404).length, 99);
});

test("CredentialEmulator.fetch() refuses a code after 10 s, and not before", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const [early, late] = [emulator.issueCode(), emulator.issueCode()];
  clock.advance(9_999);
  assertEquals((await exchange(emulator, early)).status, 200);
  clock.advance(1);
  assertError(await exchange(emulator, late), 404, "not_found");
});

test("CredentialEmulator.fetch() refuses a code after its codeLifetime", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now, codeLifetime: 50 });
  const code = emulator.issueCode();
  clock.advance(50);
  assertEquals((await exchange(emulator, code)).status, 404);
});

test("CredentialEmulator.fetch() forgets the oldest codes and refresh tokens beyond its capacity", async () => {
  const emulator = new CredentialEmulator({ capacity: 2 });
  const logins = [1, 2, 3].map(() => {
    const credentials = emulator.issueCredentials();
    return { code: emulator.issueCode(credentials), refreshToken: credentials.refresh_token };
  });
  const codes = await Promise.all(logins.map(({ code }) => exchange(emulator, code)));
  assertEquals(codes.map(({ status }) => status), [404, 200, 200]);
  const refreshes = await Promise.all(
    logins.map(({ refreshToken }) => refresh(emulator, refreshToken)),
  );
  assertEquals(refreshes.map(({ status }) => status), [404, 200, 200]);
});

test("CredentialEmulator.fetch() answers 400 to a body that is not credentials, and does not quote it", async () => {
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
    const answer = await post(emulator, body);
    assertError(answer, 400, "bad_request");
    assert(!answer.text.includes(id_token) && !answer.text.includes(access_token));
  }
  assertError(
    await call(emulator, new Request(CREDENTIALS_URL, { method: "POST", headers: BEARER })),
    400,
    "bad_request",
  );
});

test("CredentialEmulator.fetch() answers 400 to a query that is not one of the flows, and does not quote it", async () => {
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
    const answer = await get(emulator, query);
    assertError(answer, 400, "bad_request");
    assert(!answer.text.includes(secret), query);
  }
});

test("CredentialEmulator.fetch() does not spend a code on a query that it refuses", async () => {
  const emulator = new CredentialEmulator();
  const code = emulator.issueCode();
  assertEquals((await get(emulator, `code=${code}&code=${code}`)).status, 400);
  assertEquals((await get(emulator, `code=${code}`, {})).status, 401);
  assertEquals((await exchange(emulator, code)).status, 200);
});

test("CredentialEmulator.fetch() answers 404 everywhere but at /v1/auth/credentials", async () => {
  const emulator = new CredentialEmulator();
  const paths = [
    "",
    "/",
    "/v1/auth",
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

test("CredentialEmulator.fetch() answers 405 with Allow to other methods", async () => {
  for (const method of ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]) {
    const request = new Request(CREDENTIALS_URL, { method, headers: BEARER });
    const { status, headers, body } = await new CredentialEmulator().fetch(request);
    assertEquals(status, 405);
    assertEquals(headers.get("Allow"), "GET, POST");
    assertEquals(body === null, method === "HEAD");
  }
});

test("CredentialEmulator.fetch() gives every answer a trace id, and goes on with one that is sane", async () => {
  const emulator = new CredentialEmulator();
  const answers = [
    await exchange(emulator, emulator.issueCode()),
    await exchange(emulator, "unknown"),
    await get(emulator, "code=a", {}),
    await call(emulator, new Request("https://api.saasus.io/")),
    await call(emulator, new Request(CREDENTIALS_URL, { method: "PUT" })),
  ];
  const traceIds = answers.map(({ headers }) => headers.get("X-Saasus-Trace-Id") ?? "");
  for (const traceId of traceIds) assertMatch(traceId, UUID);
  assertEquals(new Set(traceIds).size, answers.length);

  const given = await get(emulator, "code=a", { ...BEARER, "X-Saasus-Trace-Id": "trace/1" });
  assertEquals(given.headers.get("X-Saasus-Trace-Id"), "trace/1");
  for (const insane of ["", "two words", "é", "x".repeat(129)]) {
    const { headers } = await get(emulator, "code=a", { ...BEARER, "X-Saasus-Trace-Id": insane });
    assertMatch(headers.get("X-Saasus-Trace-Id") ?? "", UUID);
  }
});

test("CredentialEmulator.fetch() answers the Date of its clock", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const { headers } = await exchange(emulator, "unknown");
  assertEquals(headers.get("Date"), "Tue, 01 Jan 2030 12:00:30 GMT");
});

test("CredentialEmulator.issueCode() hands out codes for given credentials, and for those of a new login", async () => {
  const emulator = new CredentialEmulator();
  const tokens = someTokens();
  assertEquals((await exchange(emulator, emulator.issueCode(tokens))).json, tokens);
  const { json } = await exchange(emulator, emulator.issueCode());
  assertEquals(Object.keys(json).sort(), ["access_token", "id_token", "refresh_token"]);
  assertEquals((await refresh(emulator, String(json["refresh_token"]))).status, 200);
  assertEquals((await refresh(emulator, tokens.refresh_token)).status, 200);
});

test("CredentialEmulator.issueCode() refuses credentials without a token, and keeps a copy of what it takes", async () => {
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
