import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  hideSecret,
  quotesHidden,
  quotesSecret,
  safeData,
  safeTraceId,
  safeType,
  type SecretFinder,
} from "../src/redaction.ts";
import type { AuthRequest, RequestAuth } from "../src/auth/request_auth.ts";
import { AUTH_REQUEST, secret as randomText } from "./support/fixtures.ts";
import { leaksIn } from "./support/leak_search.ts";

const secret = randomText();
const other = randomText();

/** Finds one secret. */
const quotes: SecretFinder = (text) => quotesSecret(text, [secret]);

/** Every character as its percent-encoding. */
function percentEncoded(text: string): string {
  return Array.from(text, (character) => `%${character.charCodeAt(0).toString(16)}`).join("");
}

/** Lists in lists. */
function nested(depth: number, innermost: unknown): Record<string, unknown> {
  let value = innermost;
  for (let level = 0; level < depth; level++) value = [value];
  return { value };
}

test("quotesSecret() finds secrets whole and in part, as they are and percent-encoded, in any case", () => {
  const quotations = [
    secret,
    `Bearer ${secret}`,
    `<${secret}>`,
    secret.toUpperCase(),
    secret.toLowerCase(),
    percentEncoded(secret),
    percentEncoded(secret).toUpperCase(),
    encodeURIComponent(percentEncoded(secret)),
    encodeURIComponent(encodeURIComponent(percentEncoded(secret))),
    `100 % ${percentEncoded(secret)}`,
    `%${percentEncoded(secret)}%`,
    `100 % ${secret.toUpperCase()}`,
    `?code=${percentEncoded(secret)}&x`,
    secret.slice(0, 12),
    secret.slice(-12),
    secret.slice(20, 32),
    `unknown code ${secret.slice(5, 40)}…`,
    percentEncoded(secret.slice(7, 19)),
    `${"x".repeat(1_000)}${secret.slice(0, 12)}${"y".repeat(1_000)}`,
  ];
  for (const text of quotations) {
    assert(quotesSecret(text, [secret]), text);
    assert(quotesSecret(text, [other, secret]), text);
    assert(!quotesSecret(text, [other]), text);
  }
});

test("quotesSecret() finds a secret with characters that are percent-encoded on the wire", () => {
  const code = "a/b+c'd e&f=é";
  for (const text of [code, encodeURIComponent(code), `x=${encodeURIComponent(code)}`]) {
    assert(quotesSecret(text, [code]), text);
  }
});

test("quotesSecret() lets pass what is no secret", () => {
  const harmless = [
    "",
    "permission_denied",
    "%",
    "100 %",
    "%zz%",
    secret.slice(0, 11),
    `${secret.slice(0, 11)} ${secret.slice(30, 41)}`,
    "あ\ud800",
  ];
  for (const text of harmless) assert(!quotesSecret(text, [secret]), text);
  for (const text of [...harmless, secret]) {
    assert(!quotesSecret(text, []));
    assert(!quotesSecret(text, [""]));
  }
});

test("quotesSecret() takes a short secret for quoted only where it stands alone", () => {
  for (const text of ["abc", "ABC", "is abc.", "code=abc&x", "%61%62%63"]) {
    assert(quotesSecret(text, ["abc"]), text);
  }
  for (const text of ["abcd", "xabc", "abc_", "ab c"]) assert(!quotesSecret(text, ["abc"]), text);
  for (const short of ["a.b-c", "-ab", "a b+", "$", "(é)"]) {
    for (const text of [short, `code ${short}`, `"${short}".`, encodeURIComponent(short)]) {
      assert(quotesSecret(text, [short]), text);
    }
    for (const text of [`x${short}y`, `${short}_`]) assert(!quotesSecret(text, [short]), text);
  }
});

test("safeTraceId() passes on a word of visible ASCII of up to 128 characters", () => {
  for (const id of ["x", "Root=1-67891233-abcdef01", "x".repeat(128)]) {
    assertEquals(safeTraceId(id, quotes), id);
  }
  const wrong = ["", "a b", "a\r\nb", "é", "x".repeat(129), null, undefined, 5, {}, ["x"]];
  for (const id of [...wrong, secret, `id-${secret.slice(3, 15)}`]) {
    assertEquals(safeTraceId(id, quotes), undefined);
  }
});

test("safeType() passes on a machine word, a short one where it has digits", () => {
  const words = ["permission_denied", "NotFound", "a.b-c", "error_404", "x"];
  for (const type of [...words, "x".repeat(64), `x${"1".repeat(31)}`]) {
    assertEquals(safeType(type, quotes), type);
  }
  const wrong = ["", "1a", "_a", "a b", "a\n", "é", "a%62", "a/b", "x".repeat(65)];
  const uuid = crypto.randomUUID();
  for (
    const type of [...wrong, `x${"1".repeat(32)}`, uuid, `a${uuid}`, `a${secret.slice(0, 12)}`]
  ) {
    assertEquals(safeType(type, quotes), undefined, type);
  }
});

test("safeData() passes on data that quotes no secret, as it is", () => {
  for (const none of [undefined, null, "text", 5, true, [], [{ a: 1 }]]) {
    assertEquals(safeData(none, quotes), undefined);
  }
  const harmless: readonly Record<string, unknown>[] = [
    {},
    { a: null, b: true, c: 1.5, d: "", e: [], f: {}, g: [[{ h: [other] }]] },
    { text: "x".repeat(4_000) },
    { list: Array.from({ length: 500 }, (_, index) => index % 10) },
    nested(500, 1),
  ];
  for (const data of harmless) assertStrictEquals(safeData(data, quotes), data);
});

test("safeData() drops data that quotes a secret anywhere, in names and in numbers too", () => {
  const quoting: readonly Record<string, unknown>[] = [
    { a: secret },
    { [secret]: null },
    { a: [{ b: [[{ c: `x ${secret.slice(8, 20)} y` }]] }] },
    { a: [{ [`x-${secret}`]: 1 }] },
    { a: { b: percentEncoded(secret) } },
    { a: JSON.stringify({ token: secret.toUpperCase() }) },
    nested(500, secret),
    JSON.parse(`{"__proto__":{"a":"${secret}"}}`),
  ];
  for (const data of quoting) assertEquals(safeData(data, quotes), undefined);
  const pin = 1234567890123;
  assertEquals(safeData({ pin }, (text) => quotesSecret(text, [String(pin)])), undefined);
});

test("safeData() drops data that is too large or too deep, without a stack that overflows", () => {
  const large: readonly Record<string, unknown>[] = [
    { text: "x".repeat(5_000) },
    { [`${"x".repeat(5_000)}`]: 1 },
    { list: Array.from({ length: 600 }, () => "") },
    { list: Array.from({ length: 100 }, () => "x".repeat(50)) },
    Object.fromEntries(Array.from({ length: 600 }, (_, index) => [index, ""])),
    nested(100_000, 1),
  ];
  for (const data of large) assertEquals(safeData(data, () => false), undefined);
});

test("hideSecret() answers the same auth, to be called as before", async () => {
  const asked: AuthRequest[] = [];
  const auth: RequestAuth = (request) => {
    asked.push(request);
    return "Test x";
  };
  const keeper = hideSecret(auth, randomText());
  assertStrictEquals(keeper, auth);
  assertEquals(await keeper(AUTH_REQUEST), "Test x");
  assertEquals(asked, [AUTH_REQUEST]);
});

test("quotesHidden() finds the secret of this auth, and no other", () => {
  const [mine, yours] = [randomText(), randomText()];
  const keeper = hideSecret(() => "Test x", mine);
  const quotations = [mine, `key ${mine}.`, mine.toLowerCase(), mine.slice(8, 20)];
  for (const text of quotations) assert(quotesHidden(keeper, text));
  for (const text of ["", "permission_denied", yours, mine.slice(0, 11)]) {
    assert(!quotesHidden(keeper, text));
  }
});

test("quotesHidden() finds nothing for an auth that keeps no secret, or that wraps one that does", () => {
  const secret = randomText();
  const keeper = hideSecret(() => "Test x", secret);
  const others: readonly RequestAuth[] = [
    () => secret,
    (request) => keeper(request),
    keeper.bind(undefined),
  ];
  for (const auth of others) assert(!quotesHidden(auth, secret));
});

test("hideSecret() adds one property, which is a symbol and neither listed, copied nor changed", () => {
  const auth: RequestAuth = () => "Test x";
  const before = Reflect.ownKeys(auth);
  const keeper = hideSecret(auth, randomText());
  const added = Reflect.ownKeys(keeper).filter((key) => !before.includes(key));
  assertEquals(added.map((key) => typeof key), ["symbol"]);
  for (const key of added) {
    const { enumerable, configurable, writable } = Object.getOwnPropertyDescriptor(keeper, key) ??
      {};
    assertEquals({ enumerable, configurable, writable }, {
      enumerable: false,
      configurable: false,
      writable: false,
    });
  }
  assertEquals(Reflect.ownKeys({ ...keeper }), []);
});

test("hideSecret() shows its secret to no inspection, before or after it was looked for", () => {
  const secret = randomText();
  const keeper = hideSecret(() => "Test x", secret);
  for (let round = 0; round < 2; round++) {
    assertEquals(leaksIn(keeper, { secret }), []);
    assertEquals(leaksIn({ auth: keeper }, { secret }), []);
    assert(quotesHidden(keeper, secret));
  }
});
