import { assertEquals, assertInstanceOf, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialSessionError } from "../../mod.ts";
import type { SessionStore } from "../../src/session/options.ts";
import { leaksIn } from "../support/leak_search.ts";
import { secret } from "../support/fixtures.ts";
import {
  assertStoreError,
  AsyncStore,
  HOUR,
  MINUTE,
  rejection,
  type Scene,
  settle,
  signedIn,
  WebStorage,
} from "../support/session_scene.ts";

/** Runs timers of 1 s and more after 10 ms, so that a test does not wait for the time limit of a store call. */
function shortTimers(): Disposable {
  const real = globalThis.setTimeout;
  globalThis.setTimeout =
    ((run: () => void, ms = 0) => real(run, ms >= 1_000 ? 10 : ms)) as typeof setTimeout;
  return {
    [Symbol.dispose]() {
      globalThis.setTimeout = real;
    },
  };
}

test("CredentialSession continues after a write that never settles", async () => {
  using _timers = shortTimers();
  const store = new AsyncStore();
  const { session, another, clock, service, events } = await signedIn({ store });
  service.rotation = true;
  clock.advance(HOUR);
  const write = store.setItem.bind(store);
  store.setItem = () => new Promise(() => {});
  assertStoreError(await rejection(session.getIdToken()), "store", "No result within 5000 ms");
  store.setItem = write;
  clock.advance(HOUR);
  const { id_token } = await session.getCredentials();
  assertEquals(await another().getIdToken(), id_token);
  await session.signOut();
  assertEquals(store.items.size, 0);
  assertEquals(events, ["signed_in", "refreshed", "refreshed", "signed_out"]);
});

test("CredentialSession continues after a read and a removal that never settle", async () => {
  using _timers = shortTimers();
  const store = new AsyncStore();
  const { session, another, clock } = await signedIn({ store });
  clock.advance(HOUR);
  const { getItem, removeItem } = store;
  store.getItem = () => new Promise(() => {});
  assertStoreError(await rejection(session.getIdToken()), "read", "No result within 5000 ms");
  store.getItem = getItem;
  const { id_token } = await session.getCredentials();
  assertEquals(await another().getIdToken(), id_token);
  store.removeItem = () => new Promise(() => {});
  assertStoreError(await rejection(session.signOut()), "remove", "No result within 5000 ms");
  store.removeItem = removeItem;
  await session.signIn(crypto.randomUUID());
  assertEquals(store.refreshToken, (await session.getCredentials()).refresh_token);
});

test("CredentialSession does not undo a sign-out elsewhere when its own removal settles late", async () => {
  using _timers = shortTimers();
  const store = new AsyncStore();
  const { session, another } = await signedIn({ store });
  const late = Promise.withResolvers<void>();
  const { removeItem } = store;
  store.removeItem = () => late.promise;
  assertStoreError(await rejection(session.signOut()), "remove", "No result within 5000 ms");
  store.removeItem = removeItem;
  await session.signIn(crypto.randomUUID());
  await another().signOut();
  assertInstanceOf(await rejection(session.refresh()), CredentialSessionError);
  late.resolve();
  await settle();
  assertEquals(store.items.size, 0);
});

test("CredentialSession repeats the failed write of a sign-in after its own sign-out", async () => {
  const store = new AsyncStore();
  const lock = Promise.withResolvers<void>();
  const { session } = await signedIn({ store, lock: (_, __, grant) => lock.promise.then(grant) });
  const leaving = session.signOut();
  assertInstanceOf(await rejection(session.getIdToken()), CredentialSessionError);
  lock.resolve();
  await leaving;
  store.failures.setItem = new Error("quota exceeded");
  const call = session.signIn(crypto.randomUUID());
  assertStoreError(await rejection(call), "store", "quota exceeded");
  delete store.failures.setItem;
  const { refresh_token } = await session.getCredentials();
  assertEquals(store.refreshToken, refresh_token);
});

test("CredentialSession does not repeat a failed write over the sign-out of another session", async () => {
  for (const method of ["refresh", "signIn"] as const) {
    const store = new AsyncStore();
    const { session, another, service, clock, events } = await signedIn({ store });
    service.rotation = true;
    clock.advance(HOUR);
    store.failures.setItem = new Error("quota exceeded");
    const call = method === "refresh" ? session.refresh() : session.signIn(crypto.randomUUID());
    assertStoreError(await rejection(call), "store", "quota exceeded");
    delete store.failures.setItem;
    await another().signOut();
    assertInstanceOf(await rejection(session.getIdToken()), CredentialSessionError);
    assertInstanceOf(await rejection(session.refresh()), CredentialSessionError);
    assertEquals(store.items.size, 0);
    assertEquals(session.signedIn, false);
    assertEquals(events, ["signed_in", "signed_out"]);
  }
});

test("CredentialSession does not repeat a failed write over the login of another session", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  service.rotation = true;
  clock.advance(HOUR);
  store.failures.setItem = new Error("quota exceeded");
  assertStoreError(await rejection(session.refresh()), "store", "quota exceeded");
  delete store.failures.setItem;
  const { id_token, refresh_token } = await another().signIn(crypto.randomUUID());
  assertEquals(await session.getIdToken(), id_token);
  assertEquals(store.refreshToken, refresh_token);
});

/** A session whose refresh has failed at an age of its token, so that it pauses. */
async function pausedScene(age: number): Promise<Scene> {
  const stage = await signedIn({ store: new AsyncStore() });
  stage.clock.advance(age);
  stage.service.failure = new Error("unavailable");
  await rejection(stage.session.refresh());
  return stage;
}

test("CredentialSession adopts newer tokens in the store during the pause after a failed refresh", async () => {
  for (const age of [56 * MINUTE, HOUR]) {
    const { session, another, service, clock, events } = await pausedScene(age);
    service.failure = undefined;
    service.rotation = true;
    const { id_token } = await another().refresh();
    assertEquals(service.refreshes, 2);
    clock.advance(1_000);
    assertEquals(await session.getIdToken(), id_token);
    assertEquals(service.refreshes, 2);
    assertEquals(events, ["signed_in", "refreshed"]);
  }
});

test("CredentialSession notices a sign-out elsewhere during the pause after a failed refresh", async () => {
  for (const age of [56 * MINUTE, HOUR]) {
    const { session, another, service, events } = await pausedScene(age);
    await another().signOut();
    const error = await rejection(session.getIdToken());
    assertInstanceOf(error, CredentialSessionError, String(error));
    assertEquals(session.signedIn, false);
    assertEquals(service.refreshes, 1);
    assertEquals(events, ["signed_in", "signed_out"]);
  }
});

test("CredentialSession.signedIn is true for a login in a synchronous store during the first call", async () => {
  const store = new WebStorage();
  const { another, service, clock } = await signedIn({ store });
  clock.advance(HOUR);
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  for (const begin of ["getIdToken", "refresh", "getCredentials"] as const) {
    const session = another();
    const call = session[begin]();
    assertEquals(session.signedIn, true, begin);
    await settle();
    assertEquals(session.signedIn, true, begin);
    gate.resolve();
    await call;
    assertEquals(session.signedIn, true, begin);
  }
  const session = another();
  const call = rejection(session.signIn(""));
  assertEquals(session.signedIn, true);
  await call;
});

test("CredentialSession notices a login that begins elsewhere with the same refresh token after a sign-out", async () => {
  const store = new AsyncStore();
  const { session, another, clock, events } = await signedIn({ store });
  const { refresh_token: refreshToken = "" } = await session.getCredentials();
  await session.signOut();
  clock.advance(1);
  const { id_token } = await another().signIn({ authFlow: "refreshTokenAuth", refreshToken });
  assertEquals(store.refreshToken, refreshToken);
  assertEquals(await session.getIdToken(), id_token);
  assertEquals(events, ["signed_in", "signed_out", "signed_in"]);
});

/** Errors of a store that contain a text in many places. */
function errorsWith(text: string): readonly unknown[] {
  class Command {
    toJSON() {
      return { args: [text] };
    }
    get args() {
      return [text];
    }
    toString() {
      return text;
    }
  }
  const failed = (properties: object) => Object.assign(new Error("command failed"), properties);
  const named = new Error("command failed");
  named.name = text;
  const messages = Object.defineProperty(new Error(), "message", { get: () => text });
  return [
    text,
    { message: text },
    new Command(),
    new Map([[text, text]]),
    new URLSearchParams({ [text]: text }),
    new Error(text),
    new Error(`SET key ${text}`),
    new Error(encodeURIComponent(JSON.stringify({ text }))),
    new Error(btoa(text)),
    new Error("command failed", { cause: new Error("why", { cause: { command: text } }) }),
    new AggregateError([new Error(text), text], "command failed"),
    failed({ [text]: true }),
    failed({ [Symbol(text)]: true }),
    failed({ command: new Command(), query: new URLSearchParams({ value: text }) }),
    failed({ toJSON: () => text, toString: () => text, args: new Set([text]) }),
    failed({ headers: new Headers({ "x-value": text }), bytes: new TextEncoder().encode(text) }),
    named,
    messages,
  ];
}

test("CredentialSession passes on no token in any error of a store", async () => {
  const methods = ["getItem", "setItem", "removeItem"] as const;
  const count = errorsWith("").length;
  for (const [method, isAsync, index] of combinations(methods, count)) {
    const store: SessionStore = isAsync ? new AsyncStore() : new WebStorage();
    const { session, service, clock } = await signedIn({ store });
    service.rotation = true;
    const { refresh_token = "" } = await session.getCredentials();
    const next = service.credentials();
    next.refresh_token = secret(80);
    service.credentials = () => next;
    clock.advance(HOUR);
    store[method] = () => {
      const error = errorsWith(method === "setItem" ? next.refresh_token : refresh_token)[index];
      if (isAsync) return Promise.reject(error);
      throw error;
    };
    const call = method === "removeItem" ? session.signOut() : session.getIdToken();
    const error = await rejection(call);
    assertInstanceOf(error, Error);
    const secrets = { refresh_token, next: next.refresh_token };
    assertEquals(leaksIn(error, secrets), [], `${method} ${index}`);
    assertEquals([error.name, error.cause], ["Error", undefined]);
    assertNotEquals(error.message, "");
  }
});

function combinations<T>(methods: readonly T[], count: number): [T, boolean, number][] {
  const indexes = Array.from({ length: count }, (_, index) => index);
  return methods.flatMap((method) =>
    [true, false].flatMap((isAsync) =>
      indexes.map((index): [T, boolean, number] => [method, isAsync, index])
    )
  );
}
