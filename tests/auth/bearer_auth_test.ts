import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";
import { bearerAuth } from "../../src/auth/bearer_auth.ts";
import { CredentialInputError } from "../../src/errors.ts";
import { AUTH_REQUEST } from "../support/fixtures.ts";

const token = crypto.randomUUID();

/** What no token may be; where it is a text, it holds a secret. */
const WRONG: readonly unknown[] = [
  ...["\r", "\n", "\0", "\r\nX-Evil: 1", " ", "\t", "\x7f", "\x80", "é", "\u{1F600}"].flatMap(
    (bad) => [token + bad, bad + token, `${token}${bad}${token}`],
  ),
  `Bearer ${token}`,
  "",
  undefined,
  null,
  5,
  [token],
  { token },
];

test("bearerAuth() returns a fixed token every time, rejected or not", async () => {
  const auth = bearerAuth(token);
  assertEquals(await auth(AUTH_REQUEST), `Bearer ${token}`);
  assertEquals(await auth({ ...AUTH_REQUEST, rejected: true }), `Bearer ${token}`);
  const visible = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => index + 33));
  assertEquals(await bearerAuth(visible)(AUTH_REQUEST), `Bearer ${visible}`);
});

test("bearerAuth() rejects an invalid token at once, and does not quote it", () => {
  for (const wrong of WRONG) {
    const error = assertThrows(() => bearerAuth(wrong as string), CredentialInputError);
    assertEquals(error.issues.map(({ path }) => path), ["token"]);
    assert(!JSON.stringify(error).includes(token) && !String(error.stack).includes(token));
  }
});

test("bearerAuth() calls a function for every attempt, with nothing but rejected", async () => {
  const asked: unknown[] = [];
  const auth = bearerAuth((state) => {
    asked.push(state);
    return `${token}-${asked.length}`;
  });
  assertEquals(await auth(AUTH_REQUEST), `Bearer ${token}-1`);
  assertEquals(await auth({ ...AUTH_REQUEST, rejected: true }), `Bearer ${token}-2`);
  assertEquals(asked, [{ rejected: false }, { rejected: true }]);
});

test("bearerAuth() awaits a function", async () => {
  const auth = bearerAuth(async () => {
    await Promise.resolve();
    return token;
  });
  assertEquals(await auth(AUTH_REQUEST), `Bearer ${token}`);
});

test("bearerAuth() rejects an invalid token of a function, and does not quote it", async () => {
  for (const wrong of WRONG) {
    for (const answer of [() => wrong, () => Promise.resolve(wrong)]) {
      const auth = bearerAuth(answer as () => string);
      const error = await assertRejects(async () => await auth(AUTH_REQUEST), CredentialInputError);
      assert(!JSON.stringify(error).includes(token) && !String(error.stack).includes(token));
    }
  }
});

test("bearerAuth() rejects with the error of a function", async () => {
  const thrown = { reason: "the vault is closed" };
  const functions: readonly (() => string | Promise<string>)[] = [
    () => {
      throw thrown;
    },
    () => Promise.reject(thrown),
  ];
  for (const provider of functions) {
    let caught: unknown;
    await Promise.resolve(bearerAuth(provider)(AUTH_REQUEST)).catch((reason) => caught = reason);
    assertStrictEquals(caught, thrown);
  }
});

test("bearerAuth() does not show its token to an inspection", () => {
  const auth = bearerAuth(token);
  const shown = inspect(auth, { showHidden: true, depth: 9 }) + String(auth) +
    JSON.stringify(Object.getOwnPropertyDescriptors(auth));
  assert(!shown.includes(token));
});
