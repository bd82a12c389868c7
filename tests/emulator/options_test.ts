import { assert, assertThrows } from "@std/assert";
import { test } from "node:test";
import { inspect } from "node:util";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import { CredentialInputError } from "../../src/errors.ts";

test("new CredentialEmulator() refuses options that are wrong, and names them", () => {
  const wrong: [unknown, string][] = [
    [{ codeLifetime: -1 }, '"codeLifetime": expected a whole number, 0 or more'],
    [{ idTokenLifetime: NaN }, '"idTokenLifetime": expected a whole number'],
    [{ signatureWindow: 1.5 }, '"signatureWindow": expected a whole number'],
    [{ capacity: 0 }, '"capacity": expected 1 or more'],
    [{ bearerToken: "two words" }, '"bearerToken": expected a non-empty string of visible ASCII'],
    [{ signature: { saasId: "a" } }, '"apiKey": expected a non-empty string'],
    [{ signature: "a" }, '"signature": expected an object'],
    [{ cors: "*" }, '"cors": expected true, false or a list of origins'],
    [{ now: 1 }, '"now": expected a function'],
    [{ rotation: "yes" }, '"rotation": expected true or false'],
    [{ idTokenLifetime: 0 }, '"idTokenLifetime": expected 1 or more'],
    [null, "expected an object"],
    [5, "expected an object"],
    [{ faults: 5 }, '"faults": expected a list or a function'],
    [{ faults: [{ kind: "dropp" }] }, '"0.kind": expected "delay", "drop"'],
    [{ codeLifeTime: 1 }, "expected only the fields that are known"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new CredentialEmulator(options as object), CredentialInputError, message);
  }
  const emulator = new CredentialEmulator();
  assertThrows(() => emulator.faults = 5 as never, CredentialInputError, "expected a list");
});

test("CredentialEmulator shows no token when it is inspected or written as JSON", () => {
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
