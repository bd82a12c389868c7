import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { CallerThrew } from "../../src/client/attempt.ts";
import { CredentialNetworkError } from "../../src/errors.ts";
import { rejection } from "../support/fixtures.ts";

test("CallerThrew.guard() answers what the function answers, now or later", async () => {
  assertEquals(await CallerThrew.guard(() => 5), 5);
  assertEquals(await CallerThrew.guard(() => Promise.resolve(5)), 5);
  assertEquals(await CallerThrew.guard(() => {}), undefined);
});

test("CallerThrew.guard() sets apart what the function throws, whatever it is", async () => {
  const values: readonly unknown[] = [
    undefined,
    "text",
    new Error("x"),
    // It looks like a failure that would be retried.
    new CredentialNetworkError("x", { reason: "reset" }),
    new DOMException("x", "AbortError"),
  ];
  for (const value of values) {
    const throwing: readonly (() => Promise<never>)[] = [
      () => {
        throw value;
      },
      () => Promise.reject(value),
    ];
    for (const run of throwing) {
      const thrown = await rejection(CallerThrew.guard(run));
      assertInstanceOf(thrown, CallerThrew);
      assertStrictEquals(thrown.value, value);
    }
  }
});
