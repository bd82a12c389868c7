import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CredentialSessionError } from "../../mod.ts";
import { deadline } from "../../src/async.ts";
import type { SessionLock } from "../../src/session/options.ts";
import { AsyncStore, HOUR, KEY, rejection, settle, signedIn } from "../support/session_scene.ts";

/** The part of `navigator.locks` that a session uses. */
class Locks {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly names: string[] = [];
  held = 0;

  request(
    name: string,
    { signal }: { signal: AbortSignal },
    callback: () => Promise<void>,
  ): Promise<void> {
    this.names.push(name);
    const before = this.#tails.get(name) ?? Promise.resolve();
    const mine = before.then(async () => {
      signal.throwIfAborted();
      this.held++;
      try {
        await callback();
      } finally {
        this.held--;
      }
    });
    this.#tails.set(name, mine.catch(() => {}));
    return mine;
  }
}

test("CredentialSession refreshes once for two sessions that share a lock", async () => {
  const store = new AsyncStore();
  const lock = new Locks();
  const { session, another, service, clock } = await signedIn({ store, lock });
  service.rotation = true;
  const other = another();
  await other.getIdToken();
  assertEquals(lock.names, []);
  clock.advance(HOUR);
  const [one, two] = await Promise.all([session.getIdToken(), other.getIdToken()]);
  assertEquals(one, two);
  assertEquals(service.refreshes, 1);
  assertEquals(lock.names, [KEY, KEY]);
  assertEquals(lock.held, 0);
});

test("CredentialSession accepts a function like navigator.locks.request", async () => {
  const names: string[] = [];
  const lock: SessionLock = async (name, { signal }, callback) => {
    assert(signal instanceof AbortSignal);
    names.push(name);
    await callback();
  };
  const { session, service } = await signedIn({ lock, key: "my-login" });
  await session.refresh();
  assertEquals(names, ["my-login"]);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession continues without a lock that is not granted in time, and releases a late grant", async () => {
  let granted: (() => Promise<void>) | undefined;
  let signal: AbortSignal | undefined;
  const { session, service } = await signedIn({
    lock: (_, options, callback) => {
      granted = callback;
      signal = options.signal;
      return new Promise(() => {});
    },
    lockTimeout: 1,
  });
  await session.refresh();
  assertEquals(service.refreshes, 1);
  assert(signal?.aborted);
  await granted?.();
  assertEquals(service.refreshes, 1);
});

test("CredentialSession continues without a lock if the request fails", async () => {
  const locks: SessionLock[] = [
    () => {
      throw new TypeError("Illegal invocation");
    },
    () => Promise.reject(new Error("no locks here")),
    () => Promise.resolve(),
    () => undefined,
  ];
  for (const lock of locks) {
    const { session, service } = await signedIn({ lock });
    await session.refresh();
    assertEquals(service.refreshes, 1);
  }
});

test("CredentialSession releases its lock after a failure and after a sign-out", async () => {
  const lock = new Locks();
  const { session, service } = await signedIn({ lock });
  service.failure = new Error("a mistake");
  assertEquals(await rejection(session.refresh()), service.failure);
  assertEquals(lock.held, 0);
  service.failure = undefined;
  await session.signIn(crypto.randomUUID());
  service.gate = new Promise(() => {});
  const waiter = rejection(session.refresh());
  await settle();
  assertEquals(lock.held, 1);
  await session.signOut();
  assert(await waiter instanceof CredentialSessionError);
  await settle();
  // The client of the test ignores its signal, so that its request is still under way.
  assertEquals(lock.held, 0);
});

test("CredentialSession.signOut() takes the lock, and forgets the login before it is granted", async () => {
  const store = new AsyncStore();
  const lock = new Locks();
  const { session, another, service, clock } = await signedIn({ store, lock });
  service.rotation = true;
  const other = another();
  await other.getIdToken();
  clock.advance(HOUR);
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const refreshed = other.getIdToken();
  await settle();
  assertEquals([lock.held, lock.names], [1, [KEY]]);
  const { length } = store.log;
  const leaving = session.signOut();
  assertEquals(session.signedIn, false);
  await settle();
  assertEquals([lock.held, lock.names], [1, [KEY, KEY]]);
  assertEquals(store.log.slice(length), [], "the other session has the lock");
  gate.resolve();
  await refreshed;
  await leaving;
  assertEquals([lock.held, store.items.size], [0, 0]);
});

test("CredentialSession.signOut() removes the login if the lock is not granted in time", async () => {
  const store = new AsyncStore();
  const signals: AbortSignal[] = [];
  const { session, service } = await signedIn({
    store,
    lock: (_, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    },
    lockTimeout: 10,
  });
  const waiter = rejection(session.refresh());
  await settle();
  await session.signOut();
  assert(await waiter instanceof CredentialSessionError);
  assertEquals(signals.map(({ aborted }) => aborted), [true, true]);
  assertEquals([service.refreshes, store.items.size], [0, 0]);
});

test("CredentialSession.signOut() removes nothing if its lock is granted while a sign-in replaces it", async () => {
  const store = new AsyncStore();
  let grant = () => {};
  const { session } = await signedIn({
    store,
    lock: (_, __, callback) =>
      new Promise((resolve) => {
        grant = () => resolve(callback());
      }),
  });
  const leaving = session.signOut();
  await settle();
  const setItem = store.setItem.bind(store);
  store.setItem = (key, value) => {
    grant();
    return setItem(key, value);
  };
  const { refresh_token } = await session.signIn(crypto.randomUUID());
  await leaving;
  await settle();
  assertEquals(store.refreshToken, refresh_token);
});

test("CredentialSession releases each grant of a lock that calls back twice", async () => {
  let released = 0;
  const calls: Promise<void>[] = [];
  const lock: SessionLock = async (_, __, callback) => {
    const grant = () => {
      const call = callback().then(() => void released++);
      calls.push(call);
      return call;
    };
    await Promise.all([grant(), grant()]);
    await grant();
  };
  const { session, service } = await signedIn({ lock });
  await session.refresh();
  await deadline(Promise.all(calls), 1_000);
  await settle();
  assertEquals([released, service.refreshes], [3, 1]);
});

test("CredentialSession reads the store again once it has the lock", async () => {
  const store = new AsyncStore();
  const { another, service, clock } = await signedIn({ store });
  service.rotation = true;
  const gate = Promise.withResolvers<void>();
  const waiting = another({
    lock: async (_, __, callback) => {
      await gate.promise;
      await callback();
    },
  });
  await waiting.getIdToken();
  clock.advance(HOUR);
  const call = waiting.getIdToken();
  await settle();
  const fresh = await another().getIdToken();
  gate.resolve();
  assertEquals(await call, fresh);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession ends without a wait for other tokens if it holds the lock", async () => {
  const store = new AsyncStore();
  const lock = new Locks();
  const { session, service } = await signedIn({ store, lock });
  service.revoke(store.refreshToken);
  const { length } = store.log;
  await assertRejects(() => session.refresh(), CredentialSessionError);
  assertEquals(store.log.slice(length), ["getItem", "getItem", "getItem", "getItem", "removeItem"]);
});
