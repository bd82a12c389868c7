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

test("validate() returns the output of the schema", () => {
  const trimmed: Schema<string> = v.pipe(v.string(), v.trim());
  assertEquals(validate(trimmed, " x "), { ok: true, value: "x" });
});

test("validate() returns the path and the expectation of each issue, without the value", () => {
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

test("validate() does not quote the name of an unknown field", () => {
  const secret = crypto.randomUUID();
  assertEquals(issuesOf({ a: { b: "" }, [secret]: 1 }), [
    { path: "", expected: 'only the fields "a" and "list"' },
  ]);
  assertEquals(issuesOf({ a: { b: "", [secret]: 1 } }), [
    { path: "a", expected: "only the fields that are known" },
  ]);
});

test("validate() names a field whose getter throws, and does not quote its error", () => {
  const secret = crypto.randomUUID();
  const thrower = () => {
    throw new Error(secret);
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const expected = "a value that can be read";
  const getter = Object.defineProperty({}, "a", { get: thrower, enumerable: true });
  assertEquals(issuesOf(getter), [{ path: "a", expected }]);
  const throwing: readonly unknown[] = [
    { a: Object.defineProperty({}, "b", { get: thrower, enumerable: true }) },
    new Proxy({}, { has: thrower }),
    new Proxy({ a: { b: "" } }, { ownKeys: thrower }),
    { a: revoked.proxy },
  ];
  for (const input of throwing) {
    assertEquals(issuesOf(input), [{ path: "", expected }]);
  }
});
