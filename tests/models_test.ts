import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertObjectMatch,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import * as v from "valibot";
import { CredentialInputError } from "../src/errors.ts";
import {
  ApiErrorBodySchema,
  AuthFlowSchema,
  AuthorizationTempCodeSchema,
  CredentialsSchema,
  decodeIdToken,
  RefreshedCredentialsSchema,
} from "../src/models.ts";
import { type Schema, validate } from "../src/validation.ts";
import { leaksIn } from "./support/leak_search.ts";

/** Returns the output and its field names, because `assertEquals` ignores undefined fields. */
function read(schema: Schema<object>, input: unknown): readonly [object, readonly string[]] {
  const value = v.parse(schema, input);
  return [value, Object.keys(value)];
}

function pathsOf(schema: Schema<unknown>, input: unknown): readonly string[] {
  const result = validate(schema, input);
  assert(!result.ok, `It was accepted: ${JSON.stringify(input)}`);
  return result.issues.map(({ path }) => path);
}

const id: string = crypto.randomUUID();
const access: string = crypto.randomUUID();
const refresh: string = crypto.randomUUID();
const two = { id_token: id, access_token: access };
const three = { ...two, refresh_token: refresh };

test("CredentialsSchema accepts two and three tokens, null as absent, and removes unknown fields", () => {
  const cases: readonly (readonly [object, object])[] = [
    [three, three],
    [two, two],
    [{ ...two, refresh_token: null }, two],
    [{ ...two, refresh_token: undefined }, two],
    [{ ...three, expires_in: 3600, nested: { deep: [] } }, three],
    [Object.assign(Object.create(null), three), three],
  ];
  for (const [input, output] of cases) {
    assertEquals(read(CredentialsSchema, input), [output, Object.keys(output)]);
  }
});

test("CredentialsSchema rejects empty, missing and invalid tokens, and names each", () => {
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [{ ...three, id_token: "" }, ["id_token"]],
    [{ ...three, access_token: "" }, ["access_token"]],
    [{ ...three, refresh_token: "" }, ["refresh_token"]],
    [{ ...three, refresh_token: 1 }, ["refresh_token"]],
    [{ id_token: id }, ["access_token"]],
    [{ access_token: access }, ["id_token"]],
    [{ id_token: null, access_token: [access], refresh_token: {} }, [
      "id_token",
      "access_token",
      "refresh_token",
    ]],
    [{}, ["id_token", "access_token"]],
    [[], ["id_token", "access_token"]],
    [null, [""]],
    [undefined, [""]],
    [id, [""]],
  ];
  for (const [input, paths] of cases) assertEquals(pathsOf(CredentialsSchema, input), paths);
});

test("CredentialsSchema does not change its input", () => {
  const input = Object.freeze({ ...two, refresh_token: null });
  assertNotStrictEquals<object>(v.parse(CredentialsSchema, input), input);
  assertEquals(input.refresh_token, null);
});

test("RefreshedCredentialsSchema treats only an empty refresh token as absent", () => {
  for (const refresh_token of ["", null, undefined]) {
    assertEquals(read(RefreshedCredentialsSchema, { ...two, refresh_token }), [
      two,
      Object.keys(two),
    ]);
  }
  assertEquals(v.parse(RefreshedCredentialsSchema, three), three);
  assertEquals(pathsOf(RefreshedCredentialsSchema, { ...three, id_token: "" }), ["id_token"]);
  assertEquals(pathsOf(RefreshedCredentialsSchema, { ...two, refresh_token: 0 }), [
    "refresh_token",
  ]);
});

test("AuthorizationTempCodeSchema accepts any non-empty code", () => {
  const notVersion4 = "69e732d6-8ecc-45c4-c2eb-8438f7ffe775";
  for (const code of [notVersion4, "x"]) {
    assertEquals(v.parse(AuthorizationTempCodeSchema, { code, more: 1 }), { code });
  }
  for (const input of [{ code: "" }, { code: null }, { code: 7 }, {}]) {
    assertEquals(pathsOf(AuthorizationTempCodeSchema, input), ["code"]);
  }
  assertEquals(pathsOf(AuthorizationTempCodeSchema, [notVersion4]), ["code"]);
  assertEquals(pathsOf(AuthorizationTempCodeSchema, notVersion4), [""]);
});

test("ApiErrorBodySchema accepts type and message, with and without data", () => {
  const body = { type: "permission_denied", message: "" };
  const data = { reason: [1, { deep: null }] };
  assertEquals(v.parse(ApiErrorBodySchema, { ...body, data, more: 1 }), { ...body, data });
  for (const none of [null, undefined]) {
    assertEquals(read(ApiErrorBodySchema, { ...body, data: none }), [body, Object.keys(body)]);
  }
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [{ error: "Bad Gateway" }, ["type", "message"]],
    [{ ...body, type: 5 }, ["type"]],
    [{ ...body, message: null }, ["message"]],
    [{ ...body, data: "text" }, ["data"]],
    [{ ...body, data: 5 }, ["data"]],
    [{ ...body, data: [] }, ["data"]],
    [{ ...body, data: [1, 2] }, ["data"]],
    ["<h1>Bad Gateway</h1>", [""]],
    [null, [""]],
  ];
  for (const [input, paths] of cases) assertEquals(pathsOf(ApiErrorBodySchema, input), paths);
});

test("ApiErrorBodySchema accepts any strings and an object", () => {
  const [aString, anObject] = ["a string", "an object"];
  const cases: readonly (readonly [unknown, Record<string, string>])[] = [
    [{ message: "m" }, { type: aString }],
    [{ type: "t" }, { message: aString }],
    [{ type: null, message: 5 }, { type: aString, message: aString }],
    [{ type: "", message: "", data: [1] }, { data: anObject }],
    [null, { "": anObject }],
  ];
  for (const [input, expected] of cases) {
    const result = validate(ApiErrorBodySchema, input);
    assert(!result.ok);
    const issues = result.issues.map((issue) => [issue.path, issue.expected]);
    assertEquals(Object.fromEntries(issues), expected);
  }
  assertEquals(v.parse(ApiErrorBodySchema, { type: "", message: "" }), { type: "", message: "" });
});

test("ApiErrorBodySchema does not change a prototype", () => {
  const text = '{"type":"a","message":"b","data":{"__proto__":{"polluted":1},"kept":2}}';
  const { data } = v.parse(ApiErrorBodySchema, JSON.parse(text));
  assertEquals(data?.["kept"], 2);
  assertEquals(data?.["polluted"], undefined);
  assertEquals(({} as Record<string, unknown>)["polluted"], undefined);
});

const code = crypto.randomUUID();
const refreshToken = crypto.randomUUID();

test("AuthFlowSchema accepts both flows, and adds a missing authFlow", () => {
  const exchange = { authFlow: "tempCodeAuth", code };
  const refresh = { authFlow: "refreshTokenAuth", refreshToken };
  const cases: readonly (readonly [object, Record<string, unknown>])[] = [
    [{ code }, exchange],
    [{ authFlow: undefined, code }, exchange],
    [{ ...exchange }, exchange],
    [{ ...exchange, refreshToken: undefined }, exchange],
    [{ ...refresh }, refresh],
    [{ ...refresh, code: undefined }, refresh],
    [{ code: "\u{1F600} ' & =" }, { code: "\u{1F600} ' & =" }],
    [Object.assign(Object.create(null), refresh), refresh],
  ];
  for (const [input, output] of cases) {
    assertObjectMatch(v.parse(AuthFlowSchema, Object.freeze(input)), output);
  }
});

test("AuthFlowSchema names each invalid field and its expectation, but not its value", () => {
  const text = "a non-empty string";
  const flows = '"tempCodeAuth" or "refreshTokenAuth"';
  const noRefreshToken = 'no refresh token unless "authFlow" is "refreshTokenAuth"';
  const noCode = 'no code unless "authFlow" is "tempCodeAuth"';
  const wellFormed = "a string without lone surrogates";
  const refresh = { authFlow: "refreshTokenAuth", refreshToken };
  const cases: readonly (readonly [unknown, Record<string, string>])[] = [
    // Missing and empty tokens.
    [{}, { code: text }],
    [{ authFlow: "tempCodeAuth" }, { code: text }],
    [{ code: "" }, { code: text }],
    [{ code: 5 }, { code: text }],
    [{ code: null }, { code: text }],
    [{ code: [code] }, { code: text }],
    [{ authFlow: "refreshTokenAuth" }, { refreshToken: text }],
    [{ ...refresh, refreshToken: "" }, { refreshToken: text }],
    [{ ...refresh, refreshToken: null }, { refreshToken: text }],
    // Mixed flows.
    [{ code, refreshToken }, { refreshToken: noRefreshToken }],
    [{ code, refreshToken: null }, { refreshToken: noRefreshToken }],
    [{ code, refreshToken: "" }, { refreshToken: noRefreshToken }],
    [{ refreshToken }, { code: text, refreshToken: noRefreshToken }],
    [{ authFlow: "tempCodeAuth", refreshToken }, { code: text, refreshToken: noRefreshToken }],
    [{ ...refresh, code }, { code: noCode }],
    [{ ...refresh, code: null }, { code: noCode }],
    [{ authFlow: "refreshTokenAuth", code }, { refreshToken: text, code: noCode }],
    // Unknown flows.
    [{ authFlow: "TempCodeAuth", code }, { authFlow: flows }],
    [{ authFlow: "", code }, { authFlow: flows }],
    [{ authFlow: null, code }, { authFlow: flows }],
    [{ authFlow: code, code }, { authFlow: flows }],
    // A query cannot contain half a surrogate pair.
    [{ code: "\ud83d" }, { code: wellFormed }],
    [{ ...refresh, refreshToken: `${refreshToken}\udc00` }, { refreshToken: wellFormed }],
    // Other values than objects.
    [undefined, { "": "an object" }],
    [null, { "": "an object" }],
    [code, { "": "an object" }],
    [() => code, { "": "an object" }],
    [[], { code: text }],
    [[code], { code: text, "": 'only the fields "authFlow" and "code"' }],
    [new Map([["code", code]]), { code: text }],
  ];
  for (const [input, expected] of cases) {
    const result = validate(AuthFlowSchema, input);
    assert(!result.ok);
    const issues = result.issues.map((issue) => [issue.path, issue.expected]);
    assertEquals(Object.fromEntries(issues), expected);
    assertEquals(issues.length, Object.keys(expected).length);
    const shown = JSON.stringify(result);
    assert(!shown.includes(code) && !shown.includes(refreshToken));
  }
});

test("AuthFlowSchema rejects unknown fields, and does not quote their names", () => {
  for (
    const [input, fields] of [
      [{ code, [refreshToken]: true }, '"authFlow" and "code"'],
      [
        { authFlow: "refreshTokenAuth", refreshToken, [code]: true },
        '"authFlow" and "refreshToken"',
      ],
    ] as const
  ) {
    assertEquals(validate(AuthFlowSchema, input), {
      ok: false,
      issues: [{ path: "", expected: `only the fields ${fields}` }],
    });
  }
});

test("AuthFlowSchema returns an issue if a getter or a proxy throws", () => {
  const get = () => {
    throw new Error(code);
  };
  for (
    const input of [
      Object.defineProperty({}, "code", { get, enumerable: true }),
      Object.defineProperty({ code }, "authFlow", { get, enumerable: true }),
      new Proxy({ code }, { get }),
      new Proxy({ code }, { has: get }),
      new Proxy({ code }, { ownKeys: get }),
    ]
  ) {
    assertEquals(validate(AuthFlowSchema, input), {
      ok: false,
      issues: [{ path: "", expected: "a value that can be read" }],
    });
  }
});

test("AuthFlowSchema returns the validated value of a getter", () => {
  const values = [code, "", 5];
  const input = {
    get code() {
      return values.shift();
    },
  };
  assertObjectMatch(v.parse(AuthFlowSchema, input), { code });
});

/** Encodes bytes or the JSON of a value as base64url. */
function base64url(value: unknown): string {
  const bytes = value instanceof Uint8Array
    ? value
    : new TextEncoder().encode(JSON.stringify(value));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function jwtOf(claims: unknown): string {
  return `${base64url({ alg: "RS256" })}.${base64url(claims)}.${base64url(crypto.randomUUID())}`;
}

test("decodeIdToken() returns the claims, with all characters of UTF-8", () => {
  const values: readonly Readonly<Record<string, unknown>>[] = [
    { sub: "5" },
    { sub: "5", email: "hanako@example.com", exp: 1_800_003_600, iat: 1_800_000_000 },
    { sub: "山田 花子", email: "花子@例え.jp", "cognito:username": "𠮷野家 🍣" },
    { sub: "~~~???>>>ÿÿÿ", empty: "", zero: "\u0000", nested: { list: [1, null, true] } },
    { sub: "" },
  ];
  for (const claims of values) assertEquals(decodeIdToken(jwtOf(claims)), claims);
  // Payloads of all lengths, whose base64 ends with and without padding.
  for (let length = 0; length < 12; length++) {
    const claims = { sub: "花".repeat(length) };
    assertEquals(decodeIdToken(jwtOf(claims)), claims);
  }
  assertEquals(decodeIdToken(`e30.${base64url({ sub: "5" })}.`).sub, "5", "without a signature");
});

test("decodeIdToken() rejects a text that is not a JWT with claims, without quoting it", () => {
  const claims = { sub: crypto.randomUUID(), email: crypto.randomUUID() };
  const [head = "", body = "", signature = ""] = jwtOf(claims).split(".");
  const invalid: readonly unknown[] = [
    "",
    "opaque",
    body,
    `${head}.${body}`,
    `${head}.${body}.${signature}.${signature}`,
    `.${body}.${signature}`,
    `${head}..${signature}`,
    ` ${head}.${body}.${signature}`,
    `${head}.${body}.${signature}\n`,
    `${head}.${body}\n.${signature}`,
    `${head}.${body.slice(0, -1)}.${signature}`,
    `${head}.${body.slice(4)}.${signature}`,
    `${head}.${base64url(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))}.${signature}`,
    jwtOf(null),
    jwtOf(5),
    jwtOf([claims]),
    jwtOf(claims.sub),
    jwtOf({ email: claims.email }),
    jwtOf({ ...claims, sub: 5 }),
    jwtOf({ ...claims, email: 5 }),
    jwtOf({ ...claims, exp: claims.sub }),
    jwtOf({ ...claims, iat: null }),
    undefined,
    null,
    5,
    {},
    Symbol("a token"),
    Object.create(null),
    { toString: () => `${head}.${body}.${signature}` },
  ];
  for (const value of invalid) {
    const error = assertThrows(() => decodeIdToken(value as string), CredentialInputError);
    assertEquals(error.issues, [{ path: "", expected: 'a JWT with a "sub" claim' }]);
    assertEquals(leaksIn(error, { head, body, signature, ...claims }), []);
  }
});

test("decodeIdToken() does not change a prototype", () => {
  const text = '{"sub":"5","__proto__":{"polluted":true}}';
  const claims = decodeIdToken(`e30.${base64url(new TextEncoder().encode(text))}.x`);
  assertEquals(claims.sub, "5");
  assertEquals((claims as { polluted?: unknown }).polluted, undefined);
});
