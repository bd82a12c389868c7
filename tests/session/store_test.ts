import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { test } from "node:test";
import { CredentialSessionError } from "../../mod.ts";
import type { SessionStore } from "../../src/session/options.ts";
import { leaksIn } from "../support/leak_search.ts";
import {
  assertStoreError,
  AsyncStore,
  HOUR,
  KEY,
  MINUTE,
  rejection,
  scene,
  settle,
  signedIn,
  WebStorage,
} from "../support/session_scene.ts";

/** A store that parses JSON, as unstorage does. */
class ParsingStore extends AsyncStore {
  override async getItem(key: string): Promise<never> {
    const text = await super.getItem(key);
    return (text === null ? null : JSON.parse(text)) as never;
  }
}

test("CredentialSession works with each kind of store", async () => {
  const stores: SessionStore[] = [new WebStorage(), new AsyncStore(), new ParsingStore()];
  for (const store of stores) {
    const { session, another, service, clock, events } = await signedIn({ store });
    service.rotation = true;
    const restarted = another();
    assertEquals(await restarted.getCredentials(), await session.getCredentials());
    clock.advance(HOUR);
    const fresh = await restarted.getIdToken();
    assertEquals(await another().getIdToken(), fresh);
    await restarted.signOut();
    await assertRejects(() => another().getIdToken(), CredentialSessionError);
    assertEquals(events, ["signed_in"]);
  }
});

test("CredentialSession stores an object with a version under its key", async () => {
  const store = new AsyncStore();
  const { session, clock } = await signedIn({ store, key: "my-login" });
  const credentials = await session.getCredentials();
  assertEquals(JSON.parse(store.items.get("my-login") ?? ""), {
    v: 1,
    credentials,
    receivedAt: clock.ms,
    expiresAt: clock.ms + HOUR,
  });
});

test("CredentialSession ignores an invalid record in the store", async () => {
  const store = new AsyncStore();
  const { another, service, session } = await signedIn({ store });
  const good = JSON.parse(store.items.get(KEY) ?? "");
  const { credentials } = good;
  const invalid: unknown[] = [
    "",
    "invalid",
    "null",
    "5",
    "[]",
    "{}",
    '{"v":1}',
    ...[
      { ...good, v: 2 },
      { ...good, v: "1" },
      { ...good, receivedAt: "yesterday" },
      { ...good, receivedAt: null },
      { ...good, expiresAt: "never" },
      { ...good, credentials: [] },
      { ...good, credentials: { ...credentials, id_token: "" } },
      { ...good, credentials: { id_token: credentials.id_token } },
      { ...good, credentials: { ...credentials, refresh_token: 5 } },
    ].map((value) => JSON.stringify(value)),
    undefined,
    5,
    true,
    [],
    new Date(),
    new Uint8Array(3),
  ];
  for (const value of invalid) {
    const reader = another({ store: { ...methods(store), getItem: () => value } });
    assertEquals(reader.signedIn, false, JSON.stringify(value));
    await assertRejects(() => reader.getIdToken(), CredentialSessionError, "nobody is signed in");
  }
  assertEquals(service.refreshes, 0);
  // An invalid record is not removed, but replaced by a sign-in.
  store.items.set(KEY, "invalid");
  await rejection(another().getIdToken());
  assertEquals(store.items.get(KEY), "invalid");
  await session.refresh();
  assertEquals(await another().getIdToken(), await session.getIdToken());
});

function methods(store: SessionStore): SessionStore {
  return {
    getItem: (key) => store.getItem(key),
    setItem: (key, value) => store.setItem(key, value),
    removeItem: (key) => store.removeItem(key),
  };
}

test("CredentialSession rejects while the store cannot be read, and recovers with it", async () => {
  const store = new AsyncStore();
  const { another, service } = await signedIn({ store });
  store.failures.getItem = new Error("connection lost");
  const session = another();
  for (let call = 0; call < 3; call++) {
    assertStoreError(await rejection(session.getIdToken()), "read", "connection lost");
    assertStoreError(await rejection(session.refresh()), "read", "connection lost");
  }
  delete store.failures.getItem;
  await session.getIdToken();
  assertEquals(service.refreshes, 0);
});

test("CredentialSession does not refresh while the store cannot be read", async () => {
  const store = new AsyncStore();
  const { session, service, clock } = await signedIn({ store });
  const before = await session.getIdToken();
  store.failures.getItem = new Error("connection lost");
  clock.advance(56 * MINUTE);
  assertEquals(await session.getIdToken(), before);
  clock.advance(5 * MINUTE);
  assertStoreError(await rejection(session.getIdToken()), "read", "connection lost");
  assertEquals(service.refreshes, 0);
});

test("CredentialSession stores new tokens with the next call if a write fails", async () => {
  const store = new AsyncStore();
  const { session, service, clock, events } = await signedIn({ store });
  service.rotation = true;
  clock.advance(HOUR);
  store.failures.setItem = new Error("quota exceeded");
  for (let call = 0; call < 5; call++) {
    assertStoreError(await rejection(session.getIdToken()), "store", "quota exceeded");
  }
  assertEquals(service.refreshes, 1);
  assertEquals(events, ["signed_in"]);
  delete store.failures.setItem;
  const { refresh_token } = await session.getCredentials();
  assertEquals(store.refreshToken, refresh_token);
  assertEquals(service.refreshes, 1);
  assertEquals(events, ["signed_in", "refreshed"]);
});

test("CredentialSession keeps new tokens whose write has failed, even if their iat is earlier", async () => {
  const store = new AsyncStore();
  const { session, service, clock } = await signedIn({ store });
  service.rotation = true;
  service.claims = (issuedAt) => ({ iat: issuedAt - 2, exp: issuedAt + 3600 });
  clock.advance(1_000);
  store.failures.setItem = new Error("quota exceeded");
  await rejection(session.refresh());
  delete store.failures.setItem;
  clock.advance(HOUR);
  await session.getIdToken();
  assertEquals(service.refreshes, 2);
});

test("CredentialSession returns the last stored token while a new one cannot be stored", async () => {
  const store = new AsyncStore();
  const { session, clock, service } = await signedIn({ store });
  const before = await session.getIdToken();
  store.failures.setItem = new Error("quota exceeded");
  clock.advance(56 * MINUTE);
  for (let call = 0; call < 3; call++) assertEquals(await session.getIdToken(), before);
  clock.advance(5 * MINUTE);
  assertStoreError(await rejection(session.getIdToken()), "store", "quota exceeded");
  delete store.failures.setItem;
  assertNotEquals(await session.getIdToken(), before);
  assertEquals(service.refreshes, 1);

  store.failures.setItem = new Error("quota exceeded");
  await rejection(session.signIn(crypto.randomUUID()));
  assertStoreError(await rejection(session.getIdToken()), "store", "quota exceeded");
});

test("CredentialSession soon returns the last stored token if the store hangs with a new one", async () => {
  const store = new AsyncStore();
  const { session } = await signedIn({ store });
  const { id_token } = await session.getCredentials();
  store.failures.setItem = new Error("quota exceeded");
  await rejection(session.refresh());
  store.gate = new Promise(() => {});
  const begin = Date.now();
  assertEquals(await session.getIdToken(), id_token);
  assert(Date.now() - begin < 3_000);
});

test("CredentialSession.signIn() rejects if the store fails, and keeps the login", async () => {
  const store = new AsyncStore();
  const { session, service, events } = scene({ store });
  store.failures.setItem = new Error("quota exceeded");
  assertStoreError(await rejection(session.signIn(crypto.randomUUID())), "store", "quota exceeded");
  assertStoreError(await rejection(session.getIdToken()), "store", "quota exceeded");
  assertEquals(events, []);
  delete store.failures.setItem;
  await session.getIdToken();
  assertEquals(service.calls.length, 1);
  assertEquals(events, ["signed_in"]);
});

test("CredentialSession rejects with the message of a synchronous store", async () => {
  const store = new WebStorage();
  store.getItem = () => {
    throw new Error("Access is denied for this document");
  };
  const { session } = scene({ store });
  assertStoreError(
    await rejection(session.getIdToken()),
    "read",
    "Access is denied for this document",
  );
});

test("CredentialSession rejects an aborted caller while the store hangs", async () => {
  const store = new AsyncStore();
  store.gate = new Promise(() => {});
  const { session } = scene({ store });
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [
    session.getIdToken({ signal }),
    session.refresh({ signal }),
    session.signIn(crypto.randomUUID(), { signal }),
    session.signOut({ signal }),
  ].map(rejection);
  await settle();
  const reason = new Error("enough");
  controller.abort(reason);
  for (const error of await Promise.all(calls)) {
    assert(error === reason || error instanceof CredentialSessionError, String(error));
  }
});

test("CredentialSession passes on no token in an error of getItem", async () => {
  const store = new AsyncStore();
  const { session, clock } = await signedIn({ store });
  const { refresh_token = "" } = await session.getCredentials();
  store.failures.getItem = new SyntaxError(`Unexpected token in ${store.items.get(KEY)}`);
  clock.advance(HOUR);
  const error = await rejection(session.getIdToken());
  assertEquals(leaksIn(error, { refresh_token }), []);
  assertEquals(
    String(error),
    "Error: Cannot read the credentials from the store: the store failed",
  );
});

test("CredentialSession passes on no token in a property of an error of setItem", async () => {
  const store = new AsyncStore();
  const { session, clock } = await signedIn({ store });
  let secrets: Record<string, string> = {};
  store.setItem = (key, value) => {
    secrets = JSON.parse(value).credentials;
    const error = new Error("OOM command not allowed");
    throw Object.assign(error, { command: { name: "set", args: [key, value] } });
  };
  clock.advance(HOUR);
  const error = await rejection(session.getIdToken());
  assertInstanceOf(error, Error);
  assertEquals(error.message, "Cannot store the credentials: OOM command not allowed");
  assertEquals(leaksIn(error, secrets), []);
});
