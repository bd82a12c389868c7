import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import { TimeLimit } from "../src/time_limit.ts";
import { rejection } from "./support/fixtures.ts";

const never = new Promise<never>(() => {});

test("TimeLimit.wait() answers what the work comes to, if that is in time", async () => {
  const limit = new TimeLimit();
  limit.set(10_000, () => new Error("over"));
  assertEquals(await limit.wait(Promise.resolve("done")), "done");
  const failure = new Error("failed");
  assertStrictEquals(await rejection(limit.wait(Promise.reject(failure))), failure);
  assert(!limit.signal.aborted);
});

test("TimeLimit ends work that takes too long, and rejects with the error", async () => {
  const limit = new TimeLimit();
  const over = new Error("over");
  limit.set(10_000, () => new Error("the limit that was set before"));
  limit.set(5, () => over);
  assertStrictEquals(await rejection(limit.wait(never)), over);
  assert(limit.signal.aborted);
});

test("TimeLimit has no limit any more once it has ended", async () => {
  const limit = new TimeLimit();
  limit.set(5, () => new Error("over"));
  limit.end();
  assert(limit.signal.aborted);
  limit.set(5, () => new Error("over"));
  const work = new Promise((resolve) => setTimeout(resolve, 30, "late"));
  assertEquals(await limit.wait(work), "late");
});
