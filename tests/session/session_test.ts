import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import { type AuthFlow, CredentialInputError, CredentialSessionError } from "../../mod.ts";
import { CredentialSession } from "../../src/session/session.ts";
import type { SessionEvent } from "../../src/session/options.ts";
import { leaksIn } from "../support/leak_search.ts";
import {
  apiError,
  AsyncStore,
  emulated,
  HOUR,
  MINUTE,
  networkError,
  rejection,
  scene,
  settle,
  signedIn,
  WebStorage,
} from "../support/session_scene.ts";

test("CredentialSession keeps a login fresh against the emulator over a socket", async () => {
  await using service = await emulated({ rotation: true });
  const { client, clock, emulator } = service;
  const session = new CredentialSession({ client, now: clock.now });
  const { id_token, refresh_token } = await session.signIn(emulator.issueCode());
  assertEquals(await session.getIdToken(), id_token);
  clock.advance(HOUR);
  const fresh = await session.getCredentials();
  assert(fresh.id_token !== id_token && fresh.refresh_token !== refresh_token);
  clock.advance(HOUR);
  assert(await session.getIdToken() !== fresh.id_token);
  assertEquals(service.requests(), 3);
  emulator.revokeRefreshToken((await session.getCredentials()).refresh_token ?? "");
  clock.advance(HOUR);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "has ended");
  assertEquals(service.requests(), 4);
});

test("CredentialSession.signIn() accepts a code and any flow", async () => {
  const { session, service, events } = scene();
  const flows: AuthFlow[] = [
    { code: crypto.randomUUID() },
    { authFlow: "tempCodeAuth", code: crypto.randomUUID() },
    { authFlow: "refreshTokenAuth", refreshToken: crypto.randomUUID() },
  ];
  const code = crypto.randomUUID();
  await session.signIn(code);
  for (const flow of flows) await session.signIn(flow);
  assertEquals(service.calls, [
    { authFlow: "tempCodeAuth", code },
    { authFlow: "tempCodeAuth", ...flows[0] } as AuthFlow,
    ...flows.slice(1),
  ]);
  assertEquals(events, Array(4).fill("signed_in"));
});

test("CredentialSession.signIn() keeps the given refresh token if the response has none", async () => {
  const { session } = scene();
  const refreshToken = crypto.randomUUID();
  const credentials = await session.signIn({ authFlow: "refreshTokenAuth", refreshToken });
  assertEquals(credentials.refresh_token, refreshToken);
});

test("CredentialSession.signIn() rejects an invalid argument, and sends nothing", async () => {
  const { session, service } = scene();
  for (const login of ["", { authFlow: "refreshTokenAuth", code: "x" }, undefined, 5]) {
    await assertRejects(
      () => session.signIn(login as string),
      CredentialInputError,
      "Cannot sign in",
    );
  }
  assertEquals(service.calls, []);
});

test("CredentialSession.signIn() rejects with the error of the client, and changes nothing", async () => {
  const { session, service, events } = await signedIn();
  const before = await session.getIdToken();
  service.failure = apiError(404);
  const error = await rejection(session.signIn(crypto.randomUUID()));
  assertEquals(error, service.failure);
  assertEquals(await session.getIdToken(), before);
  assertEquals(events, ["signed_in"]);
});

test("CredentialSession rejects with instructions when nobody is signed in", async () => {
  const { session, service, events } = scene({ origins: ["https://app.example.com"] });
  const calls = [
    () => session.getIdToken(),
    () => session.getCredentials(),
    () => session.refresh(),
    () => session.fetch("https://app.example.com/"),
  ];
  for (const call of calls) {
    const error = await assertRejects(
      call,
      CredentialSessionError,
      "Cannot use the session: nobody is signed in; call signIn() with the code of a login",
    );
    assertEquals(error.code, "session_ended");
  }
  assertEquals(service.calls, []);
  assertEquals(events, []);
});

test("CredentialSession starts with the credentials option", async () => {
  const { another, service } = scene();
  const credentials = service.credentials();
  const session = another({ credentials });
  assert(session.signedIn);
  assertEquals(await session.getCredentials(), credentials);
  assertEquals(service.calls, []);
});

test("CredentialSession.getIdToken() refreshes once for 10,000 callers", async () => {
  const { session, service, clock, events } = await signedIn();
  const before = await session.getIdToken();
  clock.advance(HOUR);
  const tokens = await Promise.all(Array.from({ length: 10_000 }, () => session.getIdToken()));
  assertEquals(service.refreshes, 1);
  assertEquals(new Set(tokens).size, 1);
  assert(tokens[0] !== before);
  assertEquals(events, ["signed_in", "refreshed"]);
});

test("CredentialSession.getIdToken() calls neither client nor store while the token is fresh", async () => {
  const store = new AsyncStore();
  const { session, service, clock } = await signedIn({ store });
  const { length } = store.log;
  for (let minute = 0; minute < 55; minute++) {
    await session.getIdToken();
    clock.advance(MINUTE);
  }
  assertEquals(service.refreshes, 0);
  assertEquals(store.log.length, length);
  await session.getIdToken();
  assertEquals(service.refreshes, 1);
});

test("CredentialSession.getCredentials() returns a copy", async () => {
  const { session } = await signedIn();
  const credentials = await session.getCredentials();
  const before = { ...credentials };
  credentials.id_token = "changed";
  assertEquals(await session.getCredentials(), before);
});

test("CredentialSession.refresh() refreshes a token that is still fresh", async () => {
  const { session, service, events } = await signedIn();
  const before = await session.getIdToken();
  const { id_token } = await session.refresh();
  assert(id_token !== before);
  assertEquals(await session.getIdToken(), id_token);
  assertEquals(service.refreshes, 1);
  assertEquals(events, ["signed_in", "refreshed"]);
});

test("CredentialSession.refresh() waits for the refresh under way", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  const [token, credentials] = await Promise.all([session.getIdToken(), session.refresh()]);
  assertEquals(token, credentials.id_token);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession.refresh() rejects without a refresh token, and keeps the login", async () => {
  const { another, service, clock } = scene();
  const { id_token, access_token } = service.credentials();
  const events: string[] = [];
  const session = another({
    credentials: { id_token, access_token },
    onChange: ({ type }) => events.push(type),
  });
  await assertRejects(() => session.refresh(), CredentialSessionError, "no refresh token");
  assertEquals(await session.getIdToken(), id_token);
  clock.advance(59 * MINUTE);
  assertEquals(await session.getIdToken(), id_token);
  assertEquals(events, []);
  clock.advance(MINUTE);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "has expired");
  assertEquals(events, ["ended"]);
  assertEquals(service.calls, []);
});

test("CredentialSession.signOut() forgets the login in memory and in the store", async () => {
  const store = new AsyncStore();
  const { session, another, events } = await signedIn({ store });
  assert(store.refreshToken !== undefined);
  const leaving = session.signOut();
  assertEquals(session.signedIn, false);
  await leaving;
  assertEquals(store.items.size, 0);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "was signed out");
  await assertRejects(() => another().getIdToken(), CredentialSessionError, "nobody");
  assertEquals(events, ["signed_in", "signed_out"]);
});

test("CredentialSession.signedIn reads a synchronous store", async () => {
  const store = new WebStorage();
  const { another, session } = scene({ store });
  assertEquals(session.signedIn, false);
  await another().signIn(crypto.randomUUID());
  assert(session.signedIn);
  assert(another().signedIn);
  await session.signOut();
  assertEquals(another().signedIn, false);
});

test("CredentialSession.signedIn is right for an asynchronous store after the first call", async () => {
  const store = new AsyncStore();
  const { another } = await signedIn({ store });
  const session = another();
  assertEquals(session.signedIn, false);
  await session.getIdToken();
  assert(session.signedIn);
});

test("CredentialSession.signedIn reads an asynchronous store only once", () => {
  const store = new AsyncStore();
  const { session } = scene({ store });
  for (let look = 0; look < 10; look++) assertEquals(session.signedIn, false);
  assertEquals(store.log, ["getItem"]);
});

test("CredentialSession.signedIn is false for a store that throws", async () => {
  const store = new WebStorage();
  store.getItem = () => {
    throw new Error("Access is denied");
  };
  assertEquals(scene({ store }).session.signedIn, false);
  const failing = new AsyncStore();
  failing.failures.getItem = new Error("no connection");
  assertEquals(scene({ store: failing }).session.signedIn, false);
  await settle();
});

test("CredentialSession shows no token in any inspection", async () => {
  const { session, service, clock } = await signedIn();
  const events: SessionEvent[] = [];
  session.onChange((event) => events.push(event));
  const { id_token, access_token, refresh_token = "" } = await session.refresh();
  const secrets = { id_token, access_token, refresh_token };
  assertEquals(leaksIn(session, secrets), []);
  service.revoke(refresh_token);
  clock.advance(HOUR);
  const error = await rejection(session.getIdToken());
  assertEquals(leaksIn([error, events], secrets), []);
  assertEquals(leaksIn(await rejection(session.getIdToken()), secrets), []);
});

test("CredentialSession.signIn() twice with one code at the same time ends in one login", async () => {
  await using service = await emulated();
  const { client, clock, emulator } = service;
  for (const store of [new AsyncStore(), new WebStorage()]) {
    const events: string[] = [];
    const options = { client, now: clock.now, store };
    const session = new CredentialSession({
      ...options,
      onChange: ({ type }) => events.push(type),
    });
    const code = emulator.issueCode();
    const results = await Promise.allSettled([session.signIn(code), session.signIn(code)]);
    const [login, ...others] = results.filter((result) => result.status === "fulfilled");
    assertEquals(others, []);
    assertEquals(await session.getCredentials(), login?.value);
    assertEquals(await new CredentialSession(options).getCredentials(), login?.value);
    assertEquals(events, ["signed_in"]);
    clock.advance(HOUR);
    await session.getIdToken();
    assertEquals(events, ["signed_in", "refreshed"]);
  }
});

test("CredentialSession.getClaims() returns the claims of a valid ID token", async () => {
  const { session, service, clock } = scene();
  service.claims = (iat) => ({ sub: "5", email: "hanako@example.com", name: "山田 花子", iat });
  await session.signIn(crypto.randomUUID());
  const { jti, ...claims } = await session.getClaims();
  assertEquals(claims, {
    sub: "5",
    email: "hanako@example.com",
    name: "山田 花子",
    iat: clock.ms / 1000,
  });
  assertEquals(typeof jti, "string");
});

test("CredentialSession.getClaims() refreshes an expired ID token first", async () => {
  const { session, service, clock } = scene();
  service.claims = (iat) => ({ sub: "5", iat, exp: iat + 3600 });
  await session.signIn(crypto.randomUUID());
  clock.advance(HOUR);
  const { iat } = await session.getClaims();
  assertEquals([iat, service.refreshes], [clock.ms / 1000, 1]);
  service.failure = networkError();
  clock.advance(HOUR);
  assertEquals(await rejection(session.getClaims()), service.failure);
  const reason = new Error("enough");
  assertEquals(await rejection(session.getClaims({ signal: AbortSignal.abort(reason) })), reason);
  await session.signOut();
  await assertRejects(() => session.getClaims(), CredentialSessionError);
});

test("CredentialSession.getClaims() rejects an ID token that is not a JWT, without quoting it", async () => {
  const { session, service } = scene();
  const idToken = crypto.randomUUID();
  service.idToken = () => idToken;
  await session.signIn(crypto.randomUUID());
  const error = await rejection(session.getClaims());
  assertInstanceOf(error, CredentialInputError);
  assertEquals(leaksIn(error, { idToken }), []);
});
