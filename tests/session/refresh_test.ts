import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { test } from "node:test";
import {
  CredentialApiError,
  CredentialResponseError,
  CredentialSessionError,
  CredentialTimeoutError,
} from "../../mod.ts";
import {
  apiError,
  AsyncStore,
  emulated,
  HOUR,
  KEY,
  MINUTE,
  networkError,
  rejection,
  scene,
  signedIn,
} from "../support/session_scene.ts";
import { CredentialSession } from "../../src/session/session.ts";

/** Failures that do not concern the refresh token. */
const PASSING = [
  networkError(),
  new CredentialTimeoutError("Cannot refresh", { timeout: 5_000 }),
  new CredentialResponseError("Cannot refresh", { status: 200 }),
  ...[401, 403, 408, 409, 410, 429, 500, 502, 503, 504].map((status) => apiError(status)),
  new TypeError("a mistake in a hook"),
];

test("CredentialSession keeps the refresh token if the response has none, an empty one or null", async () => {
  for (const refresh_token of [undefined, "", null]) {
    const store = new AsyncStore();
    const { session, service, clock } = await signedIn({ store });
    const before = store.refreshToken;
    const mint = service.credentials.bind(service);
    service.rotation = true;
    service.credentials = () => ({ ...mint(), refresh_token: refresh_token as never });
    clock.advance(HOUR);
    assertEquals((await session.getCredentials()).refresh_token, before);
    assertEquals(store.refreshToken, before);
    assert(before !== undefined);
  }
});

test("CredentialSession uses the new refresh token of a rotation", async () => {
  const store = new AsyncStore();
  const { session, service, clock } = await signedIn({ store });
  service.rotation = true;
  const seen = new Set([store.refreshToken]);
  for (let hour = 0; hour < 5; hour++) {
    clock.advance(HOUR);
    seen.add((await session.getCredentials()).refresh_token);
  }
  assertEquals(seen.size, 6);
  assert(seen.has(store.refreshToken));
});

test("CredentialSession.refresh() refreshes, even if the store has a valid token for a concurrent caller", async () => {
  const store = new AsyncStore();
  const { session, another, service, clock } = await signedIn({ store });
  const other = another();
  await other.getIdToken();
  clock.advance(59 * MINUTE);
  const { id_token } = await other.refresh();
  clock.advance(2 * MINUTE);
  assertEquals(service.refreshes, 1);
  const [found, refreshed] = await Promise.all([session.getIdToken(), session.refresh()]);
  assertEquals(found, id_token);
  assertNotEquals(refreshed.id_token, id_token);
  assertEquals(service.refreshes, 2);
});

test("CredentialSession returns no token before it is stored", async () => {
  const store = new AsyncStore();
  const { session, clock, service } = await signedIn({ store });
  service.rotation = true;
  clock.advance(HOUR);
  const calls = [session.getIdToken(), session.refresh(), session.getCredentials()];
  const stored = await Promise.all(calls.map(async (call) => {
    await call;
    return store.items.get(KEY)?.includes(await session.getIdToken());
  }));
  assertEquals(stored, [true, true, true]);

  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  store.setItem = async (key, value) => {
    await gate.promise;
    store.items.set(key, value);
    order.push("stored");
  };
  const waiters = [session.refresh(), session.refresh()].map(async (call) => {
    await call;
    order.push("handed out");
  });
  gate.resolve();
  await Promise.all(waiters);
  assertEquals(order, ["stored", "handed out", "handed out"]);
});

test("CredentialSession continues after transient failures, and returns a token that is still valid", async () => {
  for (const failure of PASSING) {
    const { session, service, clock, events } = await signedIn();
    const before = await session.getIdToken();
    service.failure = failure;
    clock.advance(56 * MINUTE);
    assertEquals(await session.getIdToken(), before);
    assertEquals((await session.getCredentials()).id_token, before);
    assertEquals(service.refreshes, 1);
    clock.advance(5 * MINUTE);
    assertEquals(await rejection(session.getIdToken()), failure);
    service.failure = undefined;
    clock.advance(10 * MINUTE);
    assertNotEquals(await session.getIdToken(), before);
    assertEquals(events, ["signed_in", "refreshed"]);
  }
});

test("CredentialSession sends one request for 20 callers in a row during an outage", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  service.failure = apiError(503);
  for (let call = 0; call < 20; call++) {
    assertEquals(await rejection(session.getIdToken()), service.failure);
    assertEquals(await rejection(session.refresh()), service.failure);
    clock.advance(1_000);
  }
  assertEquals(service.refreshes, 1);
});

test("CredentialSession retries after 30 s, growing to 5 min", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  service.failure = networkError();
  const waits: number[] = [];
  for (let before = 0, second = 0; waits.length < 7; second++, clock.advance(1_000)) {
    const { refreshes } = service;
    await rejection(session.getIdToken());
    if (service.refreshes === refreshes) continue;
    waits.push(second - before);
    before = second;
  }
  assertEquals(waits, [0, 30, 60, 120, 240, 300, 300]);
  service.failure = undefined;
  clock.advance(5 * MINUTE);
  await session.getIdToken();
  clock.advance(HOUR);
  service.failure = networkError();
  await rejection(session.getIdToken());
  const { refreshes } = service;
  clock.advance(30_000);
  await rejection(session.getIdToken());
  assertEquals(service.refreshes, refreshes + 1);
});

test("CredentialSession waits for the Retry-After of a 429", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  service.failure = apiError(429, 90_000);
  for (let second = 0; second < 90; second++, clock.advance(1_000)) {
    assertEquals(await rejection(session.getIdToken()), service.failure);
  }
  assertEquals(service.refreshes, 1);
  service.failure = undefined;
  await session.getIdToken();
  assertEquals(service.refreshes, 2);
});

test("CredentialSession waits for 1 s even if the Retry-After of a 429 is 0", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  service.failure = apiError(429, 0);
  for (let call = 0; call < 20; call++) await rejection(session.getIdToken());
  assertEquals(service.refreshes, 1);
  clock.advance(1_000);
  await rejection(session.getIdToken());
  assertEquals(service.refreshes, 2);
});

test("CredentialSession ends a pause when the clock was set back", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  service.failure = networkError();
  await rejection(session.getIdToken());
  service.failure = undefined;
  clock.advance(-3 * HOUR);
  await session.getIdToken();
  assertEquals(service.refreshes, 2);
});

test("CredentialSession does not pause for a new login after a failure of an old one", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  service.failure = networkError();
  await rejection(session.getIdToken());
  service.failure = undefined;
  await session.signIn(crypto.randomUUID());
  await session.refresh();
  assertEquals(service.refreshes, 2);
});

test("CredentialSession ends with one event when the refresh token is rejected, and does not send it again", async () => {
  for (const status of [400, 404]) {
    const store = new AsyncStore();
    const { session, service, clock, events, another } = await signedIn({ store });
    clock.advance(HOUR);
    service.failure = apiError(status);
    const errors = await Promise.all(
      Array.from({ length: 20 }, () => rejection(session.getIdToken())),
    );
    for (const error of errors) {
      assertInstanceOf(error, CredentialSessionError);
      assertEquals(
        error.message,
        "Cannot use the session: it has ended, because the service has rejected its refresh token; send the user to the login page",
      );
      assertInstanceOf(error.cause, CredentialApiError);
    }
    for (let call = 0; call < 5; call++) {
      await assertRejects(() => session.refresh(), CredentialSessionError, "has ended");
      await assertRejects(() => another().getIdToken(), CredentialSessionError);
    }
    assertEquals(service.refreshes, 1);
    assertEquals(events, ["signed_in", "ended"]);
    assertEquals(store.items.size, 0);
    assertEquals(session.signedIn, false);
  }
});

test("CredentialSession ends at a rejection, even while the ID token is still valid", async () => {
  const { session, service, clock, events } = await signedIn();
  service.failure = apiError(404);
  clock.advance(56 * MINUTE);
  await assertRejects(() => session.getIdToken(), CredentialSessionError);
  assertEquals(events, ["signed_in", "ended"]);
});

test("CredentialSession accepts a new login after it has ended", async () => {
  const { session, service, clock, events } = await signedIn();
  clock.advance(HOUR);
  service.failure = apiError(404);
  await rejection(session.getIdToken());
  service.failure = undefined;
  await session.signIn(crypto.randomUUID());
  await session.refresh();
  assertEquals(events, ["signed_in", "ended", "signed_in", "refreshed"]);
});

test("CredentialSession ends as endsSession decides", async () => {
  const asked: string[] = [];
  const { session, service, clock, events } = await signedIn({
    endsSession: (error) => {
      asked.push(error.code);
      return error.code === "api_error" && error.type === undefined && error.status === 401;
    },
  });
  clock.advance(HOUR);
  service.failure = apiError(404);
  assertEquals(await rejection(session.getIdToken()), service.failure);
  clock.advance(MINUTE);
  service.failure = apiError(401);
  await assertRejects(() => session.getIdToken(), CredentialSessionError);
  assertEquals(asked, ["api_error", "api_error"]);
  assertEquals(events, ["signed_in", "ended"]);
});

test("CredentialSession pauses when endsSession throws", async () => {
  const mistake = new Error("a mistake");
  const { session, service, clock, events } = await signedIn({
    endsSession: () => {
      throw mistake;
    },
  });
  clock.advance(HOUR);
  service.failure = apiError(404);
  assertEquals(await rejection(session.getIdToken()), mistake);
  assertEquals(await rejection(session.getIdToken()), service.failure);
  assertEquals(service.refreshes, 1);
  assertEquals(events, ["signed_in"]);
});

test("CredentialSession continues after each fault of the emulator", async () => {
  await using service = await emulated();
  const { client, clock, emulator } = service;
  const session = new CredentialSession({ client, now: clock.now });
  await session.signIn(emulator.issueCode());
  const faults = [
    { kind: "drop" },
    { kind: "truncate" },
    { kind: "status", status: 200, body: "<h1>It works!</h1>" },
    { kind: "status", status: 401 },
    { kind: "status", status: 503 },
    { kind: "status", status: 429, headers: { "Retry-After": "60" } },
  ] as const;
  for (const fault of faults) {
    clock.advance(56 * MINUTE);
    const before = await session.getIdToken();
    clock.advance(56 * MINUTE);
    emulator.faults = [fault];
    assertEquals(await session.getIdToken(), before, fault.kind);
    clock.advance(2 * MINUTE);
    assertNotEquals(await session.getIdToken(), before, fault.kind);
  }
  assert(session.signedIn);
});

test("CredentialSession calls the client with its this, and with one flow", async () => {
  const { clock, service } = scene();
  class Client {
    readonly #service = service;
    async getAuthCredentials(...[flow, options]: Parameters<typeof service.getAuthCredentials>) {
      return await this.#service.getAuthCredentials(flow, options);
    }
  }
  const session = new CredentialSession({ client: new Client(), now: clock.now });
  const { refresh_token } = await session.signIn(crypto.randomUUID());
  await session.refresh();
  assertEquals(service.calls[1], {
    authFlow: "refreshTokenAuth",
    refreshToken: refresh_token ?? "",
  });
});
