import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { parseHttpDate, retryAfterOf } from "../../src/client/http_date.ts";

const NOW = Date.UTC(2024, 1, 29, 23, 59, 59);
const DATE = "Thu, 29 Feb 2024 23:59:59 GMT";

/** The wait that such headers ask for. */
function wait(retryAfter?: string, date?: string): number | undefined {
  const headers = new Headers();
  if (retryAfter !== undefined) headers.set("Retry-After", retryAfter);
  if (date !== undefined) headers.set("Date", date);
  return retryAfterOf(headers, NOW);
}

test("parseHttpDate() reads the form that is sent today", () => {
  assertEquals(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), Date.UTC(1994, 10, 6, 8, 49, 37));
  assertEquals(parseHttpDate(DATE), NOW);
  for (let month = 0; month < 12; month++) {
    const time = Date.UTC(2030, month, 28, 23, 59, 59);
    assertEquals(parseHttpDate(new Date(time).toUTCString()), time);
  }
});

test("parseHttpDate() reads nothing else", () => {
  const garbage = [
    null,
    "",
    " ",
    "garbage",
    "0",
    "1700000000",
    "2024-02-29T23:59:59Z",
    "2024-02-29",
    "Feb 29 2024",
    "Thu, 29 Feb 2024",
    "Thu, 29 Feb 2024 23:59 GMT",
    "Thu, 29 Feb 2024 23:59:59",
    "Thu, 29 Feb 2024 23:59:59 UTC",
    "Thu, 29 Feb 2024 23:59:59 +0900",
    "Thu, 29 Feb 2024 23:59:59 GMT+0900",
    "Thu, 29 Feb 2024 23:59:59 GMT ",
    `${DATE}, ${DATE}`,
    "Thu 29 Feb 2024 23:59:59 GMT",
    "Thu, 9 Feb 2024 23:59:59 GMT",
    "Thu, 29 Feb 24 23:59:59 GMT",
    "Thu, 29 Feb 02024 23:59:59 GMT",
    "Xyz, 29 Feb 2024 23:59:59 GMT",
    "Thu, 29 Xyz 2024 23:59:59 GMT",
    "Thu, 29 ___ 2024 23:59:59 GMT",
    "Thu, 29 123 2024 23:59:59 GMT",
    "Thu, 32 Jan 2024 23:59:59 GMT",
    "Thu, 00 Jan 2024 23:59:59 GMT",
    "Thu, 29 Feb 2024 25:59:59 GMT",
    "Thu, 29 Feb 2024 23:60:59 GMT",
    // What Date.parse takes for another time.
    "Wed, 31 Feb 2024 23:59:59 GMT",
    "Mon, 29 Feb 2024 23:59:59 GMT",
    "Thu, 29 Feb 2024 24:00:00 GMT",
    "Thu, 29 Feb 2024 23:59:60 GMT",
    "Thu, 29 Feb 2024 23:59:99 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT",
    // The two obsolete forms.
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ];
  for (const text of garbage) assertEquals(parseHttpDate(text), undefined, String(text));
});

test("retryAfterOf() reads seconds", () => {
  for (
    const [text, ms] of [["0", 0], ["1", 1_000], ["007", 7_000], [
      "9999999999",
      1e13 - 1e3,
    ]] as const
  ) {
    assertEquals(wait(text), ms);
  }
});

test("retryAfterOf() takes more seconds than there are in an age of the world for a wait, too", () => {
  assertEquals(wait("31536000000"), 31_536_000_000_000);
  assertEquals(wait("9".repeat(400)), Number.MAX_SAFE_INTEGER);
});

test("retryAfterOf() counts a date from the Date of the same answer, or else from now", () => {
  const later = "Fri, 01 Mar 2024 00:00:29 GMT";
  assertEquals(wait(later), 30_000);
  assertEquals(wait(later, "Fri, 01 Mar 2024 00:00:19 GMT"), 10_000);
  assertEquals(wait(later, "garbage"), 30_000);
  assertEquals(wait(DATE), 0);
  assertEquals(wait("Thu, 29 Feb 2024 00:00:00 GMT"), 0);
  assertEquals(wait(DATE, later), 0);
});

test("retryAfterOf() reads no wait out of anything else", () => {
  assertEquals(wait(), undefined);
  assertEquals(wait(undefined, DATE), undefined);
  const garbage = ["", "-1", "+1", "1.5", "1e3", "0x10", "1 s", "1, 2", "Infinity", "NaN", "soon"];
  for (const text of [...garbage, "2024-02-29T23:59:59Z"]) {
    assertEquals(wait(text), undefined, text);
  }
});
