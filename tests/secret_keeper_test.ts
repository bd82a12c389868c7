import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import type { AuthRequest, RequestAuth } from "../src/request_auth.ts";
import { keepSecret, keepsSecret } from "../src/secret_keeper.ts";
import { secret as randomText } from "./fixtures.ts";
import { leaksIn } from "./leak_search.ts";

const request: AuthRequest = {
  method: "GET",
  url: "https://h/p",
  body: "",
  timestamp: 0,
  rejected: false,
};

test("keepSecret() answers the same auth, to be called as before", async () => {
  const asked: AuthRequest[] = [];
  const auth: RequestAuth = (request) => {
    asked.push(request);
    return "Test x";
  };
  const keeper = keepSecret(auth, randomText());
  assertStrictEquals(keeper, auth);
  assertEquals(await keeper(request), "Test x");
  assertEquals(asked, [request]);
});

test("keepsSecret() finds the secret of this auth, and no other", () => {
  const [mine, yours] = [randomText(), randomText()];
  const keeper = keepSecret(() => "Test x", mine);
  const quotations = [mine, `key ${mine}.`, mine.toLowerCase(), mine.slice(8, 20)];
  for (const text of quotations) assert(keepsSecret(keeper, text));
  for (const text of ["", "permission_denied", yours, mine.slice(0, 11)]) {
    assert(!keepsSecret(keeper, text));
  }
});

test("keepsSecret() finds nothing for an auth that keeps no secret, or that wraps one that does", () => {
  const secret = randomText();
  const keeper = keepSecret(() => "Test x", secret);
  const others: readonly RequestAuth[] = [
    () => secret,
    (request) => keeper(request),
    keeper.bind(undefined),
  ];
  for (const auth of others) assert(!keepsSecret(auth, secret));
});

test("keepSecret() adds one property, which is a symbol and neither listed, copied nor changed", () => {
  const auth: RequestAuth = () => "Test x";
  const before = Reflect.ownKeys(auth);
  const keeper = keepSecret(auth, randomText());
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

test("keepSecret() shows its secret to no inspection, before or after it was looked for", () => {
  const secret = randomText();
  const keeper = keepSecret(() => "Test x", secret);
  for (let round = 0; round < 2; round++) {
    assertEquals(leaksIn(keeper, { secret }), []);
    assertEquals(leaksIn({ auth: keeper }, { secret }), []);
    assert(keepsSecret(keeper, secret));
  }
});
