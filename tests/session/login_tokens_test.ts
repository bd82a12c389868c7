import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import { receivedLogin, restoredLogin, type TokenSource } from "../../src/session/login_tokens.ts";
import {
  AsyncStore,
  Clock,
  HOUR,
  jwt,
  MINUTE,
  type Scene,
  scene,
  Service,
  signedIn,
} from "../support/session_scene.ts";

/** Refreshes, so that the age of the token is known. */
async function refreshed(stage: Scene): Promise<string> {
  const { id_token } = await stage.session.refresh();
  stage.service.calls.length = 0;
  return id_token;
}

/** Returns the number of minutes for which a session uses a token without a refresh. */
async function minutesOfUse(stage: Scene, most: number): Promise<number> {
  const before = await refreshed(stage);
  for (let minute = 0; minute < most; minute++) {
    if (await stage.session.getIdToken() !== before) return minute;
    stage.clock.advance(MINUTE);
  }
  return most;
}

/** Returns the expiry of an ID token with these claims, or of a text. */
function expiryOf(claims: object | string, receivedAt: number, source: TokenSource): number {
  const id_token = typeof claims === "string" ? claims : jwt(claims);
  const credentials = { id_token, access_token: "a" };
  return receivedLogin(credentials, { receivedAt, source, margin: undefined }).expiresAt;
}

test("receivedLogin() reads the times of a JWT, and nothing else", () => {
  const claims = { iat: 5, exp: 10.5, name: "ÄÖ漢字>?>?" };
  assertEquals(expiryOf(claims, 0, "refresh"), 5_500);
  assertEquals(expiryOf({ ...claims, iat: "5" }, 0, "refresh"), 10_500);
  const opaque = ["", "opaque", "a.b.c", "a..c", "a.bm9uZQ.c", "a.MQ.c", "a.bnVsbA.c"];
  for (const token of [jwt({ exp: null }), `x.${btoa('{"exp":1e999}')}.y`, ...opaque]) {
    assertEquals(expiryOf(token, 0, "refresh"), Infinity, token);
  }
});

test("receivedLogin() counts from the receipt, even if the clock is wrong", () => {
  const claims = { iat: 1_000_000, exp: 1_003_600 };
  const issued = claims.iat * 1000;
  for (const off of [-5 * HOUR, -MINUTE, 0, 30 * MINUTE, 5 * HOUR]) {
    assertEquals(expiryOf(claims, issued + off, "refresh"), issued + off + HOUR);
  }
});

test("receivedLogin() counts from iat for a token that was issued some time before the code", () => {
  const claims = { iat: 1_000_000, exp: 1_003_600 };
  const issued = claims.iat * 1000;
  assertEquals(expiryOf(claims, issued + 50 * MINUTE, "code"), issued + HOUR);
  // The token was issued for this login, or the clock is too wrong to be of use.
  for (const off of [-5 * HOUR, 0, MINUTE, HOUR, 5 * HOUR]) {
    assertEquals(expiryOf(claims, issued + off, "code"), issued + off + HOUR);
  }
});

test("receivedLogin() limits given credentials to one lifetime and to exp", () => {
  const claims = { iat: 1_000_000, exp: 1_003_600 };
  const issued = claims.iat * 1000;
  assertEquals(expiryOf(claims, issued + 20 * MINUTE, "given"), issued + HOUR);
  assertEquals(expiryOf(claims, issued + 9 * HOUR, "given"), issued + HOUR);
  assertEquals(expiryOf(claims, issued - 9 * HOUR, "given"), issued - 8 * HOUR);
});

test("receivedLogin() returns Infinity for an implausible exp", () => {
  const now = 1_000_000_000;
  for (
    const claims of [{}, { iat: 5 }, { iat: 500, exp: 500 }, { iat: 500, exp: -1 }, {
      iat: 500,
      exp: 1e12,
    }]
  ) {
    assertEquals(expiryOf(claims, now, "refresh"), Infinity);
    assertEquals(expiryOf(claims, now, "code"), Infinity);
  }
  // A new token without iat that has expired means that the clock is ahead.
  assertEquals(expiryOf({ exp: 1_000_500 }, now, "refresh"), 1_000_500_000);
  assertEquals(expiryOf({ exp: 999_999 }, now, "refresh"), Infinity);
  assertEquals(expiryOf({ exp: 999_999 }, now, "given"), 999_999_000);
});

test("restoredLogin() has a margin of 5 min, or of 20 % of a short lifetime", () => {
  const until = (lifetime: number, margin?: number) =>
    restoredLogin(
      { id_token: "opaque", access_token: "a" },
      { receivedAt: 0, expiresAt: lifetime },
      margin,
    ).freshUntil;
  assertEquals(until(HOUR), 55 * MINUTE);
  assertEquals(until(24 * HOUR), 24 * HOUR - 5 * MINUTE);
  assertEquals(until(10 * MINUTE), 8 * MINUTE);
  assertEquals(until(HOUR, 0), HOUR);
  assertEquals(until(HOUR, 20 * MINUTE), 40 * MINUTE);
  assertEquals(until(HOUR, HOUR), 6 * MINUTE);
  assertEquals(until(HOUR, Infinity), 6 * MINUTE);
  assertEquals(until(0), 0);
});

test("CredentialSession uses a token for 55 minutes, however wrong the local clock is", async () => {
  for (const off of [-9 * HOUR, -20 * MINUTE, 20 * MINUTE, 9 * HOUR]) {
    const stage = await signedIn();
    stage.service.claims = (iat) => ({ iat: iat + off / 1000, exp: iat + off / 1000 + 3600 });
    assertEquals(await minutesOfUse(stage, 70), 55);
  }
});

test("CredentialSession does not refresh endlessly when the clock is ahead of every exp", async () => {
  const stage = scene();
  for (const claims of [(iat: number) => ({ exp: iat - 7200 }), () => ({ iat: 5, exp: 5 })]) {
    stage.service.claims = claims;
    await stage.session.signIn(crypto.randomUUID());
    assertEquals(await minutesOfUse(stage, 100), 100);
  }
});

test("CredentialSession uses a token of unknown expiry indefinitely", async () => {
  const stage = scene();
  for (const token of ["opaque", jwt({}), jwt({ exp: "soon" }), jwt({ exp: 1e300 })]) {
    stage.service.idToken = () => token;
    await stage.session.signIn(crypto.randomUUID());
    stage.service.calls.length = 0;
    stage.clock.advance(1_000 * HOUR);
    assertEquals(await stage.session.getIdToken(), token);
    stage.clock.advance(-2_000 * HOUR);
    assertEquals(await stage.session.getIdToken(), token);
    assertEquals(stage.service.calls, []);
  }
});

test("CredentialSession uses exp alone if there is no iat", async () => {
  const stage = await signedIn();
  stage.service.claims = (iat) => ({ exp: iat + 1800 });
  assertEquals(await minutesOfUse(stage, 70), 25);
});

test("CredentialSession limits the margin to less than the lifetime of the token", async () => {
  for (const margin of [HOUR, 30 * HOUR, Infinity]) {
    const stage = await signedIn({ margin });
    assertEquals(await minutesOfUse(stage, 70), 6);
  }
});

test("CredentialSession uses the margin option", async () => {
  assertEquals(await minutesOfUse(await signedIn({ margin: 20 * MINUTE }), 70), 40);
  assertEquals(await minutesOfUse(await signedIn({ margin: 0 }), 70), 60);
});

test("CredentialSession refreshes after the computer has slept", async () => {
  const { session, service, clock } = await signedIn();
  const before = await session.getIdToken();
  clock.advance(10 * HOUR);
  assertNotEquals(await session.getIdToken(), before);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession refreshes once after the clock was set back, because the age of the token is unknown", async () => {
  const { session, service, clock } = await signedIn();
  clock.advance(-MINUTE); // as by time synchronization
  await session.getIdToken();
  assertEquals(service.refreshes, 0);
  clock.advance(-3 * HOUR);
  await session.getIdToken();
  await session.getIdToken();
  assertEquals(service.refreshes, 1);
});

test("CredentialSession refreshes expired credentials of the credentials option", async () => {
  const { another, service, clock } = scene();
  const credentials = service.credentials();
  clock.advance(2 * HOUR);
  const session = another({ credentials });
  assertNotEquals(await session.getIdToken(), credentials.id_token);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession counts the age of stored credentials from their receipt", async () => {
  const store = new AsyncStore();
  const { another, service, clock } = await signedIn({ store });
  clock.advance(54 * MINUTE);
  const before = await another().getIdToken();
  assertEquals(service.refreshes, 0);
  clock.advance(MINUTE);
  assertNotEquals(await another().getIdToken(), before);
  assertEquals(service.refreshes, 1);
});

test("CredentialSession refreshes stored credentials when the clock was set back or far ahead meanwhile", async () => {
  for (const step of [-5 * HOUR, 5 * HOUR]) {
    const store = new AsyncStore();
    const { another, service, clock } = await signedIn({ store });
    clock.advance(step);
    const session = another();
    await session.getIdToken();
    await session.getIdToken();
    assertEquals(service.refreshes, 1);
  }
});

test("CredentialSession stores an unknown expiry as absent", async () => {
  const store = new AsyncStore();
  const clock = new Clock();
  const service = new Service(clock);
  service.idToken = () => "opaque";
  const stage = scene({ store, client: service });
  await stage.session.signIn(crypto.randomUUID());
  stage.clock.advance(1_000 * HOUR);
  assertEquals(await stage.another().getIdToken(), "opaque");
  assert(service.refreshes === 0);
});
