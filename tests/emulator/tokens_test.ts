import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { CredentialEmulator, EMULATOR_SIGNATURE } from "../../src/emulator/mod.ts";
import { Clock } from "../support/emulator_call.ts";

function decoded(jwt: string): Record<string, unknown>[] {
  return jwt.split(".").slice(0, 2).map((part) =>
    JSON.parse(Buffer.from(part, "base64url").toString())
  );
}

test("CredentialEmulator.issueCredentials() makes JWTs that are valid for an hour", () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const { id_token, access_token } = emulator.issueCredentials("user-1");
  const issuedAt = clock.now() / 1000;
  for (const [token, use] of [[id_token, "id"], [access_token, "access"]] as const) {
    const [header, { jti, ...claims } = {}] = decoded(token);
    assertEquals(header, { alg: "HS256", typ: "JWT" });
    assertEquals(claims, { sub: "user-1", token_use: use, iat: issuedAt, exp: issuedAt + 3600 });
    assertMatch(String(jti), /^[0-9a-f-]{36}$/);
  }
});

test("CredentialEmulator.issueCredentials() keeps to the idTokenLifetime", () => {
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

test("CredentialEmulator.issueCredentials() never makes two equal tokens", () => {
  const emulator = new CredentialEmulator({ now: () => 0 });
  const logins = Array.from({ length: 100 }, () => emulator.issueCredentials("user-1"));
  const tokens = logins.flatMap((login) => Object.values(login));
  assertEquals(new Set(tokens).size, 300);
});

test("CredentialEmulator.issueCredentials() makes up a subject for each login", () => {
  const emulator = new CredentialEmulator();
  const subjects = [1, 2].map(() => decoded(emulator.issueCredentials().id_token)[1]?.["sub"]);
  assertEquals(new Set(subjects).size, 2);
});

test("CredentialEmulator.issueCredentials() makes refresh tokens of the size and the characters of real ones", () => {
  const { refresh_token = "" } = new CredentialEmulator().issueCredentials();
  assertMatch(refresh_token, /^[\w-]+(\.[\w-]+){4}$/);
  assert(refresh_token.length > 1_000);
  assertLess(refresh_token.length, 1_200);
});
