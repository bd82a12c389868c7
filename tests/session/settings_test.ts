import { assert, assertEquals, assertObjectMatch, assertThrows, fail } from "@std/assert";
import { test } from "node:test";
import { CredentialApiError, CredentialInputError, CredentialNetworkError } from "../../mod.ts";
import type { CredentialSessionOptions } from "../../src/session/options.ts";
import { sessionSettings } from "../../src/session/settings.ts";
import { CredentialSession } from "../../src/session/session.ts";
import { scene } from "../support/session_scene.ts";

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

test("CredentialSession names each option that is invalid", () => {
  const error = assertThrows(
    () =>
      new CredentialSession({
        client: {} as never,
        store: { getItem: () => null } as never,
        key: "",
        credentials: { id_token: "", access_token: "a" },
        now: 5 as never,
        margin: -1,
        lock: {} as never,
        lockTimeout: 0.5,
        onChange: "x" as never,
        fetch: 5 as never,
        origins: ["https://app.example.com/path"],
        endsSession: true as never,
        backgroundRefresh: "yes" as never,
        surplus: 1,
      } as never),
    CredentialInputError,
    "Cannot create the session",
  );
  assertEquals(error.issues.map(({ path }) => path).sort(), [
    "",
    "backgroundRefresh",
    "client",
    "credentials.id_token",
    "endsSession",
    "fetch",
    "key",
    "lock",
    "lockTimeout",
    "margin",
    "now",
    "onChange",
    "origins.0",
    "store",
  ]);
  assertThrows(
    () => new CredentialSession({} as never),
    CredentialInputError,
    '"client": expected a CredentialClient',
  );
  const client = { getAuthCredentials: () => fail("It was called") };
  assertThrows(
    () => new CredentialSession({ client, origins: "https://app.example.com" as never }),
    CredentialInputError,
    '"origins": expected a list of origins',
  );
});

test("CredentialSession accepts http origins on loopback only", () => {
  const { another } = scene();
  for (const host of ["localhost:3000", "127.0.0.1", "[::1]:8080", "app.localhost"]) {
    another({ origins: [`http://${host}`, `https://${host}`] });
  }
  const rejected = [
    "http://app.example.com",
    "http://192.168.0.1",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "https://user:password@app.example.com",
    "https://app.example.com/path",
    "https://app.example.com/?a",
    "ftp://app.example.com",
    "app.example.com",
    "*",
    "",
  ];
  for (const origin of rejected) {
    const error = assertThrows(() => another({ origins: [origin] }), CredentialInputError);
    assertEquals(error.issues.map(({ path }) => path), ["origins.0"], origin);
  }
});
