import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { parseHttpDate, retryAfterOf, ServerClock } from "../../src/client/server_time.ts";

const START = Date.UTC(2024, 5, 1, 12);
const HOUR = 3_600_000;

interface Sample {
  /** How far the server is ahead at the midpoint of the trip, in ms; a multiple of 1,000. */
  ahead?: number;
  trip?: number;
  headers?: Record<string, string>;
}

/** The offset of a clock that has learned from these samples. */
function offsetAfter(...samples: readonly Sample[]): number {
  const clock = new ServerClock(() => START);
  for (const { ahead = 0, trip = 0, headers = {} } of samples) {
    const date = new Date(START + ahead).toUTCString();
    clock.learn({
      sent: START - trip / 2,
      received: START + trip / 2,
      headers: new Headers({ date, ...headers }),
    });
  }
  assertEquals(clock.local(), START);
  return clock.now() - START;
}

test("ServerClock equals the local clock until a response corrects it", () => {
  let time = START;
  const clock = new ServerClock(() => time);
  assertEquals([clock.now(), clock.local()], [START, START]);
  clock.learn({
    sent: START,
    received: START,
    headers: new Headers({ date: new Date(START + HOUR).toUTCString() }),
  });
  time += 5_000;
  assertEquals([clock.now(), clock.local()], [START + HOUR + 5_000, START + 5_000]);
});

test("ServerClock corrects offsets of 30 s or more, in both directions, by minutes and by years", () => {
  for (const ahead of [30_000, 31_000, 300_000, 9 * HOUR, 20_000 * HOUR]) {
    assertEquals(offsetAfter({ ahead }), ahead);
    assertEquals(offsetAfter({ ahead: -ahead }), -ahead);
  }
  for (const ahead of [0, 1_000, 29_000]) {
    assertEquals(offsetAfter({ ahead }), 0);
    assertEquals(offsetAfter({ ahead: -ahead }), 0);
  }
});

test("exact() corrects any offset", () => {
  for (const ahead of [0, 1_000, -29_000, HOUR]) {
    const clock = new ServerClock(() => START);
    assertEquals(clock.exact(), START);
    const date = new Date(START + ahead).toUTCString();
    clock.learn({ sent: START, received: START, headers: new Headers({ date }) });
    assertEquals(clock.exact(), START + ahead);
  }
});

test("ServerClock compares the Date with the middle of the round trip", () => {
  const headers = new Headers({ date: new Date(START + 30_000).toUTCString() });
  const offsets = ([[0, 0], [-200, 0], [0, 200], [-2_000, 2_000], [-50, 51]] as const).map(
    ([sent, received]) => {
      const clock = new ServerClock(() => START);
      clock.learn({ sent: START + sent, received: START + received, headers });
      return clock.now() - START;
    },
  );
  // 30 s from the moment of sending are 29.9 s from the midpoint of 200 ms later: too little.
  assertEquals(offsets, [30_000, 30_100, 0, 30_000, 0]);
});

test("ServerClock ignores round trips over 10 s and below 0", () => {
  const ahead = HOUR;
  assertEquals(offsetAfter({ ahead, trip: 10_000 }), ahead);
  for (const trip of [10_001, 60_000, -1, -HOUR, NaN, Infinity]) {
    assertEquals(offsetAfter({ ahead, trip }), 0, String(trip));
  }
});

test("ServerClock ignores responses that are cached or have no valid Date", () => {
  const useless: readonly Record<string, string>[] = [
    { age: "0" },
    { age: "3600" },
    { date: "" },
    { date: "garbage" },
    { date: "0" },
    { date: new Date(START + HOUR).toISOString() },
  ];
  for (const headers of useless) {
    assertEquals(offsetAfter({ ahead: HOUR, headers }), 0);
    // Nor does it forget what it has learned.
    assertEquals(offsetAfter({ ahead: -HOUR }, { ahead: HOUR, headers }), -HOUR);
  }
  const clock = new ServerClock(() => START);
  clock.learn({ sent: START, received: START, headers: new Headers() });
  assertEquals(clock.now(), START);
});

test("ServerClock follows the latest response, also back to the local clock", () => {
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: 2 * HOUR }), 2 * HOUR);
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: -60_000 }), -60_000);
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: 29_000 }), 0);
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: 0 }), 0);
});

test("ServerClock accepts a repeated Date after another one", () => {
  const date = new Date(START + HOUR).toUTCString();
  const clock = new ServerClock(() => START);
  const offsets = [{ date }, {}, { date: "garbage" }, { date }].map((headers, index) => {
    const received = START + index * 1_000;
    clock.learn({ sent: received, received, headers: new Headers(headers) });
    return clock.now() - START;
  });
  assertEquals(offsets, [HOUR, HOUR, HOUR, HOUR - 3_000]);
});

const RECEIVED = Date.UTC(2024, 1, 29, 23, 59, 59);
const DATE = "Thu, 29 Feb 2024 23:59:59 GMT";

/** Returns the wait that headers request. */
function wait(retryAfter?: string, date?: string): number | undefined {
  const headers = new Headers();
  if (retryAfter !== undefined) headers.set("Retry-After", retryAfter);
  if (date !== undefined) headers.set("Date", date);
  return retryAfterOf(headers, RECEIVED);
}

test("parseHttpDate() parses the current form", () => {
  assertEquals(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), Date.UTC(1994, 10, 6, 8, 49, 37));
  assertEquals(parseHttpDate(DATE), RECEIVED);
  for (let month = 0; month < 12; month++) {
    const time = Date.UTC(2030, month, 28, 23, 59, 59);
    assertEquals(parseHttpDate(new Date(time).toUTCString()), time);
  }
});

test("parseHttpDate() rejects all other forms", () => {
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
    // Texts that Date.parse accepts as another time.
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

test("retryAfterOf() parses seconds", () => {
  for (
    const [text, ms] of [["0", 0], ["1", 1_000], ["007", 7_000], [
      "9999999999",
      1e13 - 1e3,
    ]] as const
  ) {
    assertEquals(wait(text), ms);
  }
});

test("retryAfterOf() limits very long waits to a safe integer", () => {
  assertEquals(wait("31536000000"), 31_536_000_000_000);
  assertEquals(wait("9".repeat(400)), Number.MAX_SAFE_INTEGER);
});

test("retryAfterOf() compares a date with the Date of the same response, or else with now", () => {
  const later = "Fri, 01 Mar 2024 00:00:29 GMT";
  assertEquals(wait(later), 30_000);
  assertEquals(wait(later, "Fri, 01 Mar 2024 00:00:19 GMT"), 10_000);
  assertEquals(wait(later, "garbage"), 30_000);
  assertEquals(wait(DATE), 0);
  assertEquals(wait("Thu, 29 Feb 2024 00:00:00 GMT"), 0);
  assertEquals(wait(DATE, later), 0);
});

test("retryAfterOf() returns undefined for any other value", () => {
  assertEquals(wait(), undefined);
  assertEquals(wait(undefined, DATE), undefined);
  const garbage = ["", "-1", "+1", "1.5", "1e3", "0x10", "1 s", "1, 2", "Infinity", "NaN", "soon"];
  for (const text of [...garbage, "2024-02-29T23:59:59Z"]) {
    assertEquals(wait(text), undefined, text);
  }
});
