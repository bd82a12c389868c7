import { assert, assertEquals, fail } from "@std/assert";
import { test } from "node:test";
import * as v from "valibot";
import {
  checkedSchema,
  objectMessage,
  objectSchema,
  optionsSchema,
  type Schema,
  validate,
} from "../src/validation.ts";

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

test("validate() does not quote the error of a getter or a proxy", () => {
  const secret = crypto.randomUUID();
  const thrower = () => {
    throw new Error(secret);
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const throwing: readonly unknown[] = [
    Object.defineProperty({}, "a", { get: thrower, enumerable: true }),
    { a: Object.defineProperty({}, "b", { get: thrower, enumerable: true }) },
    new Proxy({}, { has: thrower }),
    new Proxy({ a: { b: "" } }, { ownKeys: thrower }),
    { a: revoked.proxy },
  ];
  for (const input of throwing) {
    assertEquals(issuesOf(input), [{ path: "", expected: "a value that can be read" }]);
  }
});

const aString = checkedSchema<string>((value) => typeof value === "string", "a string");
const aNumber = checkedSchema<number>((value) => typeof value === "number", "a number");

interface Fields {
  name: string;
  age?: number | undefined;
}

const json = objectSchema<Fields>({ name: aString, age: aNumber }, { required: ["name"] });
const options = optionsSchema<Fields & { more?: Fields }>(
  { name: aString, age: aNumber, more: json },
  { required: ["name"], expected: "the options" },
);

test("objectSchema() removes unknown fields, and null counts as absent", () => {
  for (const input of [{ name: "a" }, { name: "a", age: undefined }, { name: "a", age: null }]) {
    const output = v.parse(json, { ...input, unknown: 1 });
    assertEquals([output, Object.keys(output)], [{ name: "a" }, ["name"]]);
  }
});

test("optionsSchema() rejects unknown options and null", () => {
  assertEquals(v.parse(options, { name: "a", age: undefined }), { name: "a" });
  assertEquals(validate(options, { name: "a", toString: 1, age: null }), {
    ok: false,
    issues: [
      { path: "age", expected: "a number" },
      { path: "", expected: "no other options than name, age, more" },
    ],
  });
  assertEquals(validate(options, null), {
    ok: false,
    issues: [{ path: "", expected: "the options" }],
  });
});

test("objectSchema() names each invalid, missing and unreadable field by its path", () => {
  const age = { get: () => fail("It threw"), enumerable: true };
  const cases: readonly (readonly [object, readonly string[]])[] = [
    [{}, ["name"]],
    [{ name: 1, age: "a" }, ["name", "age"]],
    [{ name: "a", more: { age: "a" } }, ["more.name", "more.age"]],
    [{ name: "a", more: Object.defineProperty({ name: "b" }, "age", age) }, ["more.age"]],
  ];
  for (const [input, paths] of cases) {
    const result = validate(options, input);
    assert(!result.ok);
    assertEquals(result.issues.map(({ path }) => path), paths);
    const { issues } = v.safeParse(options, input);
    assertEquals<unknown>(issues?.map((issue) => v.getDotPath(issue)), paths);
  }
});
