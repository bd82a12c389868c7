import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { test } from "node:test";
import * as v from "valibot";
import { AuthFlowSchema } from "../src/models.ts";
import { validate } from "../src/validation.ts";

const code = crypto.randomUUID();
const refreshToken = crypto.randomUUID();

test("AuthFlowSchema reads both flows, and fills in authFlow where it was left out", () => {
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

test("AuthFlowSchema names each wrong field and what belongs there, and never the value", () => {
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
    // Half a surrogate pair cannot go into a query.
    [{ code: "\ud83d" }, { code: wellFormed }],
    [{ ...refresh, refreshToken: `${refreshToken}\udc00` }, { refreshToken: wellFormed }],
    // No object at all.
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
    const told = JSON.stringify(result);
    assert(!told.includes(code) && !told.includes(refreshToken));
  }
});

test("AuthFlowSchema refuses surplus fields without telling their names", () => {
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

test("AuthFlowSchema finds an issue where a getter or a proxy throws", () => {
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

test("AuthFlowSchema answers the value that it has checked, whatever a getter says later", () => {
  const answers = [code, "", 5];
  const input = {
    get code() {
      return answers.shift();
    },
  };
  assertObjectMatch(v.parse(AuthFlowSchema, input), { code });
});
