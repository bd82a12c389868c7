import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { memoryStore } from "../../src/login/memory_store.ts";

test("memoryStore() returns a record until it expires", () => {
  let ms = 1_000_000;
  const store = memoryStore(() => ms);
  store.setItem("a", "1", { ttl: 10 });
  store.setItem("b", "2");
  ms += 9_999;
  assertEquals([store.getItem("a"), store.getItem("b"), store.getItem("c")], ["1", "2", null]);
  ms += 1;
  assertEquals([store.getItem("a"), store.getItem("b")], [null, "2"]);
  store.removeItem("b");
  assertEquals(store.getItem("b"), null);
});

test("memoryStore() drops the login that was used least recently, beyond 10,000", () => {
  const store = memoryStore(() => 0);
  for (let i = 0; i < 10_000; i++) store.setItem(`key-${i}`, "x");
  store.getItem("key-0");
  store.setItem("key-new", "x");
  assertEquals([store.getItem("key-0"), store.getItem("key-1"), store.getItem("key-2")], [
    "x",
    null,
    "x",
  ]);
});
