import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { ExpiringMap } from "../../src/emulator/expiring_map.ts";
import { Clock } from "../support/emulator_call.ts";

test("ExpiringMap.get() returns a value until it expires", () => {
  const clock = new Clock();
  const map = new ExpiringMap<string>({ capacity: 10, now: clock.now });
  map.set("a", "1", 100);
  clock.advance(99);
  assertEquals(map.get("a"), "1");
  clock.advance(1);
  assertEquals(map.get("a"), undefined);
});

test("ExpiringMap.take() returns a value once", () => {
  const map = new ExpiringMap<string>({ capacity: 10, now: () => 0 });
  map.set("a", "1", 100);
  assertEquals([map.take("a"), map.take("a"), map.size], ["1", undefined, 0]);
});

test("ExpiringMap removes expired entries on each use", () => {
  const clock = new Clock();
  const map = new ExpiringMap<number>({ capacity: 1_000, now: clock.now });
  for (let i = 0; i < 1_000; i++) map.set(`old-${i}`, i, 100);
  clock.advance(100);
  map.get("whatever");
  assertEquals(map.size, 0);
});

test("ExpiringMap.set() removes the oldest entries beyond the capacity", () => {
  const map = new ExpiringMap<number>({ capacity: 3, now: () => 0 });
  for (let i = 0; i < 100; i++) map.set(String(i), i, 100);
  assertEquals(map.size, 3);
  assertEquals(["96", "97", "99"].map((key) => map.get(key)), [undefined, 97, 99]);
});

test("ExpiringMap.set() makes an existing entry the newest", () => {
  const map = new ExpiringMap<number>({ capacity: 2, now: () => 0 });
  for (const key of ["a", "b", "a", "c"]) map.set(key, 1, 100);
  assertEquals(["a", "b", "c"].map((key) => map.get(key)), [1, undefined, 1]);
});
