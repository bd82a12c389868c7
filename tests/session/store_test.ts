import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { test } from "node:test";
import { CredentialSessionError } from "../../mod.ts";
import { receivedLogin } from "../../src/session/login_tokens.ts";
import type { SessionStore } from "../../src/session/options.ts";
import { safeMessage, StoreEntry } from "../../src/session/store.ts";
import { secret } from "../support/fixtures.ts";
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

/** A store that reads what is JSON as such, as unstorage does. */
class ParsingStore extends AsyncStore {
  override async getItem(key: string): Promise<never> {
    const text = await super.getItem(key);
    return (text === null ? null : JSON.parse(text)) as never;
  }
}

test("CredentialSession works with stores of every kind", async () => {
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

test("CredentialSession stores an object with a version, under the name it is told", async () => {
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

test("CredentialSession sees nobody signed in where the store holds rubbish", async () => {
  const store = new AsyncStore();
  const { another, service, session } = await signedIn({ store });
  const good = JSON.parse(store.items.get(KEY) ?? "");
  const { credentials } = good;
  const rubbish: unknown[] = [
    "",
    "rubbish",
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
  for (const value of rubbish) {
    const reader = another({ store: { ...methods(store), getItem: () => value } });
    assertEquals(reader.signedIn, false, JSON.stringify(value));
    await assertRejects(() => reader.getIdToken(), CredentialSessionError, "nobody is signed in");
  }
  assertEquals(service.refreshes, 0);
  // Rubbish is not the session's to remove, but a sign-in takes its place.
  store.items.set(KEY, "rubbish");
  await rejection(another().getIdToken());
  assertEquals(store.items.get(KEY), "rubbish");
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

test("CredentialSession rejects with the error of a store that cannot be read, and recovers with it", async () => {
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

test("CredentialSession spends no refresh token while the store cannot be read", async () => {
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

test("CredentialSession keeps what it could not store, and stores it with the next call", async () => {
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

test("CredentialSession hands out the last token that was stored while a new one cannot be", async () => {
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

test("CredentialSession.signIn() rejects with the error of the store, and does not lose the login", async () => {
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

test("CredentialSession passes on what a synchronous store throws", async () => {
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

test("CredentialSession frees a caller from a store that hangs", async () => {
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

test("StoreEntry waits only so long for a store, and goes on with it when it answers again", async () => {
  const store = new AsyncStore();
  const record = new StoreEntry({ store, key: KEY, margin: undefined, timeout: 20 });
  const credentials = { id_token: "opaque", access_token: crypto.randomUUID() };
  const held = receivedLogin(credentials, { receivedAt: 0, source: "code", margin: undefined });
  const { signal } = new AbortController();
  store.gate = new Promise(() => {});
  assertEquals(
    String(await rejection(record.read())),
    "Error: Cannot read the credentials from the store: No result within 20 ms",
  );
  store.gate = undefined;
  assertEquals(await record.read(), null);

  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  assertEquals(
    String(await rejection(record.write(held, signal))),
    "Error: Cannot store the credentials: No result within 20 ms",
  );
  store.gate = undefined;
  await record.remove();
  gate.resolve();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(store.log.slice(2), ["setItem", "removeItem", "getItem", "removeItem"]);
  assertEquals(store.items.size, 0, "the late write is undone");
});

test("StoreEntry leaves no rejection unhandled if the store fails after a late change", async () => {
  const store = new AsyncStore();
  const entry = new StoreEntry({ store, key: KEY, timeout: 20 });
  const credentials = { id_token: "opaque", access_token: crypto.randomUUID() };
  const login = receivedLogin(credentials, { receivedAt: 0, source: "code", margin: undefined });
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  await assertRejects(() => entry.write(login, new AbortController().signal));
  store.gate = undefined;
  await entry.remove();
  const reads: string[] = [];
  store.getItem = (key) => {
    reads.push(key);
    return Promise.reject(new Error("the connection is closed"));
  };
  gate.resolve();
  // An unhandled rejection ends the process, and with it this test.
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(reads, [KEY]);
});

test("StoreEntry waits only so long for each of several accesses, and for what is no promise but then-able", async () => {
  const never = { then: () => {} };
  const store: SessionStore = {
    getItem: () => never,
    setItem: () => {},
    removeItem: () => new Promise(() => {}),
  };
  const record = new StoreEntry({ store, key: KEY, margin: undefined, timeout: 20 });
  const failures = await Promise.all([record.remove(), record.read()].map(rejection));
  assertEquals(failures.map(String), [
    "Error: Cannot remove the credentials from the store: No result within 20 ms",
    "Error: Cannot read the credentials from the store: No result within 20 ms",
  ]);
  const other = new StoreEntry({ store, key: KEY, margin: undefined, timeout: 20 });
  await assertRejects(() => other.read(), Error, "No result within 20 ms");
});

test("StoreEntry asks once what is sent anew by each then, as queries of databases are", async () => {
  let sent = 0;
  const query = <T>(value: T): PromiseLike<T> => ({
    then: (...handlers) => {
      sent++;
      return Promise.resolve(value).then(...handlers);
    },
  });
  const store: SessionStore = {
    getItem: () => query(null),
    setItem: () => query(undefined),
    removeItem: () => query(undefined),
  };
  const record = new StoreEntry({ store, key: KEY, margin: undefined });
  assertEquals(await record.read(), null);
  await record.remove();
  assertEquals(sent, 2);
});

test("StoreEntry.write() lets no token out in the error of a store, while another write waits", async () => {
  const store = new AsyncStore();
  store.setItem = (_key, value) => Promise.reject(new Error(`SET failed: ${value}`));
  const record = new StoreEntry({ store, key: KEY, margin: undefined });
  const tokens = [secret(), secret(), secret()];
  const errors = await Promise.all(tokens.map((access_token) => {
    const credentials = { id_token: "opaque", access_token };
    const held = receivedLogin(credentials, { receivedAt: 0, source: "code", margin: undefined });
    return rejection(record.write(held, new AbortController().signal));
  }));
  for (const error of errors) {
    assertEquals(leaksIn(error, Object.fromEntries(Object.entries(tokens))), []);
  }
});

test("CredentialSession lets no token out in the error of a store that is read", async () => {
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

test("StoreEntry.write() writes nothing that is not wanted any more when it is its turn", async () => {
  const store = new AsyncStore();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const record = new StoreEntry({ store, key: KEY, margin: undefined });
  const credentials = { id_token: "opaque", access_token: crypto.randomUUID() };
  const held = receivedLogin(credentials, { receivedAt: 0, source: "code", margin: undefined });
  const reading = record.read();
  const controller = new AbortController();
  const writing = rejection(record.write(held, controller.signal));
  const reason = new Error("signed out");
  controller.abort(reason);
  gate.resolve();
  await reading;
  assertEquals(await writing, reason);
  assertEquals(store.log, ["getItem"]);
});

test("CredentialSession lets no token out in the error of a store", async () => {
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
test("safeMessage() keeps a message without tokens, and drops any other", () => {
  const token = crypto.randomUUID();
  const kept = [
    "connect ECONNREFUSED 127.0.0.1:6379",
    'Reached the max retries. Refer to "maxRetriesPerRequest" option for details.',
  ];
  for (const message of kept) assertEquals(safeMessage(new Error(message), [token]), message);
  const dropped = [new Error(`SET ${token}`), new Error(secret(64)), token, 5, null, undefined];
  for (const thrown of dropped) {
    assertEquals(leaksIn(safeMessage(thrown, [token]), { token }), []);
    assertEquals(safeMessage(thrown, [token]), "the store failed");
  }
});
