import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import {
  CredentialSession,
  CredentialSessionError,
  decodeIdToken,
  isCredentialError,
  type SessionLock,
} from "../../mod.ts";
import { Clock, HOUR, MINUTE } from "../support/session_scene.ts";
import { type RedisScene, redisScene } from "./redis_scene.ts";

const STEPS = 150;

/** A lock for the sessions of one process. */
function processLock(): SessionLock {
  let tail: Promise<unknown> = Promise.resolve();
  return (_name, { signal }, callback) => {
    const turn = tail.then(async () => {
      if (!signal.aborted) await callback();
    });
    tail = turn.catch(() => {});
    return turn;
  };
}

/** Returns a generator of random numbers from 0 to 1 that repeats a walk by its seed. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sessions with connections to Redis of their own, and a random choice of what they do. */
interface Walk extends RedisScene {
  readonly clock: Clock;
  readonly sessions: readonly CredentialSession[];
  /** Returns the names of all events since the last call, sorted. */
  readonly takeEvents: () => string[];
  readonly random: () => number;
  readonly any: () => CredentialSession;
  /** Makes calls of some sessions at the same time, and returns their results. */
  readonly call: () => Promise<PromiseSettledResult<string>[]>;
}

async function walk(count: number, seed: number, lock?: SessionLock): Promise<Walk> {
  const clock = new Clock();
  const stage = await redisScene({ rotation: true, now: clock.now });
  const random = randomBy(seed);
  let events: string[] = [];
  const sessions = Array.from({ length: count }, () =>
    new CredentialSession({
      client: stage.client,
      store: stage.connect(),
      now: clock.now,
      lock,
      onChange: ({ type }) => void events.push(type),
    }));
  const any = () => sessions[Math.floor(random() * count)] ?? new CredentialSession(stage);
  const once = async (session: CredentialSession) =>
    random() < 0.3 ? (await session.refresh()).id_token : await session.getIdToken();
  return {
    ...stage,
    clock,
    sessions,
    random,
    any,
    takeEvents: () => {
      const taken = events.sort();
      events = [];
      return taken;
    },
    call: () => {
      const chosen = sessions.filter(() => random() < 0.7);
      return Promise.allSettled(chosen.flatMap((session) => [once(session), once(session)]));
    },
  };
}

function assertValid(token: string, clock: Clock): void {
  assert((decodeIdToken(token).exp ?? 0) * 1_000 > clock.ms, "the token is valid");
}

for (const count of [2, 3]) {
  const seed = Math.floor(Math.random() * 1e9);

  test(`CredentialSession loses no login in a random walk of ${count} sessions over Redis, with rotation and outages (seed ${seed})`, async () => {
    await using stage = await walk(count, seed);
    const { clock, emulator, random, any, call, sessions, takeEvents } = stage;
    await any().signIn(emulator.issueCode());
    for (let step = 0; step < STEPS; step++) {
      clock.advance(Math.floor(random() * 40 * MINUTE));
      const isDown = random() < 0.2;
      emulator.faults = () => {
        if (isDown) return random() < 0.5 ? { kind: "drop" } : { kind: "status", status: 503 };
        return random() < 0.3 ? { kind: "delay", ms: 10 } : undefined;
      };
      for (const result of await call()) {
        if (result.status === "fulfilled") assertValid(result.value, clock);
        else assert(isPassing(result.reason), String(result.reason));
      }
    }
    emulator.faults = [];
    clock.advance(HOUR);
    for (const session of sessions) assertValid(await session.getIdToken(), clock);
    const events = takeEvents();
    assertEquals(events.filter((type) => type === "ended" || type === "signed_out"), []);
    assert(events.filter((type) => type === "refreshed").length > STEPS / 4);
  });

  test(`CredentialSession is signed out by a sign-out at any moment in a random walk of ${count} sessions over Redis, with a lock (seed ${seed})`, async () => {
    await using stage = await walk(count, seed, processLock());
    const { clock, emulator, random, any, call, sessions, takeEvents, store } = stage;
    for (let step = 0; step < STEPS / 3; step++) {
      await any().signIn(emulator.issueCode());
      for (const session of sessions) await session.getIdToken();
      clock.advance(Math.floor(random() * 2 * HOUR));
      emulator.faults = () => random() < 0.5 ? { kind: "delay", ms: 5 } : undefined;
      takeEvents();
      const calls = call();
      await new Promise((resolve) => setTimeout(resolve, random() * 20));
      await any().signOut();
      for (const result of await calls) {
        if (result.status === "rejected") assert(result.reason instanceof CredentialSessionError);
      }
      assertEquals(await store.getItem("saasus-credentials"), null);
      clock.advance(HOUR);
      for (const session of sessions) {
        await assertRejects(() => session.getIdToken(), CredentialSessionError);
      }
      // If a sign-out stops a refresh whose token is rotated already, the next session finds that
      // the service rejects the token before the sign-out has removed it.
      const events = takeEvents().filter((type) => type !== "refreshed");
      assertEquals(events.length, count);
      assertEquals(events.filter((type) => type !== "signed_out" && type !== "ended"), []);
    }
  });
}

/** Checks for an error that ends no session. */
function isPassing(error: unknown): boolean {
  return isCredentialError(error) &&
    (error.code === "network_error" || (error.code === "api_error" && error.status === 503));
}
