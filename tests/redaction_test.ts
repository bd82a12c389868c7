import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  hideSecret,
  quotesHidden,
  quotesSecret,
  safeData,
  safeTraceId,
  safeType,
  type SecretSearch,
  secretsOfHeaders,
} from "../src/redaction.ts";
import { secret as randomText } from "./support/fixtures.ts";
import { leaksIn } from "./support/leak_search.ts";

const secret = randomText();
const other = randomText();

/** Searches for one secret. */
const quotes: SecretSearch = (text) => quotesSecret(text, [secret]);

/** Percent-encodes every character. */
function percentEncoded(text: string): string {
  return Array.from(text, (character) => `%${character.charCodeAt(0).toString(16)}`).join("");
}

/** Returns lists in lists. */
function nested(depth: number, innermost: unknown): Record<string, unknown> {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = [value];
  return { value };
}

test("quotesSecret() finds a secret and its pieces case-insensitively", () => {
  const quotations = [
    secret,
    `Bearer ${secret}`,
    `<${secret}>`,
    secret.toUpperCase(),
    secret.toLowerCase(),
    `100 % ${secret.toUpperCase()}`,
    secret.slice(0, 12),
    secret.slice(-12),
    secret.slice(20, 32),
    `unknown code ${secret.slice(5, 40)}…`,
    `${"x".repeat(1_000)}${secret.slice(0, 12)}${"y".repeat(1_000)}`,
  ];
  for (const text of quotations) {
    assert(quotesSecret(text, [secret]), text);
    assert(quotesSecret(text, [other, secret]), text);
    assert(!quotesSecret(text, [other]), text);
  }
});

test("quotesSecret() finds a secret in base64, base64url and hexadecimal, at any position", () => {
  const code = "69e732d6-8ecc-45c4-c2eb-8438f7ffe775";
  const hex = Array.from(code, (character) => character.charCodeAt(0).toString(16)).join("");
  const quotations = [hex, hex.toUpperCase(), `x-${hex}`];
  for (const around of ["", "a", "ab", "abc", '{"code":"']) {
    const encoded = btoa(`${around}${code}${around}`);
    quotations.push(encoded, encoded.replace(/=+$/, ""), `id:${encoded}`);
  }
  const bytes = "\u00fb\u00ff\u00fe".repeat(6);
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(bytes)));
  for (const text of [encoded, encoded.replaceAll("+", "-").replaceAll("/", "_")]) {
    assert(quotesSecret(text, [bytes]), text);
  }
  for (const text of quotations) {
    assert(quotesSecret(text, [code]), text);
    assert(!quotesSecret(text, [other]), text);
  }
});

test("quotesSecret() returns true for any percent-encoded text", () => {
  for (
    const text of [
      percentEncoded(secret),
      encodeURIComponent(percentEncoded(secret)),
      `100 % ${percentEncoded(secret)}`,
      `%${percentEncoded(secret)}%`,
      "a%20b",
    ]
  ) {
    assert(quotesSecret(text, [secret]), text);
    assert(!quotesSecret(text, []), text);
  }
});

test("quotesSecret() returns false for a text without a secret", () => {
  const harmless = [
    "",
    "permission_denied",
    "%",
    "100 %",
    "%zz%",
    secret.slice(0, 11),
    `${secret.slice(0, 11)} ${secret.slice(30, 41)}`,
    crypto.randomUUID(),
    "あ\ud800",
  ];
  for (const text of harmless) assert(!quotesSecret(text, [secret]), text);
  for (const text of [...harmless, secret]) {
    assert(!quotesSecret(text, []));
    assert(!quotesSecret(text, [""]));
  }
});

test("quotesSecret() finds a short secret only as a whole word", () => {
  for (const text of ["abc", "ABC", "is abc.", "code=abc&x"]) {
    assert(quotesSecret(text, ["abc"]), text);
  }
  for (const text of ["abcd", "xabc", "abc_", "ab c"]) assert(!quotesSecret(text, ["abc"]), text);
  for (const short of ["a.b-c", "-ab", "a b+", "$", "(é)"]) {
    for (const text of [short, `code ${short}`, `"${short}".`]) {
      assert(quotesSecret(text, [short]), text);
    }
    for (const text of [`x${short}y`, `${short}_`]) assert(!quotesSecret(text, [short]), text);
  }
});

test("secretsOfHeaders() returns the values and their words, without short words and headers of the API", () => {
  const headers = {
    cookie: "theme=dark; login=abcdefgh",
    "x-short": "short",
    "x-saasus-trace-id": "trace-id-1",
    referer: "https://app.example/",
  };
  const secrets = secretsOfHeaders(["Bearer token", "SAASUSSIGV1 Sig=0a, SaaSID=b"], headers);
  for (const text of ["Bearer token", "token", "0a", "b", headers.cookie, "abcdefgh"]) {
    assert(secrets.includes(text), text);
  }
  for (const text of ["Bearer", "short", "dark", "trace-id-1", headers.referer]) {
    assert(!secrets.includes(text), text);
  }
});

test("safeTraceId() keeps visible ASCII of up to 128 characters without a token", () => {
  const ids = ["x", "Root=1-67891233-abcdef01", "x".repeat(128), crypto.randomUUID()];
  for (const id of ids) assertEquals(safeTraceId(id, quotes), id);
  const invalid = ["", "a b", "a\r\nb", "é", "x".repeat(129), null, undefined, 5, {}, ["x"]];
  const jwt = [{ alg: "none" }, { sub: "alice" }, { x: 1 }].map((part) =>
    btoa(JSON.stringify(part)).replace(/=+$/, "")
  );
  const tokens = [jwt.join("."), jwt[0], `id-${jwt[1]}`, "a%20b", "abcdefgh.abcdefgh.abcdefgh"];
  for (const id of [...invalid, ...tokens, secret, `id-${secret.slice(3, 15)}`, btoa(secret)]) {
    assertEquals(safeTraceId(id, quotes), undefined, String(id));
  }
});

test("safeType() keeps a single word, and one with digits only if it is short", () => {
  const words = ["permission_denied", "NotFound", "a.b-c", "error_404", "x"];
  for (const type of [...words, "x".repeat(64), `x${"1".repeat(31)}`]) {
    assertEquals(safeType(type, quotes), type);
  }
  const invalid = ["", "1a", "_a", "a b", "a\n", "é", "a%62", "a/b", "x".repeat(65), 5, null];
  const uuid = crypto.randomUUID();
  const tokens = [uuid, `a${uuid}`, `a${secret.slice(0, 12)}`, "eyJhbGciOiJub25lIn"];
  for (const type of [...invalid, `x${"1".repeat(32)}`, ...tokens]) {
    assertEquals(safeType(type, quotes), undefined, String(type));
  }
});

test("safeData() keeps data without a token unchanged", () => {
  for (const none of [undefined, null, "text", 5, true, [], [{ a: 1 }]]) {
    assertEquals(safeData(none, quotes), undefined);
  }
  const harmless: readonly Record<string, unknown>[] = [
    {},
    { field: "code", reason: "not a UUID" },
    { a: null, b: true, c: 1.5, d: "", e: [], f: {}, g: [[{ h: ["other"] }]] },
    { text: "four ".repeat(800) },
    { usage: "100 %", word: "x".repeat(19) },
    { list: Array.from({ length: 500 }, (_, index) => index % 10) },
    nested(500, 1),
  ];
  for (const data of harmless) assertStrictEquals(safeData(data, quotes), data);
});

test("safeData() drops data that contains a token, also a token of another call", () => {
  const texts = [
    secret,
    `x ${secret.slice(8, 20)} y`,
    secret.toUpperCase(),
    percentEncoded(secret),
    "a%20b",
    "x".repeat(20),
    `token ${other}`,
    crypto.randomUUID(),
    "eyJhbGci",
    JSON.stringify({ token: other }),
  ];
  for (const text of texts) {
    const quoting: readonly Record<string, unknown>[] = [
      { a: text },
      { [text]: null },
      { a: [{ b: [[{ c: text }]] }] },
      { a: [{ [`x-${text}`]: 1 }] },
      nested(500, text),
      JSON.parse(`{"__proto__":{"a":${JSON.stringify(text)}}}`),
    ];
    for (const data of quoting) assertEquals(safeData(data, quotes), undefined, text);
  }
  const pin = 1234567890123;
  assertEquals(safeData({ pin }, (text) => quotesSecret(text, [String(pin)])), undefined);
});

test("safeData() drops data that is too large or too deep, without a stack overflow", () => {
  const large: readonly Record<string, unknown>[] = [
    { text: "four ".repeat(1_000) },
    { ["four ".repeat(1_000)]: 1 },
    { list: Array.from({ length: 600 }, () => "") },
    { list: Array.from({ length: 100 }, () => "four ".repeat(10)) },
    Object.fromEntries(Array.from({ length: 600 }, (_, index) => [index, ""])),
    nested(100_000, 1),
  ];
  for (const data of large) assertEquals(safeData(data, () => false), undefined);
});

test("hideSecret() returns its function, and quotesHidden() finds only its secret", () => {
  const [mine, yours] = [randomText(), randomText()];
  const owner = () => "Test x";
  const keeper = hideSecret(owner, mine);
  assertStrictEquals(keeper, owner);
  const quotations = [mine, `key ${mine}.`, mine.toLowerCase(), mine.slice(8, 20), btoa(mine)];
  for (const text of quotations) assert(quotesHidden(keeper, text));
  for (const text of ["", "permission_denied", yours, mine.slice(0, 11)]) {
    assert(!quotesHidden(keeper, text));
  }
  for (const without of [() => mine, () => keeper(), keeper.bind(undefined)]) {
    assert(!quotesHidden(without, mine));
  }
});

test("hideSecret() adds a symbol that is not enumerable and shows no secret", () => {
  const hidden = randomText();
  const auth = () => "Test x";
  const before = Reflect.ownKeys(auth);
  const keeper = hideSecret(auth, hidden);
  const added = Reflect.ownKeys(keeper).filter((key) => !before.includes(key));
  assertEquals(added.map((key) => typeof key), ["symbol"]);
  for (const key of added) {
    const { enumerable, configurable, writable } = Object.getOwnPropertyDescriptor(keeper, key) ??
      {};
    assertEquals([enumerable, configurable, writable], [false, false, false]);
  }
  assertEquals(Reflect.ownKeys({ ...keeper }), []);
  for (let round = 0; round < 2; round++) {
    assertEquals(leaksIn({ auth: keeper }, { hidden }), []);
    assert(quotesHidden(keeper, hidden));
  }
});
