import { assert, assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import { CredentialInputError } from "../../src/errors.ts";
import { exchange } from "../support/emulator_call.ts";

test("new CredentialEmulator() rejects invalid options and names them", () => {
  const wrong: [unknown, string][] = [
    [{ codeLifetime: -1 }, '"codeLifetime": expected a whole number, 0 or more'],
    [{ idTokenLifetime: NaN }, '"idTokenLifetime": expected a whole number'],
    [{ signatureWindow: 1.5 }, '"signatureWindow": expected a whole number'],
    [{ bearerToken: "two words" }, '"bearerToken": expected a non-empty string of visible ASCII'],
    [{ signature: { saasId: "a" } }, '"apiKey": expected a non-empty string'],
    [{ signature: "a" }, '"signature": expected an object'],
    [{ cors: "*" }, '"cors": expected true, false or a list of origins'],
    [{ now: 1 }, '"now": expected a function'],
    [{ rotation: "yes" }, '"rotation": expected true or false'],
    [{ idTokenLifetime: 0 }, '"idTokenLifetime": expected 1 or more'],
    [{ users: {} }, '"users": expected a list of users'],
    [{ users: [{}] }, '"users.0": expected an "email", a "signInId" or a "sub"'],
    [{ users: [{ email: "" }] }, '"users.0.email": expected a non-empty string'],
    [{ users: [{ email: "a", claims: [] }] }, '"users.0.claims": expected an object'],
    [{ users: [{ email: "a", tenants: [{}] }] }, '"users.0.tenants.0'],
    [{ callbackUrl: "/callback" }, '"callbackUrl": expected an absolute http: or https: URL'],
    [{ callbackUrl: "javascript:alert(1)" }, '"callbackUrl": expected an absolute'],
    [{ callbackUrl: "http://a:b@localhost/" }, '"callbackUrl": expected an absolute'],
    [{ callbackUrl: "http://localhost/#a" }, '"callbackUrl": expected an absolute'],
    [null, "expected an object"],
    [5, "expected an object"],
    [{ faults: 5 }, '"faults": expected a list or a function'],
    [{ faults: [{ kind: "dropp" }] }, '"0.kind": expected "delay", "drop"'],
    [{ codeLifeTime: 1 }, "expected no other options than users"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new CredentialEmulator(options as object), CredentialInputError, message);
  }
  const emulator = new CredentialEmulator();
  assertThrows(() => emulator.faults = 5 as never, CredentialInputError, "expected a list");
});

test("CredentialEmulator shows no token when it is inspected or serialized", () => {
  const secret = `secret-${crypto.randomUUID()}`;
  const emulator = new CredentialEmulator({
    bearerToken: secret,
    signature: { saasId: "a", apiKey: "b", secretKey: secret },
  });
  emulator.issueCode({ id_token: secret, access_token: secret, refresh_token: secret });
  const shown = inspect(emulator, { depth: Infinity, showHidden: true, getters: true });
  assert(!shown.includes(secret));
  assert(!JSON.stringify(emulator).includes(secret));
});

test("new CredentialEmulator() ignores options that are undefined", async () => {
  const emulator = new CredentialEmulator({
    users: undefined,
    callbackUrl: undefined,
    bearerToken: undefined,
    signature: undefined,
    signatureWindow: undefined,
    codeLifetime: undefined,
    idTokenLifetime: undefined,
    rotation: undefined,
    rotationGrace: undefined,
    cors: undefined,
    faults: [{
      kind: "status",
      status: 503,
      headers: undefined,
      body: undefined,
      when: undefined,
    }],
    now: undefined,
  });
  assertEquals((await exchange(emulator, "unknown")).status, 503);
  assertEquals((await exchange(emulator, emulator.issueCode())).status, 200);
});
