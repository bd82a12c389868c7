import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type Login, receivedLogin } from "../../src/session/login_tokens.ts";
import type { SessionStore } from "../../src/session/options.ts";
import { safeMessage, StoreEntry } from "../../src/session/store.ts";
import { secret } from "../support/fixtures.ts";
import { leaksIn } from "../support/leak_search.ts";
import { AsyncStore, KEY, rejection, settle } from "../support/session_scene.ts";

test("StoreEntry limits the time of a store call, and undoes a late write", async () => {
  const store = new AsyncStore();
  const record = new StoreEntry({ store, key: KEY, timeout: 20 });
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

test("StoreEntry keeps a login that is written while a late write is undone", async () => {
  const store = new AsyncStore();
  const entry = new StoreEntry({ store, key: KEY, timeout: 20 });
  const { signal } = new AbortController();
  const [late, next] = ["late", "next"].map((refresh_token) => {
    const credentials = { id_token: "opaque", access_token: "opaque", refresh_token };
    return receivedLogin(credentials, { receivedAt: 0, source: "code", margin: undefined });
  }) as [Login, Login];
  const [writing, reading] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  store.gate = writing.promise;
  await assertRejects(() => entry.write(late, signal));
  store.gate = undefined;
  await entry.remove();
  const getItem = store.getItem.bind(store);
  store.getItem = async (key) => {
    const text = await getItem(key);
    await reading.promise;
    return text;
  };
  writing.resolve();
  await settle();
  assertEquals(store.refreshToken, "late");
  const written = entry.write(next, signal);
  await settle();
  reading.resolve();
  await written;
  await settle();
  assertEquals(store.refreshToken, "next");
});

test("StoreEntry limits the time of concurrent calls, and of thenables", async () => {
  const never = { then: () => {} };
  const store: SessionStore = {
    getItem: () => never,
    setItem: () => {},
    removeItem: () => new Promise(() => {}),
  };
  const record = new StoreEntry({ store, key: KEY, timeout: 20 });
  const failures = await Promise.all([record.remove(), record.read()].map(rejection));
  assertEquals(failures.map(String), [
    "Error: Cannot remove the credentials from the store: No result within 20 ms",
    "Error: Cannot read the credentials from the store: No result within 20 ms",
  ]);
  const other = new StoreEntry({ store, key: KEY, timeout: 20 });
  await assertRejects(() => other.read(), Error, "No result within 20 ms");
});

test("StoreEntry sends a database query once that each then would send again", async () => {
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
  const record = new StoreEntry({ store, key: KEY });
  assertEquals(await record.read(), null);
  await record.remove();
  assertEquals(sent, 2);
});

test("StoreEntry.write() passes on no token in an error of the store to concurrent writes", async () => {
  const store = new AsyncStore();
  store.setItem = (_key, value) => Promise.reject(new Error(`SET failed: ${value}`));
  const record = new StoreEntry({ store, key: KEY });
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

test("StoreEntry.write() writes nothing if its signal has aborted before its turn", async () => {
  const store = new AsyncStore();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const record = new StoreEntry({ store, key: KEY });
  const credentials = { id_token: "opaque", access_token: crypto.randomUUID() };
  const held = receivedLogin(credentials, { receivedAt: 0, source: "code", margin: undefined });
  const reading = record.read();
  const controller = new AbortController();
  const writing = rejection(record.write(held, controller.signal));
  controller.abort();
  gate.resolve();
  await reading;
  assertInstanceOf(await writing, Error);
  assertEquals(store.log, ["getItem"]);
});

test("safeMessage() returns a message without tokens, and replaces any other", () => {
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
