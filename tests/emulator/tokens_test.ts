import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { CredentialEmulator, EMULATOR_SIGNATURE } from "../../src/emulator/mod.ts";
import { Clock, refresh } from "../support/emulator_call.ts";

function decoded(jwt: string): Record<string, unknown>[] {
  return jwt.split(".").slice(0, 2).map((part) =>
    JSON.parse(Buffer.from(part, "base64url").toString())
  );
}

test("CredentialEmulator.issueCredentials() issues JWTs with the claims of Amazon Cognito", () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const { id_token, access_token } = emulator.issueCredentials("alice@example.com");
  const iat = clock.now() / 1000;
  const [header, claims = {}] = decoded(id_token);
  assertEquals(header, { alg: "HS256", typ: "JWT" });
  const { aud, iss, sub, event_id, ...others } = claims;
  for (const text of [aud, iss]) assert(typeof text === "string" && text !== "");
  for (const uuid of [sub, event_id]) {
    assertMatch(String(uuid), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
  assertEquals(others, {
    auth_time: iat,
    "cognito:username": sub,
    email: "alice@example.com",
    email_verified: true,
    exp: iat + 3600,
    iat,
    token_use: "id",
  });
  const [, access = {}] = decoded(access_token);
  assertEquals([access["token_use"], access["sub"], access["username"]], ["access", sub, sub]);
  assertEquals([access["iat"], access["exp"]], [iat, iat + 3600]);
});

test("CredentialEmulator keeps auth_time after refreshes", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const { refresh_token } = emulator.issueCredentials();
  const authTime = clock.now() / 1000;
  emulator.advance(60_000);
  const { json } = await refresh(emulator, refresh_token);
  const [, claims] = decoded(String(json["id_token"]));
  assertEquals([claims?.["auth_time"], claims?.["iat"]], [authTime, authTime + 60]);
});

test("CredentialEmulator.issueCredentials() uses idTokenLifetime", () => {
  const clock = new Clock();
  for (const idTokenLifetime of [90_000, 1_500, 1]) {
    const emulator = new CredentialEmulator({ now: clock.now, idTokenLifetime });
    const [, claims] = decoded(emulator.issueCredentials().id_token);
    assertEquals(claims?.["exp"], clock.now() / 1000 + idTokenLifetime / 1000);
  }
});

test("CredentialEmulator.issueCredentials() signs with the secret key", () => {
  const signature = { saasId: "a", apiKey: "b", secretKey: crypto.randomUUID() };
  for (const options of [{}, { signature }]) {
    const { id_token, access_token } = new CredentialEmulator(options).issueCredentials();
    const { secretKey } = options.signature ?? EMULATOR_SIGNATURE;
    for (const token of [id_token, access_token]) {
      const [header, claims, hmac] = token.split(".");
      const expected = createHmac("sha256", secretKey).update(`${header}.${claims}`);
      assertEquals(hmac, expected.digest("base64url"));
    }
  }
});

test("CredentialEmulator.issueCredentials() issues unique tokens", () => {
  const emulator = new CredentialEmulator({ now: () => 0 });
  const logins = Array.from({ length: 100 }, () => emulator.issueCredentials("user"));
  const tokens = logins.flatMap((login) => Object.values(login));
  assertEquals(new Set(tokens).size, 300);
});

test("CredentialEmulator.issueCredentials() issues refresh tokens with the size and characters of real ones", () => {
  const { refresh_token = "" } = new CredentialEmulator().issueCredentials();
  assertMatch(refresh_token, /^[\w-]+(\.[\w-]+){4}$/);
  assert(refresh_token.length > 1_000);
  assertLess(refresh_token.length, 1_200);
});
