import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CredentialSessionError } from "../../mod.ts";
import {
  assertStoreError,
  AsyncStore,
  HOUR,
  MINUTE,
  rejection,
  scene,
  settle,
  signedIn,
  WebStorage,
} from "../support/session_scene.ts";

test("CredentialSession.signOut() wins over a refresh under way", async () => {
  const store = new AsyncStore();
  const { session, service, clock, events, another } = await signedIn({ store });
  service.rotation = true;
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  clock.advance(HOUR);
  const waiters = [session.getIdToken(), session.refresh()].map(rejection);
  await settle();
  await session.signOut();
  for (const error of await Promise.all(waiters)) {
    assert(error instanceof CredentialSessionError, String(error));
  }
  gate.resolve();
  await settle();
  assertEquals(session.signedIn, false);
  assertEquals(store.items.size, 0);
  assert(service.signals.at(-1)?.aborted, "the request goes on for nobody");
  await assertRejects(() => another().getIdToken(), CredentialSessionError);
  assertEquals(events, ["signed_in", "signed_out"]);
});

test("CredentialSession.signOut() wins over a refresh of a client that ignores its signal", async () => {
  const { session, service, events } = await signedIn();
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const waiter = rejection(session.refresh());
  await settle();
  await session.signOut();
  gate.resolve();
  await waiter;
  await settle();
  assertEquals(session.signedIn, false);
  assertEquals(events, ["signed_in", "signed_out"]);
});

test("CredentialSession.signOut() holds when the removal fails before the store was ever read", async () => {
  const store = new AsyncStore();
  const { another, session: other, clock } = await signedIn({ store });
  const session = another();
  store.failures.removeItem = new Error("read only");
  assertStoreError(await rejection(session.signOut()), "remove", "read only");
  clock.advance(1_000);
  assert(await rejection(session.getIdToken()) instanceof CredentialSessionError);
  assertEquals(session.signedIn, false);

  const { id_token } = await other.signIn(crypto.randomUUID());
  assertEquals(await session.getIdToken(), id_token, "a later login counts");
});

test("CredentialSession.signOut() holds in a synchronous store at once, even if the clock was set back", async () => {
  const { another, clock } = await signedIn({ store: new WebStorage() });
  clock.advance(-MINUTE);
  const session = another();
  const leaving = session.signOut();
  assertEquals(session.signedIn, false);
  await leaving;
  assertEquals(session.signedIn, false);
  await assertRejects(() => session.getIdToken(), CredentialSessionError);
});

test("CredentialSession.signOut() that fails late does not reject a login that began elsewhere meanwhile", async () => {
  const store = new AsyncStore();
  const { another, session: other, clock } = await signedIn({ store });
  const session = another();
  const removal = Promise.withResolvers<void>();
  store.removeItem = () => removal.promise;
  const leaving = rejection(session.signOut());
  clock.advance(1_000);
  const { id_token } = await other.signIn(crypto.randomUUID());
  clock.advance(1_000);
  removal.reject(new Error("read only"));
  await leaving;
  assertEquals(await session.getIdToken(), id_token);
});

test("CredentialSession.signOut() that fails after a later sign-in rejects no login", async () => {
  const store = new AsyncStore();
  const { session, another, clock, service } = await signedIn({ store });
  service.rotation = true;
  const other = another();
  const removal = Promise.withResolvers<void>();
  const remove = store.removeItem;
  store.removeItem = () => removal.promise;
  const leaving = rejection(session.signOut());
  const arriving = session.signIn(crypto.randomUUID());
  await settle();
  removal.reject(new Error("read only"));
  await Promise.all([leaving, arriving]);
  store.removeItem = remove;
  clock.advance(-3_000); // the clock of the other session is behind
  await other.refresh();
  clock.advance(3_000);
  assertEquals((await session.refresh()).refresh_token, store.refreshToken);
});

test("CredentialSession.signOut() wins over a refresh that is being stored", async () => {
  const store = new AsyncStore();
  const { session, clock, events } = await signedIn({ store });
  clock.advance(HOUR);
  const gate = Promise.withResolvers<void>();
  const write = store.setItem.bind(store);
  const begun = Promise.withResolvers<void>();
  store.setItem = async (key, value) => {
    begun.resolve();
    await gate.promise;
    await write(key, value);
  };
  const waiter = rejection(session.getIdToken());
  await begun.promise;
  const leaving = session.signOut();
  assertEquals(session.signedIn, false);
  gate.resolve();
  await leaving;
  await settle();
  assertEquals(store.items.size, 0);
  assert(await waiter instanceof CredentialSessionError);
  assertEquals(events, ["signed_in", "signed_out"]);
});

test("CredentialSession.signIn() wins over a refresh under way", async () => {
  const store = new AsyncStore();
  const { session, service, clock, events } = await signedIn({ store });
  service.rotation = true;
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  clock.advance(HOUR);
  const waiters = [session.getIdToken(), session.refresh().then((all) => all.id_token)];
  await settle();
  service.gate = undefined;
  const { id_token, refresh_token } = await session.signIn(crypto.randomUUID());
  assertEquals(await Promise.all(waiters), [id_token, id_token]);
  gate.resolve();
  await settle();
  assertEquals(await session.getIdToken(), id_token);
  assertEquals(store.refreshToken, refresh_token);
  assertEquals(events, ["signed_in", "signed_in"]);
});

test("CredentialSession.signIn() is not lost with a refresh that is rejected at any moment", async () => {
  for (let turns = 0; turns < 60; turns++) {
    const store = new WebStorage();
    const { session, service } = await signedIn({ store, lock: (_, __, run) => run() });
    service.revoke((await session.getCredentials()).refresh_token);
    const { setItem } = store;
    store.setItem = () => {
      throw new Error("quota exceeded");
    };
    const refreshed = session.refresh().catch(() => {});
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    assertStoreError(await rejection(session.signIn("code")), "store", "quota exceeded");
    await refreshed;
    store.setItem = setItem;
    assertEquals(session.signedIn, true, `${turns} turns`);
    await session.getIdToken();
  }
});

test("CredentialSession.signOut() wins over an earlier sign-in under way", async () => {
  const store = new AsyncStore();
  const { session, service, events } = scene({ store });
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const attempt = rejection(session.signIn(crypto.randomUUID()));
  await settle();
  await session.signOut();
  gate.resolve();
  const error = await attempt;
  assert(error instanceof CredentialSessionError);
  assertEquals(
    error.message,
    "Cannot sign in: replaced by a later sign-in or sign-out",
  );
  assertEquals(store.items.size, 0);
  assertEquals(events, ["signed_out"]);
});

test("CredentialSession.signIn() wins over an earlier sign-in under way", async () => {
  const { session, service } = scene();
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const slow = rejection(session.signIn(crypto.randomUUID()));
  await settle();
  service.gate = undefined;
  const { id_token } = await session.signIn(crypto.randomUUID());
  gate.resolve();
  assert(await slow instanceof CredentialSessionError);
  assertEquals(await session.getIdToken(), id_token);
});

test("CredentialSession.signIn() rejects if it is replaced while it is being stored", async () => {
  for (const overtake of ["signIn", "signOut"] as const) {
    const store = new AsyncStore();
    const { session } = scene({ store });
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    const first = rejection(session.signIn(crypto.randomUUID()));
    await settle();
    assertEquals(store.log, ["setItem"]);
    const second = overtake === "signIn" ? session.signIn(crypto.randomUUID()) : session.signOut();
    gate.resolve();
    const error = await first;
    assert(error instanceof CredentialSessionError, String(error));
    assertEquals(
      error.message,
      "Cannot sign in: replaced by a later sign-in or sign-out",
    );
    await second;
    assertEquals(session.signedIn, overtake === "signIn");
  }
});

test("CredentialSession.signIn() keeps the earlier login when it fails", async () => {
  const { session, service, clock } = await signedIn();
  service.rotation = true;
  clock.advance(HOUR);
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const waiter = session.getIdToken();
  await settle();
  service.gate = undefined;
  service.failure = new Error("no such code");
  await rejection(session.signIn(crypto.randomUUID()));
  service.failure = undefined;
  gate.resolve();
  assertEquals(await waiter, await session.getIdToken());
  clock.advance(HOUR);
  await session.getIdToken();
});

test("CredentialSession.signOut() holds for a read during a slow removal", async () => {
  const store = new AsyncStore();
  const { session } = await signedIn({ store });
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const leaving = session.signOut();
  const asked = rejection(session.getIdToken());
  gate.resolve();
  await leaving;
  assert(await asked instanceof CredentialSessionError);
});

test("CredentialSession.signOut() holds when the removal fails", async () => {
  const store = new AsyncStore();
  const { session, events } = await signedIn({ store });
  store.failures.removeItem = new Error("read-only");
  assertStoreError(await rejection(session.signOut()), "remove", "read-only");
  assertEquals(store.items.size, 1);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "was signed out");
  assertEquals(events, ["signed_in", "signed_out"]);
});
