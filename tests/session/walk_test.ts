import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialSession } from "../../mod.ts";
import type { SessionStore } from "../../src/session/options.ts";
import { AsyncStore, Clock, MINUTE, Service } from "../support/session_scene.ts";

/** Creates a generator of numbers from 0 to 1 that are the same for each seed (mulberry32). */
function randomOf(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

/** A store whose calls take a random number of turns. */
function slowStore(store: AsyncStore, random: () => number): SessionStore {
  const wait = () => turns(random() * 30);
  return {
    getItem: async (key) => (await wait(), await store.getItem(key)),
    setItem: async (key, value) => (await wait(), await store.setItem(key, value)),
    removeItem: async (key) => (await wait(), await store.removeItem(key)),
  };
}

/** A service whose responses take a random number of turns. */
class SlowService extends Service {
  readonly #random: () => number;

  constructor(clock: Clock, random: () => number) {
    super(clock);
    this.#random = random;
    this.rotation = random() < 0.5;
  }

  override async getAuthCredentials(...call: Parameters<Service["getAuthCredentials"]>) {
    await turns(this.#random() * 60);
    const credentials = await super.getAuthCredentials(...call);
    await turns(this.#random() * 60);
    return credentials;
  }
}

test("CredentialSession ends as its last sign-in or sign-out in 300 walks of overlapping calls", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed);
    const clock = new Clock();
    const store = new AsyncStore();
    const service = new SlowService(clock, random);
    const options = { client: service, store: slowStore(store, random), now: clock.now };
    const session = new CredentialSession(options);
    let isSignedIn = false;
    const calls: Promise<unknown>[] = [];
    for (let step = 0; step < 12; step++) {
      const choice = random();
      if (choice < 0.45) isSignedIn = choice < 0.25;
      const call: Promise<unknown> = choice < 0.25
        ? session.signIn(crypto.randomUUID())
        : choice < 0.45
        ? session.signOut()
        : choice < 0.6
        ? session.refresh()
        : session.getIdToken();
      calls.push(call.catch(() => {}));
      await turns(random() * 80);
      clock.advance(random() < 0.2 ? 58 * MINUTE : 5);
    }
    await Promise.all(calls);
    assertEquals([session.signedIn, store.items.size], [isSignedIn, isSignedIn ? 1 : 0], `${seed}`);
    if (!isSignedIn) continue;
    assertEquals((await session.getCredentials()).refresh_token, store.refreshToken, `${seed}`);
  }
});
