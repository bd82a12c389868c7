import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { isHeaderValue, isVisibleAscii } from "../src/header_value.ts";

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
