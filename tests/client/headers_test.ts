import { assert, assertEquals, assertThrows, fail } from "@std/assert";
import { test } from "node:test";
import { CredentialInputError } from "../../src/errors.ts";
import {
  isHeaderValue,
  isVisibleAscii,
  readHeaders,
  readReferer,
  readTraceId,
} from "../../src/client/headers.ts";
import { type OptionReader, readOptions } from "../../src/read_options.ts";

const secret = crypto.randomUUID();
/** What would end a header and begin another, or is no Latin-1. */
const BAD = ["\r", "\n", "\r\nX-Evil: 1", "\0", "\x01", "\x7f", "\u0100", "\u{1F600}"];

function read<T>(reader: OptionReader<T>, input: unknown): T {
  return reader(input, (expected) => fail(`It was refused: ${JSON.stringify(expected)}`));
}

/** What was expected, where a value is refused; and it must not be in what is told. */
function refusal(reader: OptionReader<unknown>, input: unknown): string {
  const error = assertThrows(
    () => readOptions({ option: reader }, { option: input }, { message: "Refused" }, ["option"]),
    CredentialInputError,
  );
  assert(!JSON.stringify(error).includes(secret));
  return error.issues.map(({ expected }) => expected).join("; ");
}

test("isHeaderValue() takes Latin-1 without control characters, but for tabs", () => {
  for (let unit = 0; unit <= 0x1_00; unit++) {
    const isControl = (unit < 0x20 && unit !== 0x09) || unit === 0x7f;
    const fits = !isControl && unit <= 0xff;
    const character = String.fromCharCode(unit);
    for (const text of [character, `a${character}`, `${character}a`]) {
      assertEquals(isHeaderValue(text), fits, `U+${unit.toString(16)}`);
    }
  }
  assertEquals(isHeaderValue(""), true);
  for (const other of ["\u{1F600}", undefined, null, 5, ["a"], new String("a")]) {
    assertEquals(isHeaderValue(other), false);
  }
});

test("isVisibleAscii() takes one word from ! to ~", () => {
  for (let unit = 0; unit <= 0x1_00; unit++) {
    const fits = unit > 0x20 && unit < 0x7f;
    const character = String.fromCharCode(unit);
    for (const text of [character, `a${character}`, `${character}a`]) {
      assertEquals(isVisibleAscii(text), fits, `U+${unit.toString(16)}`);
    }
  }
  for (const other of ["", "a b", undefined, null, 5, ["a"], new String("a")]) {
    assertEquals(isVisibleAscii(other), false);
  }
});

test("readHeaders() reads records, pairs and Headers under lower-case names", () => {
  const headers = { "x-one": "1", "x-two": "zwei, dé ü\t!" };
  const shapes: readonly unknown[] = [
    { "X-One": "1", "x-TWO": headers["x-two"] },
    [["X-One", "1"], ["X-Two", headers["x-two"]]],
    new Headers(headers),
    new Map(Object.entries(headers)),
    Object.assign(Object.create(null), headers),
  ];
  for (const shape of shapes) assertEquals(read(readHeaders, shape), headers);
  for (const none of [{}, [], new Headers()]) assertEquals(read(readHeaders, none), {});
  assertEquals(read(readHeaders, { "x-empty": "" }), { "x-empty": "" });
});

test("readHeaders() joins values of one name, in any case, in their order", () => {
  const lists: readonly [[string, string][], Record<string, string>][] = [
    [[["x-a", "1"], ["X-A", "2"]], { "x-a": "1, 2" }],
    [[["X-A", "2"], ["x-b", "b"], ["x-a", "1"], ["x-a", "2"]], { "x-a": "2, 1, 2", "x-b": "b" }],
    [[["x-a", ""], ["x-a", "2"]], { "x-a": ", 2" }],
  ];
  for (const [list, joined] of lists) assertEquals(read(readHeaders, list), joined);
  assertEquals(read(readHeaders, { "x-a": "1", "X-A": "2" }), { "x-a": "1, 2" });
});

test("readHeaders() refuses CR, LF, NUL and the like in the values and names of every shape", () => {
  for (const bad of BAD) {
    for (
      const [name, value] of [["x-a", secret + bad], ["x-a", bad + secret], [secret + bad, "1"]]
    ) {
      for (const shape of [{ [String(name)]: value }, [[name, value]], new Map([[name, value]])]) {
        assertEquals(
          refusal(readHeaders, shape),
          "headers whose values are Latin-1 without control characters such as CR, LF and NUL",
        );
      }
    }
  }
});

test("readHeaders() refuses what is no headers", () => {
  const wrong: readonly unknown[] = [
    null,
    5,
    secret,
    () => secret,
    [secret],
    [["x-a"]],
    [["x-a", "1", "2"]],
    [{ 0: "x-a", 1: "1", length: 2 }],
    { "x-a": 5 },
    { "x-a": null },
    { "x-a": undefined },
    { "x-a": ["1", "2"] },
    { "": secret },
    { "x a": secret },
    { "x:a": secret },
    { "é": secret },
    [[5, secret]],
    new Set([secret]),
  ];
  for (const input of wrong) assert(refusal(readHeaders, input).startsWith("headers whose"));
});

test("readHeaders() refuses an Authorization in any case and shape", () => {
  for (const name of ["Authorization", "authorization", "AUTHORIZATION"]) {
    const value = `Bearer ${secret}`;
    for (const shape of [{ [name]: value }, [[name, value]], new Headers([[name, value]])]) {
      assertEquals(
        refusal(readHeaders, shape),
        'no "Authorization" header: it is what "auth" is for',
      );
    }
  }
});

test("readHeaders() refuses the headers of the connection", () => {
  const names = [
    "Connection",
    "Content-Length",
    "Expect",
    "Host",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
  ];
  for (const name of names) {
    const expected = refusal(readHeaders, { [name]: secret });
    assert(expected.includes(name.toLowerCase()), name);
    assertEquals(refusal(readHeaders, [["x-a", "1"], [name, secret]]), expected);
  }
});

test("readHeaders() finds an issue where reading the headers throws", () => {
  const get = () => {
    throw new Error(secret);
  };
  const hostile: readonly unknown[] = [
    Object.defineProperty({}, "x-a", { get, enumerable: true }),
    new Proxy({}, { ownKeys: get }),
    { [Symbol.iterator]: get },
    [Object.defineProperty(["x-a", ""], 1, { get })],
  ];
  for (const input of hostile) {
    assertEquals(refusal(readHeaders, input), "a value that can be read");
  }
});

test("readHeaders() gives nobody's prototype new fields", () => {
  const headers = read(readHeaders, [["__proto__", "x"]]);
  assertEquals(Object.getPrototypeOf(headers), Object.prototype);
  assertEquals(Object.keys(headers), ["__proto__"]);
});

test("readReferer() passes on a page without user, query and fragment", () => {
  const app = "https://app.example";
  const pages: readonly (readonly [string | null, string | null])[] = [
    [`${app}/callback`, `${app}/callback`],
    [`${app}/callback?code=${secret}`, `${app}/callback`],
    [`${app}/callback?code=${secret}#x?y`, `${app}/callback`],
    [`${app}/callback#access_token=${secret}`, `${app}/callback`],
    [`${app}?code=${secret}`, `${app}/`],
    [`${app}/?`, `${app}/`],
    [`https://user:${secret}@app.example/x?y`, `${app}/x`],
    [`https://${secret}@app.example`, `${app}/`],
    [`https://user@${secret}@app.example/`, `${app}/`],
    [`HTTPS://user:${secret}@app.example/`, `${app}/`],
    [`https:/user:${secret}@app.example/x`, `${app}/x`],
    [`https:\\\\user:${secret}@app.example\\x`, `${app}/x`],
    [`//user:${secret}@app.example/x`, "app.example/x"],
    [`http://user:${secret}@app.example:99999/x`, "app.example:99999/x"],
    [`user:${secret}@app.example/x`, "app.example/x"],
    [`blob:https://user:${secret}@app.example/x`, "app.example/x"],
    [`\\\\${secret}@app.example/x?y`, "app.example/x"],
    [`${secret}@app.example/x#y`, "app.example/x"],
    [`android-app://${secret}@com.example/x`, "android-app://com.example/x"],
    [`${app}/@team/x@y`, `${app}/@team/x@y`],
    [`  ${app}/x  `, `${app}/x`],
    ["/relative?x", "/relative"],
    [`${app}/a/../é`, `${app}/%C3%A9`],
    ["/é", "/é"],
    [`?code=${secret}`, null],
    ["", null],
    [" ", null],
    [null, null],
  ];
  for (const [url, page] of pages) assertEquals(read(readReferer, url), page, url ?? "null");
});

test("readReferer() and readTraceId() refuse CR, LF, NUL and what is no text", () => {
  for (const bad of BAD) {
    for (const text of [secret + bad, bad + secret]) {
      assert(refusal(readReferer, `https://app.example/${text}`).startsWith("a URL in Latin-1"));
      // What is cut off must be clean as well.
      assert(refusal(readReferer, `https://app.example/?${text}`).startsWith("a URL in Latin-1"));
      assert(refusal(readTraceId, text).startsWith("one word of visible ASCII"));
    }
  }
  for (const wrong of [5, {}, [secret], undefined, new URL("https://app.example")]) {
    assert(refusal(readReferer, wrong).startsWith("a URL in Latin-1"));
    assert(refusal(readTraceId, wrong).startsWith("one word of visible ASCII"));
  }
});

test("readTraceId() reads one word, and null as none", () => {
  for (const id of [secret, "Root=1-67891233-abcdef012345678912345678", "x", null]) {
    assertEquals(read(readTraceId, id), id);
  }
  for (const wrong of ["", " ", "a b", "\ta", "é"]) refusal(readTraceId, wrong);
});
