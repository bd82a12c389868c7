import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { test } from "node:test";
import * as v from "valibot";
import {
  ApiErrorBodySchema,
  AuthorizationTempCodeSchema,
  CredentialsSchema,
  RefreshedCredentialsSchema,
} from "../src/models.ts";
import { type Schema, validate } from "../src/validation.ts";

/** What a schema answers, as JSON: that shows fields that are there but undefined as absent, so the names stand apart. */
function read(schema: Schema<object>, input: unknown): readonly [object, readonly string[]] {
  const value = v.parse(schema, input);
  return [value, Object.keys(value)];
}

function pathsOf(schema: Schema<unknown>, input: unknown): readonly string[] {
  const result = validate(schema, input);
  assert(!result.ok, `It was taken: ${JSON.stringify(input)}`);
  return result.issues.map(({ path }) => path);
}

const id: string = crypto.randomUUID();
const access: string = crypto.randomUUID();
const refresh: string = crypto.randomUUID();
const two = { id_token: id, access_token: access };
const three = { ...two, refresh_token: refresh };

test("CredentialsSchema reads two and three tokens, null as absent, and leaves out unknown fields", () => {
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

test("CredentialsSchema refuses empty, missing and other tokens, and names them all", () => {
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

test("CredentialsSchema leaves its input alone", () => {
  const input = Object.freeze({ ...two, refresh_token: null });
  assertNotStrictEquals<object>(v.parse(CredentialsSchema, input), input);
  assertEquals(input.refresh_token, null);
});

test("RefreshedCredentialsSchema reads an empty refresh token as absent, and no other token", () => {
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

test("AuthorizationTempCodeSchema reads any code that is not empty", () => {
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

test("ApiErrorBodySchema reads type and message, and data where there is any", () => {
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

test("ApiErrorBodySchema asks for what passes: strings, be they empty, and an object", () => {
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

test("ApiErrorBodySchema gives nobody's prototype new fields", () => {
  const text = '{"type":"a","message":"b","data":{"__proto__":{"polluted":1},"kept":2}}';
  const { data } = v.parse(ApiErrorBodySchema, JSON.parse(text));
  assertEquals(data?.["kept"], 2);
  assertEquals(data?.["polluted"], undefined);
  assertEquals(({} as Record<string, unknown>)["polluted"], undefined);
});
