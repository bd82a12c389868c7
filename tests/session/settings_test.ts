import { assert, assertEquals, assertObjectMatch, fail } from "@std/assert";
import { test } from "node:test";
import { CredentialApiError, CredentialNetworkError } from "../../src/errors.ts";
import type { CredentialSessionOptions } from "../../src/session/options.ts";
import { sessionSettings } from "../../src/session/settings.ts";

const client = { getAuthCredentials: () => fail("It was called") };

test("sessionSettings() fills in defaults for absent and undefined options", () => {
  const unset = { key: undefined, now: undefined, lockTimeout: undefined, endsSession: undefined };
  for (const options of [{ client }, { client, ...unset, fetch: undefined }]) {
    const { key, now, lockTimeout, endsSession } = sessionSettings(options);
    assertEquals([key, lockTimeout], ["saasus-credentials", 5_000]);
    assert(Math.abs(now() - Date.now()) < 1_000);
    for (const [status, ends] of [[400, true], [404, true], [401, false], [429, false]] as const) {
      assertEquals(endsSession(new CredentialApiError("x", { status })), ends, String(status));
    }
    assert(!endsSession(new CredentialNetworkError("x", { reason: "reset" })));
  }
});

test("sessionSettings() keeps the given options", () => {
  const options: CredentialSessionOptions = {
    client,
    key: "k",
    now: () => 5,
    margin: 0,
    lockTimeout: 0,
    endsSession: () => false,
    fetch: () => fail("It was called"),
    origins: ["https://app.example.com"],
    backgroundRefresh: true,
  };
  assertObjectMatch({ ...sessionSettings(options) }, { ...options });
});
