import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { test } from "node:test";
import {
  CredentialInputError,
  CredentialSession,
  CredentialSessionError,
  CredentialSessions,
  type CredentialSessionsOptions,
} from "../../mod.ts";
import {
  apiError,
  AsyncStore,
  Clock,
  HOUR,
  MINUTE,
  rejection,
  Service,
  settle,
} from "../support/session_scene.ts";

interface Scene {
  readonly clock: Clock;
  readonly service: Service;
  readonly store: AsyncStore;
  readonly sessions: CredentialSessions;
  /** The sessions of another process with the same store. */
  another(options?: Partial<CredentialSessionsOptions>): CredentialSessions;
}

function scene(options: Partial<CredentialSessionsOptions> = {}): Scene {
  const clock = new Clock();
  const service = new Service(clock);
  const store = new AsyncStore();
  const another = (own: Partial<CredentialSessionsOptions> = {}) =>
    new CredentialSessions({ client: service, store, now: clock.now, ...options, ...own });
  return { clock, service, store, sessions: another(), another };
}

function count<T>(items: readonly T[], item: T): number {
  return items.filter((each) => each === item).length;
}

test("CredentialSessions.get() returns one session for each id", async () => {
  const { sessions } = scene();
  const [one, two] = [sessions.get("one"), sessions.get("two")];
  assert(one instanceof CredentialSession);
  assertStrictEquals(sessions.get("one"), one);
  assert(one !== two);
  await rejection(one.getIdToken());
  await one.signIn(crypto.randomUUID());
  assertStrictEquals(sessions.get("one"), one, "also for a sign-in after a first request");
  await assertRejects(() => two.getIdToken(), CredentialSessionError, "nobody is signed in");
});

test("CredentialSessions stores each login under its prefix and id", async () => {
  const { sessions, another, store } = scene();
  await sessions.get("one").signIn(crypto.randomUUID());
  await another({ prefix: "app:" }).get("two").signIn(crypto.randomUUID());
  assertEquals([...store.items.keys()], ["saasus-session:one", "app:two"]);
});

test("CredentialSessions refreshes once for 50 concurrent requests of one user", async () => {
  const { sessions, service, clock } = scene();
  service.rotation = true;
  await sessions.get("id").signIn(crypto.randomUUID());
  clock.advance(HOUR);
  const tokens = await Promise.all(
    Array.from({ length: 50 }, () => sessions.get("id").getIdToken()),
  );
  assertEquals([new Set(tokens).size, service.refreshes], [1, 1]);
});

test("CredentialSessions asks the service once per pause during an outage", async () => {
  const { sessions, service, clock } = scene();
  await sessions.get("id").signIn(crypto.randomUUID());
  clock.advance(HOUR);
  service.failure = apiError(503);
  for (let request = 0; request < 20; request++) {
    assertEquals(await rejection(sessions.get("id").getIdToken()), service.failure);
    clock.advance(1_000);
  }
  assertEquals(service.refreshes, 1);
});

test("CredentialSessions reads the store once per recheck for any number of requests", async () => {
  const { sessions, store, clock } = scene();
  await sessions.get("id").signIn(crypto.randomUUID());
  store.log.length = 0;
  for (let second = 0; second < 60; second++) {
    await Promise.all(Array.from({ length: 10 }, () => sessions.get("id").getIdToken()));
    clock.advance(1_000);
  }
  assertEquals(count(store.log, "getItem"), 11);
});

test("CredentialSessions notices a sign-out in another process within recheck", async () => {
  const { sessions, another, clock } = scene();
  const session = sessions.get("id");
  await session.signIn(crypto.randomUUID());
  await another().get("id").signOut();
  clock.advance(4_999);
  await session.getIdToken();
  clock.advance(1);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "signed out elsewhere");
  await assertRejects(() => sessions.get("id").getIdToken(), CredentialSessionError);
});

test("CredentialSessions adopts a token that another process has rotated", async () => {
  const { sessions, another, service, clock } = scene();
  service.rotation = true;
  await sessions.get("id").signIn(crypto.randomUUID());
  clock.advance(10 * MINUTE);
  const { id_token } = await another().get("id").refresh();
  assertEquals(await sessions.get("id").getIdToken(), id_token);
  assertEquals(service.refreshes, 1);
});

test("CredentialSessions keeps using a valid token while the store fails or hangs", async () => {
  const { sessions, store, clock } = scene();
  const { id_token } = await sessions.get("id").signIn(crypto.randomUUID());
  clock.advance(MINUTE);
  store.failures.getItem = new Error("connection lost");
  assertEquals(await sessions.get("id").getIdToken(), id_token);
  delete store.failures.getItem;
  store.gate = new Promise(() => {});
  clock.advance(MINUTE);
  const begin = Date.now();
  assertEquals(await sessions.get("id").getIdToken(), id_token);
  assert(Date.now() - begin < 3_000);
  assertEquals(await sessions.get("id").getIdToken(), id_token);
  assert(Date.now() - begin < 3_000, "the next request does not wait again");
});

for (const processes of [2, 3]) {
  test(`CredentialSessions keeps one login alike in ${processes} processes, through a thousand random steps`, async () => {
    const { clock, service, another } = scene();
    service.rotation = true;
    const all = Array.from({ length: processes }, () => another({ recheck: 1_000 }));
    const any = () => (all[Math.floor(Math.random() * processes)] ?? another()).get("id");
    const callAll = () =>
      Promise.allSettled(
        all.flatMap((sessions) => [1, 2, 3].map(() => sessions.get("id").getIdToken())),
      );
    await any().signIn(crypto.randomUUID());
    for (let step = 0; step < 1_000; step++) {
      clock.advance(1_000 + Math.random() * 40 * MINUTE);
      if (step % 20 === 0) {
        await any().signOut();
        clock.advance(1_000);
        const results = await callAll();
        assertEquals(results.filter(({ status }) => status === "fulfilled"), []);
        await any().signIn(crypto.randomUUID());
        clock.advance(1_000);
      }
      const { refreshes } = service;
      // One process is first, so that the others find its token in the store.
      const token = await any().getIdToken();
      for (const result of await callAll()) {
        assertEquals(result, { status: "fulfilled", value: token });
      }
      assert(service.refreshes - refreshes <= 1);
    }
    assert(service.refreshes > 200);
  });
}

test("CredentialSessions passes the ttl to the store, at most until the end of the login", async () => {
  const { store, clock, service } = scene();
  const ttls: unknown[] = [];
  const spy = {
    getItem: (key: string) => store.getItem(key),
    setItem: (...args: [string, string, unknown?]) => {
      ttls.push(args.length === 2 ? "none" : args[2]);
      return store.setItem(args[0], args[1]);
    },
    removeItem: (key: string) => store.removeItem(key),
  };
  const options = { client: service, store: spy, now: clock.now };
  await new CredentialSessions(options).get("id").signIn(crypto.randomUUID());
  const sessions = new CredentialSessions({ ...options, ttl: 3_600 });
  await sessions.get("one").signIn(crypto.randomUUID());
  const two = sessions.get("two", { expiresAt: clock.ms + 2 * HOUR });
  await two.signIn(crypto.randomUUID());
  clock.advance(90 * MINUTE);
  await two.refresh();
  clock.advance(HOUR);
  await two.refresh();
  assertEquals(ttls, ["none", { ttl: 3_600 }, { ttl: 3_600 }, { ttl: 1_800 }, { ttl: 1 }]);
});

test("CredentialSessions drops the least recently used of more than 5,000 sessions", async () => {
  const { sessions } = scene();
  const used = sessions.get("used");
  const idle = sessions.get("idle");
  for (const session of [used, idle]) await session.signIn(crypto.randomUUID());
  const { id_token } = await idle.getCredentials();
  for (let number = 0; number < 6_000; number++) {
    sessions.get(`${number}`);
    if (number % 1_000 === 0) sessions.get("used");
  }
  assertStrictEquals(sessions.get("used"), used);
  assert(sessions.get("idle") !== idle);
  assertEquals(await sessions.get("idle").getIdToken(), id_token);
});

test("CredentialSessions keeps a session again that was dropped during its sign-in", async () => {
  const { sessions, service } = scene();
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const session = sessions.get("arriving");
  const signedIn = session.signIn(crypto.randomUUID());
  for (let number = 0; number < 6_000; number++) sessions.get(`${number}`);
  gate.resolve();
  await signedIn;
  assertStrictEquals(sessions.get("arriving"), session);
});

test("CredentialSessions keeps a session during its sign-in, also if a request finds no login meanwhile", async () => {
  for (const finish of ["signIn", "signOut"] as const) {
    const { sessions, service, store } = scene();
    const gate = Promise.withResolvers<void>();
    service.gate = gate.promise;
    const session = sessions.get("arriving");
    const signedIn = session.signIn(crypto.randomUUID());
    assertInstanceOf(await rejection(session.getIdToken()), CredentialSessionError);
    assertStrictEquals(sessions.get("arriving"), session);
    if (finish === "signOut") {
      await sessions.get("arriving").signOut();
      assertStrictEquals(sessions.get("arriving"), session);
      gate.resolve();
      await rejection(signedIn);
    } else {
      gate.resolve();
      await signedIn;
      assertStrictEquals(sessions.get("arriving"), session);
    }
    assertEquals(store.items.size, finish === "signIn" ? 1 : 0);
  }
});

test("CredentialSessions keeps a session whose sign-in follows a slow sign-out", async () => {
  const { sessions, store } = scene();
  const session = sessions.get("id");
  const [removing, writing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.gate = removing.promise;
  const leaving = session.signOut();
  await settle();
  store.gate = writing.promise;
  const arriving = session.signIn(crypto.randomUUID());
  await settle();
  removing.resolve();
  await leaving;
  assertStrictEquals(sessions.get("id"), session);
  writing.resolve();
  await arriving;
  assertStrictEquals(sessions.get("id"), session);
});

test("CredentialSessions keeps no session for an id whose sign-in has failed", async () => {
  const { sessions, service } = scene();
  service.failure = apiError(404);
  const session = sessions.get("unknown");
  await rejection(session.signIn(crypto.randomUUID()));
  assert(sessions.get("unknown") !== session);
});

test("CredentialSessions keeps no session for an id without a login", async () => {
  const { sessions } = scene();
  const session = sessions.get("unknown");
  await rejection(session.getIdToken());
  assert(sessions.get("unknown") !== session);
});

test("CredentialSessions names each option that is invalid", () => {
  const error = assertThrows(
    () =>
      new CredentialSessions({
        client: {} as never,
        store: undefined as never,
        prefix: 5 as never,
        recheck: -1,
        ttl: 0,
        key: "surplus",
      } as never),
    CredentialInputError,
    "Cannot create the sessions",
  );
  assertEquals(error.issues.map(({ path }) => path), [
    "client",
    "store",
    "prefix",
    "recheck",
    "ttl",
    "",
  ]);
  assertThrows(() => scene().sessions.get(""), CredentialInputError, '"id": expected');
});
