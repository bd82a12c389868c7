import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { CredentialInputError } from "../src/errors.ts";
import {
  callback,
  integerBetween,
  must,
  numberBetween,
  type OptionReaders,
  options,
  readOptions,
} from "../src/read_options.ts";

interface Choices {
  name: string;
  count?: number | undefined;
  wait?: number | undefined;
  run?: (() => void) | undefined;
  inner?: { size?: number | undefined } | undefined;
}

const readers: OptionReaders<Choices> = {
  name: must((value) => typeof value === "string", "a string"),
  count: integerBetween(1, 3, " of things"),
  wait: numberBetween(0, 1, ""),
  run: callback(),
  inner: options<{ size?: number | undefined }>({ size: integerBetween(0, 9, "") }),
};

function read(input: unknown): Choices {
  const failure = { message: "Cannot start", operation: "getAuthCredentials" } as const;
  return readOptions(readers, input, failure, ["name"]);
}

function issuesOf(input: unknown): Record<string, string> {
  const { issues } = assertThrows(() => read(input), CredentialInputError);
  return Object.fromEntries(issues.map(({ path, expected }) => [path, expected]));
}

test("readOptions() answers a copy of good options, and leaves out what was left out", () => {
  const run = () => {};
  const good = { name: "n", count: 3, wait: 0.5, run, inner: { size: 0 } };
  const copy = read(good);
  assertEquals(copy, good);
  assert(copy !== good);
  assertEquals(read({ name: "n", count: undefined }), { name: "n" });
});

test("readOptions() names every option that is wrong, and what was expected", () => {
  assertEquals(issuesOf({ count: 4, wait: 1.1, run: 5, inner: { size: 10 } }), {
    name: "a string",
    count: "a whole number of things from 1 to 3",
    wait: "a number from 0 to 1",
    run: "a function",
    "inner.size": "a whole number from 0 to 9",
  });
  for (const count of [0, 1.5, NaN, Infinity, "1", 1n, null]) {
    assertEquals(Object.keys(issuesOf({ name: "n", count })), ["count"]);
  }
  for (const wait of [-0.1, NaN, Infinity, "0", null]) {
    assertEquals(Object.keys(issuesOf({ name: "n", wait })), ["wait"]);
  }
});

test("readOptions() says what failed and in which operation", () => {
  const error = assertThrows(() => read(null), CredentialInputError);
  assertEquals(error.message, "Cannot start: expected an object");
  assertEquals(error.operation, "getAuthCredentials");
});

test("readOptions() refuses surplus options at every level, and repeats no name", () => {
  const name = crypto.randomUUID();
  for (const input of [{ name: "n", [name]: 1 }, { name: "n", inner: { [name]: 1 } }]) {
    const error = assertThrows(() => read(input), CredentialInputError);
    assert(/expected no other options than /.test(error.message));
    assert(!JSON.stringify(error).includes(name));
  }
});

test("readOptions() looks at each value once, and bears with what throws", () => {
  let looks = 0;
  const changing = {
    get name() {
      return looks++ === 0 ? "n" : 5;
    },
  };
  assertEquals(read(changing).name, "n");
  const hidden = crypto.randomUUID();
  const throwing = {
    name: "n",
    get count() {
      throw new Error(hidden);
    },
  };
  assertEquals(issuesOf(throwing), { count: "a value that can be read" });
  const proxy = new Proxy({ name: "n" }, {
    ownKeys() {
      throw new Error(hidden);
    },
  });
  assertEquals(issuesOf(proxy), { "": "a value that can be read" });
});

test("readOptions() reads the getters of a class too", () => {
  class Config {
    get name() {
      return "of a class";
    }
  }
  assertEquals(read(new Config()).name, "of a class");
});
