import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CredentialApiError, CredentialSessionError } from "../../mod.ts";
import type { SessionEvent } from "../../src/session/options.ts";
import { AsyncStore, HOUR, rejection, scene, settle, signedIn } from "../support/session_scene.ts";

test("CredentialSession rejects an aborted caller, and no other", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(HOUR);
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const first = new AbortController();
  const { signal } = first;
  const gaveUp = [
    session.getIdToken({ signal }),
    session.getCredentials({ signal }),
    session.refresh({ signal }),
  ].map(rejection);
  const others = [session.getIdToken(), session.refresh()];
  await settle();
  const reason = new Error("I have no time");
  first.abort(reason);
  assertEquals(await Promise.all(gaveUp), [reason, reason, reason]);
  gate.resolve();
  await Promise.all(others);
  assertEquals(service.refreshes, 1);
  assert(!service.signals.some((each) => each?.aborted));
});

test("CredentialSession rejects with the reason of a signal that has aborted before", async () => {
  const { session, service } = await signedIn();
  const reason = new Error("too late");
  const options = { signal: AbortSignal.abort(reason) };
  const calls = [
    session.getIdToken(options),
    session.getCredentials(options),
    session.refresh(options),
    session.signIn(crypto.randomUUID(), options),
    session.signOut(options),
  ];
  for (const call of calls) assertEquals(await rejection(call), reason);
  assert(session.signedIn);
  assertEquals(service.calls.length, 1);
});

test("CredentialSession.signIn() changes nothing after its caller has aborted", async () => {
  const { session, service, events } = scene();
  const gate = Promise.withResolvers<void>();
  service.gate = gate.promise;
  const controller = new AbortController();
  const attempt = rejection(session.signIn(crypto.randomUUID(), { signal: controller.signal }));
  await settle();
  controller.abort(new Error("enough"));
  await attempt;
  gate.resolve();
  await settle();
  assertEquals(session.signedIn, false);
  assertEquals(events, []);
  assert(service.signals[0]?.aborted);
});

test("CredentialSession.onChange() calls a listener until it is removed", async () => {
  const { session } = scene();
  const events: SessionEvent[] = [];
  const stop = session.onChange((event) => events.push(event));
  await session.signIn(crypto.randomUUID());
  await session.refresh();
  stop();
  stop();
  await session.signOut();
  assertEquals(events, [{ type: "signed_in" }, { type: "refreshed" }]);
});

test("CredentialSession.onChange() reports the reason for the end of a session", async () => {
  const { session, service } = await signedIn();
  const events: SessionEvent[] = [];
  session.onChange((event) => events.push(event));
  service.revoke((await session.getCredentials()).refresh_token);
  const error = await rejection(session.refresh());
  assertInstanceOf(error, CredentialSessionError);
  assertInstanceOf(error.cause, CredentialApiError);
  assertEquals(error.operation, "getAuthCredentials");
  assertEquals(events, [{ type: "ended", error }]);
});

test("CredentialSession ignores a listener that throws, hangs or rejects", async () => {
  const { session, clock, service } = scene();
  const reported: string[] = [];
  session.onChange(() => {
    throw new Error("a mistake");
  });
  session.onChange(() => new Promise(() => {}));
  session.onChange(() => Promise.reject(new Error("another mistake")));
  session.onChange(({ type }) => reported.push(type));
  await session.signIn(crypto.randomUUID());
  clock.advance(HOUR);
  await session.getIdToken();
  await session.signOut();
  assertEquals(reported, ["signed_in", "refreshed", "signed_out"]);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession supports a listener that calls and awaits the session", async () => {
  const { session, clock, service, events } = scene();
  const answers: unknown[] = [];
  session.onChange(async ({ type }) => {
    if (type === "refreshed") answers.push(await session.getIdToken());
    if (type === "signed_in") answers.push((await session.getCredentials()).id_token);
    if (type === "signed_out") answers.push(await rejection(session.getIdToken()));
  });
  const { id_token } = await session.signIn(crypto.randomUUID());
  clock.advance(HOUR);
  const fresh = await session.getIdToken();
  await session.signOut();
  await settle();
  assertEquals(answers.slice(0, 2), [id_token, fresh]);
  assertInstanceOf(answers[2], CredentialSessionError);
  assertEquals(service.refreshes, 1);
  assertEquals(events, ["signed_in", "refreshed", "signed_out"]);
});

test("CredentialSession supports a listener that signs out during a refresh", async () => {
  const store = new AsyncStore();
  const { session, clock } = await signedIn({ store });
  const left: Promise<void>[] = [];
  session.onChange(({ type }) => {
    if (type === "refreshed") left.push(session.signOut());
  });
  clock.advance(HOUR);
  await assertRejects(() => session.getIdToken(), CredentialSessionError, "was signed out");
  await Promise.all(left);
  assertEquals(session.signedIn, false);
  assertEquals(store.items.size, 0);
});

test("CredentialSession[Symbol.dispose]() removes the listeners, and keeps the login", async () => {
  const store = new AsyncStore();
  const { session, events, another } = await signedIn({ store });
  {
    using _ = session;
  }
  await session.refresh();
  assertEquals(events, ["signed_in"]);
  assertEquals(await another().getIdToken(), await session.getIdToken());
});
