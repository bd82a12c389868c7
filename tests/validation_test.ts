import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import * as v from "valibot";
import { objectMessage, type Schema, validate } from "../src/validation.ts";

const inner = v.strictObject({ b: v.string("Expected a string") }, objectMessage);
const schema: Schema<unknown> = v.strictObject(
  { a: inner, list: v.optional(v.array(inner, "Expected a list")) },
  (issue) => objectMessage(issue, '"a" and "list"'),
);

function issuesOf(input: unknown): unknown {
  const result = validate(schema, input);
  assert(!result.ok, "It was taken");
  return result.issues;
}

test("validate() answers what the schema answers", () => {
  const trimmed: Schema<string> = v.pipe(v.string(), v.trim());
  assertEquals(validate(trimmed, " x "), { ok: true, value: "x" });
});

test("validate() says where a value is wrong and what was expected there, and no more", () => {
  const secret = crypto.randomUUID();
  const aString = "a string";
  const cases: readonly (readonly [unknown, unknown])[] = [
    [null, [{ path: "", expected: "an object" }]],
    [secret, [{ path: "", expected: "an object" }]],
    [{}, [{ path: "a", expected: "a non-empty string" }]],
    [{ a: secret }, [{ path: "a", expected: "an object" }]],
    [{ a: { b: 5 } }, [{ path: "a.b", expected: aString }]],
    [{ a: { b: { secret } } }, [{ path: "a.b", expected: aString }]],
    [
      { a: { b: "" }, list: [{ b: "" }, { b: null }] },
      [{ path: "list.1.b", expected: aString }],
    ],
    [
      { a: { b: 1 }, list: [{ b: [secret] }] },
      [{ path: "a.b", expected: aString }, { path: "list.0.b", expected: aString }],
    ],
  ];
  for (const [input, issues] of cases) {
    assertEquals(issuesOf(input), issues);
    assert(!JSON.stringify(issuesOf(input)).includes(secret));
  }
});

test("validate() tells nothing of the name of a surplus field", () => {
  const secret = crypto.randomUUID();
  assertEquals(issuesOf({ a: { b: "" }, [secret]: 1 }), [
    { path: "", expected: 'only the fields "a" and "list"' },
  ]);
  assertEquals(issuesOf({ a: { b: "", [secret]: 1 } }), [
    { path: "a", expected: "only the fields that are known" },
  ]);
});

test("validate() finds an issue where reading the value throws, and tells nothing of what was thrown", () => {
  const secret = crypto.randomUUID();
  const thrower = () => {
    throw new Error(secret);
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile: readonly unknown[] = [
    Object.defineProperty({}, "a", { get: thrower, enumerable: true }),
    { a: Object.defineProperty({}, "b", { get: thrower, enumerable: true }) },
    new Proxy({}, { get: thrower }),
    new Proxy({}, { has: thrower }),
    new Proxy({ a: { b: "" } }, { ownKeys: thrower }),
    revoked.proxy,
    { a: revoked.proxy },
  ];
  for (const input of hostile) {
    assertEquals(issuesOf(input), [{ path: "", expected: "a value that can be read" }]);
  }
});
