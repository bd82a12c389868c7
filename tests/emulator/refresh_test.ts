import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import type { Credentials } from "../../src/models.ts";
import { assertError, Clock, post, refresh, someTokens } from "../support/emulator_call.ts";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

function assertFresh(json: Record<string, unknown>, old: Credentials): void {
  assertMatch(String(json["id_token"]), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assertMatch(String(json["access_token"]), /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assertNotEquals(json["id_token"], old.id_token);
  assertNotEquals(json["access_token"], old.access_token);
}

test("CredentialEmulator.fetch() refreshes without a new refresh token, and keeps the old one", async () => {
  const emulator = new CredentialEmulator();
  const tokens = someTokens();
  await post(emulator, tokens);
  for (let i = 0; i < 3; i++) {
    const { status, json } = await refresh(emulator, tokens.refresh_token);
    assertEquals(status, 200);
    assertEquals(Object.keys(json).sort(), ["access_token", "id_token"]);
    assertFresh(json, tokens);
  }
});

test("CredentialEmulator.fetch() keeps the subject of the ID token after a refresh", async () => {
  const emulator = new CredentialEmulator({ rotation: true });
  const { refresh_token, ...tokens } = emulator.issueCredentials({
    sub: "user-1",
    email: "a@example.com",
  });
  const moved = new CredentialEmulator({ rotation: true });
  moved.issueCode({ ...tokens, refresh_token: refresh_token ?? "" });
  for (const each of [emulator, moved]) {
    const first = await refresh(each, refresh_token);
    const second = await refresh(each, String(first.json["refresh_token"]));
    const [, claims = ""] = String(second.json["id_token"]).split(".");
    assertEquals(JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/"))).sub, "user-1");
  }
});

test("CredentialEmulator.fetch() returns a new refresh token with rotation, and rejects the old one", async () => {
  const emulator = new CredentialEmulator({ rotation: true });
  const old = emulator.issueCredentials();
  const { status, json } = await refresh(emulator, old.refresh_token);
  assertEquals(status, 200);
  assertFresh(json, old);
  assertNotEquals(json["refresh_token"], old.refresh_token);
  assertError(await refresh(emulator, old.refresh_token), 404, "not_found");
  assertEquals((await refresh(emulator, String(json["refresh_token"]))).status, 200);
});

test("CredentialEmulator.fetch() accepts a rotated refresh token within its rotationGrace", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({
    rotation: true,
    rotationGrace: 5_000,
    now: clock.now,
  });
  const { refresh_token } = emulator.issueCredentials();
  const both = await Promise.all([
    refresh(emulator, refresh_token),
    refresh(emulator, refresh_token),
  ]);
  assertEquals(both.map(({ status }) => status), [200, 200]);
  assertNotEquals(both[0].json["refresh_token"], both[1].json["refresh_token"]);
  clock.advance(4_999);
  assertEquals((await refresh(emulator, refresh_token)).status, 200);
  clock.advance(1);
  assertError(await refresh(emulator, refresh_token), 404, "not_found");
  for (const { json } of both) {
    assertEquals((await refresh(emulator, String(json["refresh_token"]))).status, 200);
  }
});

test("CredentialEmulator.fetch() rotates a refresh token for only one of many concurrent calls", async () => {
  const emulator = new CredentialEmulator({ rotation: true });
  const { refresh_token } = emulator.issueCredentials();
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => refresh(emulator, refresh_token)),
  );
  assertEquals(responses.filter(({ status }) => status === 200).length, 1);
});

test("CredentialEmulator.fetch() rejects a revoked refresh token that is saved again", async () => {
  const emulator = new CredentialEmulator({ rotation: true });
  const old = emulator.issueCredentials();
  await refresh(emulator, old.refresh_token);
  assertEquals((await post(emulator, old)).status, 201);
  assertEquals((await refresh(emulator, old.refresh_token)).status, 404);
});

test("CredentialEmulator.fetch() rejects a refresh token that is unknown or 30 days old", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const secret = `unknown-${crypto.randomUUID()}`;
  const unknown = await refresh(emulator, secret);
  assertError(unknown, 404, "not_found");
  assert(!unknown.text.includes(secret));
  const { refresh_token } = emulator.issueCredentials();
  clock.advance(30 * DAY - 1);
  assertEquals((await refresh(emulator, refresh_token)).status, 200);
  clock.advance(1);
  assertError(await refresh(emulator, refresh_token), 404, "not_found");
});

test("CredentialEmulator.fetch() accepts a refresh token with any characters", async () => {
  const emulator = new CredentialEmulator();
  const refresh_token = `a+b/c=&?#%20 'é😀 ${crypto.randomUUID()}`;
  await post(emulator, { ...someTokens(), refresh_token });
  assertEquals((await refresh(emulator, refresh_token)).status, 200);
});

test("CredentialEmulator.revokeRefreshToken() revokes a refresh token, also during its grace period", async () => {
  const emulator = new CredentialEmulator({ rotation: true, rotationGrace: HOUR });
  const { refresh_token = "" } = emulator.issueCredentials();
  const { json } = await refresh(emulator, refresh_token);
  assertEquals(emulator.revokeRefreshToken(refresh_token), true);
  assertEquals(emulator.revokeRefreshToken(refresh_token), false);
  assertError(await refresh(emulator, refresh_token), 404, "not_found");
  const next = String(json["refresh_token"]);
  assertEquals(emulator.revokeRefreshToken(next), true);
  assertError(await refresh(emulator, next), 404, "not_found");
  assertEquals(emulator.revokeRefreshToken("unknown"), false);
});
