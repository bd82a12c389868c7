import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import type { CredentialEmulatorOptions } from "../../src/emulator/mod.ts";
import { runExample } from "../support/examples_process.ts";
import { HOUR, MINUTE } from "../support/session_scene.ts";
import { type RedisScene, redisScene } from "./redis_scene.ts";
import type { WorkerCommand, WorkerResult } from "./sessions_worker.ts";

const RECHECK = 1_000;

/** Two processes that serve the same login. */
interface Processes extends RedisScene {
  readonly one: (command: WorkerCommand) => Promise<WorkerResult>;
  readonly two: (command: WorkerCommand) => Promise<WorkerResult>;
  /** Sends a command to both processes at the same time. */
  readonly both: (command: WorkerCommand) => Promise<WorkerResult[]>;
  /** Returns the number of refreshes that have reached the service. */
  readonly refreshes: () => number;
}

async function processes(options: CredentialEmulatorOptions = {}): Promise<Processes> {
  const stack = new AsyncDisposableStack();
  const stage = stack.use(await redisScene({ rotation: true, ...options }));
  const env = { ...stage.env, RECHECK: String(RECHECK) };
  const start = () =>
    stack.use(runExample("tests/redis/sessions_worker.ts", { env, deno: ["run", "-A"] }));
  const workers = [start(), start()];
  const [one, two] = await Promise.all(workers.map(async (worker) => {
    const [url] = await worker.printed(/http:\/\/[^/\s]+:\d+/);
    return async (command: WorkerCommand): Promise<WorkerResult> => {
      const response = await fetch(url, { method: "POST", body: JSON.stringify(command) });
      return await response.json();
    };
  }));
  assert(one !== undefined && two !== undefined);
  await one({ signIn: stage.emulator.issueCode() });
  return {
    ...stage,
    one,
    two,
    both: (command) => Promise.all([one(command), two(command)]),
    refreshes: () =>
      stage.emulator.requests.filter(({ authFlow }) => authFlow === "refreshTokenAuth").length,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("CredentialSessions in two processes refreshes once in each at most for 50 requests at expiry, and loses no login", async () => {
  await using stage = await processes();
  const { emulator, both } = stage;
  const races: number[] = [];
  for (let round = 0; round < 20; round++) {
    // Slow requests, so that both processes have sent the same refresh token before it is rotated.
    emulator.faults = () => ({ kind: "delay", ms: 50 });
    const results = await both({ advance: HOUR, calls: 50 });
    for (const { failures, requests } of results) {
      assertEquals(failures, []);
      assert(requests <= 1, `${requests} requests of a process`);
    }
    const tokens = new Set(results.flatMap(({ tokens }) => tokens));
    assertEquals(tokens.size, 1, "the loser of the race takes the token of the winner");
    races.push(results.reduce((sum, { requests }) => sum + requests, 0));
  }
  assert(races.includes(2), "no two processes have refreshed at the same time");
  assertEquals(races.filter((requests) => requests < 1 || requests > 2), []);
});

test("CredentialSessions in one process takes over a refresh of another process within recheck", async () => {
  await using stage = await processes();
  const { one, two, both } = stage;
  const [before = ""] = (await two({ advance: 54 * MINUTE, calls: 1 })).tokens;
  const [after = ""] = (await one({ advance: 56 * MINUTE, calls: 1 })).tokens;
  assertNotEquals(after, before);
  // The clock of the other process is behind, so that its token is not due for a refresh.
  assertEquals((await two({ advance: RECHECK - 1, calls: 50 })).tokens, [before]);
  assertEquals(await two({ advance: 1, calls: 50 }), {
    tokens: [after],
    failures: [],
    requests: 0,
  });
  assertEquals((await both({ calls: 50 })).map(({ tokens }) => tokens), [[after], [after]]);
});

test("CredentialSessions.get().signOut() in one process holds in another process within recheck", async () => {
  await using stage = await processes();
  const { one, two, emulator } = stage;
  const { tokens } = await two({ calls: 1 });
  await one({ signOut: true });
  assertEquals((await two({ advance: RECHECK - 1, calls: 50 })).tokens, tokens);
  const { failures, ...result } = await two({ advance: 1, calls: 50 });
  assertEquals([failures.length, result], [1, { tokens: [], requests: 0 }]);
  assertMatch(failures[0] ?? "", /signed out elsewhere/);
  assertEquals(await stage.store.getItem("saasus-session:id"), null);
  // The same id can sign in again, in any process.
  await two({ signIn: emulator.issueCode() });
  const again = await one({ advance: RECHECK, calls: 50 });
  assertEquals([again.tokens.length, again.failures], [1, []]);
});

test("CredentialSessions sends one request per process and pause while the service is down", async () => {
  await using stage = await processes();
  const { emulator, both, refreshes } = stage;
  await both({ calls: 1 });
  emulator.faults = () => ({ kind: "status", status: 503 });
  const requests: number[][] = [];
  // Without pauses, each process would send 221 requests.
  for (let second = 0; second <= 220; second++) {
    const results = await both({ advance: second === 0 ? 2 * HOUR : 1_000, calls: 50 });
    for (const { tokens, failures } of results) {
      assertEquals([tokens, failures.length], [[], 1]);
      assertMatch(failures[0] ?? "", /the API answered 503/);
    }
    if (results.some(({ requests }) => requests > 0)) {
      requests.push([second, ...results.map(({ requests }) => requests)]);
    }
  }
  // The pauses are 30 s, 60 s and 120 s.
  assertEquals(requests, [[0, 1, 1], [30, 1, 1], [90, 1, 1], [210, 1, 1]]);
  assertEquals(refreshes(), 8);
  emulator.faults = [];
  for (const { tokens, failures } of await both({ advance: 4 * MINUTE, calls: 50 })) {
    assertEquals([tokens.length, failures], [1, []]);
  }
});
