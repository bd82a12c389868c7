import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CredentialSessionError } from "../../mod.ts";
import {
  AsyncStore,
  HOUR,
  KEY,
  MINUTE,
  rejection,
  scene,
  Service,
  settle,
  signedIn,
} from "../support/session_scene.ts";

test("CredentialSession adopts tokens that another session with its store has refreshed", async () => {
  for (const rotation of [true, false]) {
    const store = new AsyncStore();
    const { session, another, service, clock, events } = await signedIn({ store });
    service.rotation = rotation;
    const other = another();
    await other.getIdToken();
    clock.advance(56 * MINUTE);
    const fresh = await other.getIdToken();
    assertEquals(await session.getIdToken(), fresh);
    assertEquals(service.refreshes, 1);
    assertEquals(events, ["signed_in", "refreshed"]);
  }
});

test("CredentialSession works while another session rotates the refresh token, and vice versa", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  service.rotation = true;
  const other = another();
  await other.getIdToken();
  for (let round = 0; round < 5; round++) {
    await other.refresh();
    clock.advance(10 * MINUTE);
    await session.refresh();
    clock.advance(56 * MINUTE);
    const [one, two] = await Promise.all([session.getIdToken(), other.getIdToken()]);
    assert(one.length > 0 && two.length > 0);
  }
  assert(session.signedIn && other.signedIn);
});

test("CredentialSession adopts the winner's token when it loses a rotation race", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock, events } = await signedIn({ store });
  service.rotation = true;
  const reported: string[] = [];
  const other = another({ onChange: ({ type }) => reported.push(type) });
  await other.getIdToken();
  clock.advance(HOUR);
  const [one, two] = await Promise.all([session.getIdToken(), other.getIdToken()]);
  assertEquals(one, two);
  assertEquals(service.refreshes, 2);
  assertEquals([events, reported].flat().includes("ended"), false);
});

test("CredentialSession waits for the winner of a rotation race to store its tokens", async () => {
  const store = new AsyncStore();
  const { another, service, clock } = await signedIn({ store });
  service.rotation = true;
  const slow = another({
    store: {
      getItem: (key) => store.getItem(key),
      setItem: async (key, value) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        await store.setItem(key, value);
      },
      removeItem: (key) => store.removeItem(key),
    },
  });
  const loser = another();
  await Promise.all([slow.getIdToken(), loser.getIdToken()]);
  clock.advance(HOUR);
  const [one, two] = await Promise.all([slow.getIdToken(), loser.getIdToken()]);
  assertEquals(one, two);
  assertEquals(service.refreshes, 2);
});

test("CredentialSession uses the winner's refresh token if the winner's ID token has expired", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  service.rotation = true;
  await another().refresh();
  clock.advance(HOUR);
  await session.getIdToken();
  assertEquals(service.refreshes, 2);
});

test("CredentialSession adopts a login that began in another tab", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock, events } = await signedIn({ store });
  const { refresh_token } = await another().signIn(crypto.randomUUID());
  clock.advance(HOUR);
  await session.getIdToken();
  assertEquals(service.calls.at(-1), {
    authFlow: "refreshTokenAuth",
    refreshToken: refresh_token ?? "",
  });
  await session.signOut();
  await another().signIn(crypto.randomUUID());
  await session.getIdToken();
  assertEquals(events, ["signed_in", "refreshed", "refreshed", "signed_out", "signed_in"]);
});

test("CredentialSession ignores an older login in a store that lags behind", async () => {
  const store = new AsyncStore();
  const { session, service } = await signedIn({ store });
  service.rotation = true;
  const stale = new Map(store.items);
  await session.refresh();
  store.items.clear();
  for (const [key, value] of stale) store.items.set(key, value);
  await session.refresh();
  assertEquals(service.refreshes, 2);
  assert(session.signedIn);
});

test("CredentialSession notices a sign-out in another session at the next refresh", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock, events } = await signedIn({ store });
  await another().signOut();
  assert(session.signedIn);
  clock.advance(HOUR);
  for (let call = 0; call < 3; call++) {
    await assertRejects(() => session.getIdToken(), CredentialSessionError, "signed out elsewhere");
  }
  assertEquals(session.signedIn, false);
  assertEquals(service.refreshes, 0);
  assertEquals(store.items.size, 0);
  assertEquals(events, ["signed_in", "signed_out"]);
});

test("CredentialSession notices a sign-out in another session after it has only read the login", async () => {
  const store = new AsyncStore();
  const { session, another, clock } = await signedIn({ store });
  const reader = another();
  await reader.getIdToken();
  await session.signOut();
  clock.advance(HOUR);
  await assertRejects(() => reader.getIdToken(), CredentialSessionError, "signed out elsewhere");
  assertEquals(store.items.size, 0);
});

test("CredentialSession notices a sign-out elsewhere if the store could not be read after the sign-in", async () => {
  const store = new AsyncStore();
  const { session, another, clock } = scene({ store });
  store.failures.getItem = new Error("connection lost");
  await session.signIn(crypto.randomUUID());
  delete store.failures.getItem;
  await another().signOut();
  clock.advance(HOUR);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "signed out elsewhere");
  assertEquals(store.items.size, 0);
});

test("CredentialSession does not undo a sign-out elsewhere by a refresh under way", async () => {
  for (const rotation of [true, false]) {
    const store = new AsyncStore();
    const { session, another, service, clock, events } = await signedIn({ store });
    service.rotation = rotation;
    const gate = Promise.withResolvers<void>();
    service.gate = gate.promise;
    clock.advance(HOUR);
    const waiter = rejection(session.getIdToken());
    await settle();
    await another().signOut();
    gate.resolve();
    assert(await waiter instanceof CredentialSessionError);
    assertEquals(store.items.size, 0);
    assertEquals(events, ["signed_in", "signed_out"]);
  }
});

test("CredentialSession notices a sign-out elsewhere while its refresh is rejected", async () => {
  const store = new AsyncStore();
  const { session, another, service, events } = await signedIn({ store });
  const gate = Promise.withResolvers<void>();
  service.revoke(store.refreshToken);
  service.gate = gate.promise;
  const refreshed = session.refresh();
  await settle();
  await another().signOut();
  gate.resolve();
  await assertRejects(() => refreshed, CredentialSessionError, "signed out elsewhere");
  assertEquals(events, ["signed_in", "signed_out"]);
});

test("CredentialSession does not overwrite a sign-in elsewhere by a refresh under way", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  clock.advance(HOUR);
  const waiter = session.getIdToken();
  await settle();
  service.gate = undefined;
  const { id_token, refresh_token } = await another().signIn(crypto.randomUUID());
  gate.resolve();
  assertEquals(await waiter, id_token);
  assertEquals(store.refreshToken, refresh_token);
});

/** Makes the writes of a store wait that begin until `end`, and continue with `release`. */
function holdWrites(store: AsyncStore): { end(): void; release(): void } {
  const gate = Promise.withResolvers<void>();
  const setItem = store.setItem.bind(store);
  store.setItem = async (key, value) => {
    await gate.promise;
    await setItem(key, value);
  };
  return { end: () => store.setItem = setItem, release: gate.resolve };
}

test("CredentialSession.refresh() returns its own tokens if another session with the same refresh token is slower to store older ones", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  const other = another();
  await other.getIdToken();
  clock.advance(10 * MINUTE);
  const answer = Promise.withResolvers<void>();
  const writes = holdWrites(store);
  const before = other.refresh();
  await settle();
  writes.end();
  // Now the user's attributes change.
  clock.advance(5_000);
  service.gate = answer.promise;
  const after = session.refresh();
  await settle();
  writes.release();
  await before;
  answer.resolve();
  assertNotEquals((await after).id_token, (await before).id_token);
  assertEquals(await session.getIdToken(), (await after).id_token);
});

test("CredentialSession refreshes a login that another session has stored too late", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  service.rotation = true;
  const other = another();
  await other.getIdToken();
  clock.advance(10 * MINUTE);
  const answer = Promise.withResolvers<void>();
  const writes = holdWrites(store);
  const late = other.signIn(crypto.randomUUID());
  await settle();
  writes.end();
  clock.advance(HOUR);
  service.gate = answer.promise;
  const call = session.getIdToken();
  await settle();
  writes.release();
  const { id_token } = await late;
  answer.resolve();
  assertNotEquals(await call, id_token, "it has expired");
  assertEquals(await session.getIdToken(), await other.getIdToken());
});

test("CredentialSession stores new tokens even if the store cannot be read at that moment", async () => {
  const store = new AsyncStore();
  const { session, service, clock } = await signedIn({ store });
  service.rotation = true;
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  clock.advance(HOUR);
  const waiter = session.getCredentials();
  await settle();
  store.failures.getItem = new Error("connection lost");
  gate.resolve();
  const { id_token } = await waiter;
  assert(store.items.get(KEY)?.includes(id_token));
});

test("CredentialSession stays signed in with a store that keeps nothing", async () => {
  const store = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  const { session, service, clock, events } = await signedIn({ store });
  service.rotation = true;
  for (let hour = 0; hour < 3; hour++) {
    clock.advance(HOUR);
    await session.getIdToken();
  }
  assertEquals(service.refreshes, 3);
  assertEquals(events, ["signed_in", "refreshed", "refreshed", "refreshed"]);
});

test("CredentialSession prefers the newer of the credentials option and the login in the store", async () => {
  const store = new AsyncStore();
  const { another, service, clock } = scene({ store });
  const old = service.credentials();
  clock.advance(10 * MINUTE);
  const newer = service.credentials();
  await another({ credentials: old }).getIdToken();
  assertEquals(store.refreshToken, old.refresh_token);
  assertEquals(await another({ credentials: newer }).getCredentials(), newer);
  assertEquals(store.refreshToken, newer.refresh_token);
  assertEquals(await another({ credentials: old }).getCredentials(), newer);
  assertEquals(store.refreshToken, newer.refresh_token);
});

test("CredentialSession keeps the logins of two keys in one store apart", async () => {
  const store = new AsyncStore();
  const { another } = scene({ store });
  const [one, two] = [another({ key: "one" }), another({ key: "two" })];
  const { id_token } = await one.signIn(crypto.randomUUID());
  await two.signIn(crypto.randomUUID());
  assertNotEquals(await two.getIdToken(), id_token);
  await two.signOut();
  assertEquals(await another({ key: "one" }).getIdToken(), id_token);
  assertEquals([...store.items.keys()], ["one"]);
});

test("CredentialSession loses no login in 1,000 random steps of three sessions with one store", async () => {
  const store = new AsyncStore();
  const { clock, another } = scene({ store });
  const service = new Service(clock);
  service.rotation = true;
  const reported: string[] = [];
  const sessions = [1, 2, 3].map(() =>
    another({ client: service, onChange: ({ type }) => reported.push(type) })
  );
  const any = () => sessions[Math.floor(Math.random() * sessions.length)] ?? sessions[0];
  await any()?.signIn(crypto.randomUUID());
  for (let step = 0; step < 1_000; step++) {
    clock.advance(Math.random() * 40 * MINUTE);
    const session = any();
    await (Math.random() < 0.2 ? session?.refresh() : session?.getIdToken());
  }
  assertEquals(reported.filter((type) => type === "ended" || type === "signed_out"), []);
  assertEquals(
    new Set(service.calls.map(({ refreshToken }) => refreshToken)).size,
    service.calls.length,
  );
});
