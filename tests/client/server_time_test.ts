import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { ServerClock } from "../../src/client/server_time.ts";

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

test("ServerClock runs as the local clock until it learns otherwise", () => {
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

test("ServerClock tells the exact time of the server, too, however little it is off", () => {
  for (const ahead of [0, 1_000, -29_000, HOUR]) {
    const clock = new ServerClock(() => START);
    assertEquals(clock.exact(), START);
    const date = new Date(START + ahead).toUTCString();
    clock.learn({ sent: START, received: START, headers: new Headers({ date }) });
    assertEquals(clock.exact(), START + ahead);
  }
});

test("ServerClock measures at the midpoint of the trip", () => {
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

test("ServerClock learns from trips of up to 10 s, and not from those that went back in time", () => {
  const ahead = HOUR;
  assertEquals(offsetAfter({ ahead, trip: 10_000 }), ahead);
  for (const trip of [10_001, 60_000, -1, -HOUR, NaN, Infinity]) {
    assertEquals(offsetAfter({ ahead, trip }), 0, String(trip));
  }
});

test("ServerClock learns nothing from an answer that is cached or has no proper Date", () => {
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

test("ServerClock follows the latest sample, back to the local clock as well", () => {
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: 2 * HOUR }), 2 * HOUR);
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: -60_000 }), -60_000);
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: 29_000 }), 0);
  assertEquals(offsetAfter({ ahead: HOUR }, { ahead: 0 }), 0);
});

test("ServerClock takes a Date that it has read before for what it says, whatever came in between", () => {
  const date = new Date(START + HOUR).toUTCString();
  const clock = new ServerClock(() => START);
  const offsets = [{ date }, {}, { date: "garbage" }, { date }].map((headers, index) => {
    const received = START + index * 1_000;
    clock.learn({ sent: received, received, headers: new Headers(headers) });
    return clock.now() - START;
  });
  assertEquals(offsets, [HOUR, HOUR, HOUR, HOUR - 3_000]);
});
