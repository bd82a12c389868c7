import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { signatureAuth } from "../../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_SIGNATURE,
  type EmulatorUser,
} from "../../src/emulator/mod.ts";
import { CredentialInputError } from "../../src/errors.ts";
import { assertError, BEARER, call, decoded, exchange, refresh } from "../support/emulator_call.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function claims(emulator: CredentialEmulator, user?: string | EmulatorUser) {
  return decoded(emulator.issueCredentials(user).id_token);
}

async function userInfo(emulator: CredentialEmulator, token: string, headers = BEARER) {
  const url = `https://api.saasus.io/v1/auth/userinfo?token=${token}`;
  return await call(emulator, new Request(url, { headers }));
}

test("CredentialEmulator.issueCredentials() derives the same sub from the same name", () => {
  const [first, second] = [new CredentialEmulator(), new CredentialEmulator()];
  for (const name of ["alice@example.com", "bob", "花子"]) {
    const { sub } = claims(first, name);
    assertMatch(String(sub), UUID);
    assertEquals(claims(second, name)["sub"], sub);
  }
  assertNotEquals(claims(first, "carol")["sub"], claims(first, "dave")["sub"]);
  assertEquals(claims(first)["email"], "alice@example.com");
});

test("CredentialEmulator.issueCredentials() adds no e-mail claim for a user with a sign-in ID", () => {
  const names = Object.keys(claims(new CredentialEmulator(), "bob"));
  assertEquals(names.filter((name) => name.startsWith("email")), []);
});

test("CredentialEmulator.issueCredentials() adds the claims of a user, which cannot replace required claims", () => {
  const emulator = new CredentialEmulator();
  const extra = { locale: "en", email_verified: false, sub: "x", token_use: "x", exp: 0, iat: 0 };
  const { locale, email_verified, sub, token_use, exp, iat } = claims(emulator, {
    sub: "user-1",
    email: "carol@example.com",
    claims: extra,
  });
  assertEquals([locale, email_verified, sub, token_use], ["en", false, "user-1", "id"]);
  assertEquals(Number(exp) - Number(iat), 3600);
});

test("CredentialEmulator.issueCredentials() finds the users of the options by name", () => {
  const users = [{ sub: "user-1", email: "carol@example.com" }, {
    sub: "user-2",
    signInId: "dave",
  }];
  const emulator = new CredentialEmulator({ users });
  for (const name of ["carol@example.com", "user-1", undefined]) {
    assertEquals(claims(emulator, name)["sub"], "user-1");
  }
  assertEquals(claims(emulator, "dave")["sub"], "user-2");
});

test("CredentialEmulator.issueCode() accepts a user, and rejects invalid users", async () => {
  const emulator = new CredentialEmulator();
  for (const user of ["dave", { signInId: "dave" }]) {
    const { json } = await exchange(emulator, emulator.issueCode(user));
    assertEquals(decoded(String(json["id_token"]))["sub"], claims(emulator, "dave")["sub"]);
  }
  for (const user of ["", {}, { email: 1 }, { name: "a" }, 5, null]) {
    assertThrows(
      () => emulator.issueCode(user as string),
      CredentialInputError,
      "Cannot find the user",
    );
  }
});

test("GET /v1/auth/userinfo returns the user of an ID token", async () => {
  const tenants = [{ id: "tenant-1", name: "Example", envs: [{ id: 1, name: "prod", roles: [] }] }];
  const options: CredentialEmulatorOptions = {
    users: [{ email: "carol@example.com", tenants }, { signInId: "dave" }],
  };
  const emulator = new CredentialEmulator(options);
  const carol = emulator.issueCredentials();
  const { status, json } = await userInfo(emulator, carol.id_token);
  assertEquals(status, 200);
  assertEquals(json, {
    id: decoded(carol.id_token)["sub"],
    email: "carol@example.com",
    sign_in_id: "",
    user_attribute: {},
    tenants,
  });
  const dave = (await userInfo(emulator, emulator.issueCredentials("dave").id_token)).json;
  assertEquals([dave["email"], dave["sign_in_id"], dave["tenants"]], ["", "dave", []]);
  const refreshed = await refresh(emulator, carol.refresh_token);
  assertEquals((await userInfo(emulator, String(refreshed.json["id_token"]))).json, json);
  assertEquals((await userInfo(new CredentialEmulator(options), carol.id_token)).json, json);
});

test("GET /v1/auth/userinfo accepts a signature", async () => {
  const emulator = new CredentialEmulator();
  const url =
    `https://api.saasus.io/v1/auth/userinfo?token=${emulator.issueCredentials().id_token}`;
  const request = { method: "GET", url, body: "", timestamp: Date.now(), rejected: false };
  const Authorization = await signatureAuth(EMULATOR_SIGNATURE)(request);
  assertEquals((await emulator.fetch(url, { headers: { Authorization } })).status, 200);
});

test("GET /v1/auth/userinfo returns 401 for an invalid token or authorization", async () => {
  const emulator = new CredentialEmulator();
  const { id_token, access_token, refresh_token = "" } = emulator.issueCredentials();
  const signature = { ...EMULATOR_SIGNATURE, secretKey: "another" };
  const foreign = new CredentialEmulator({ signature }).issueCredentials().id_token;
  const [header, payload, sig] = id_token.split(".");
  const unsigned = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${payload}.`;
  const invalid = [
    "",
    "a",
    "a.b.c",
    access_token,
    refresh_token,
    foreign,
    unsigned,
    `${header}.${payload}.${sig}x`,
    `${id_token}.x`,
    `${id_token}&token=${id_token}`,
  ];
  for (const token of invalid) {
    const response = await userInfo(emulator, token);
    assertError(response, 401, "unauthorized");
    assert(token === "" || !response.text.includes(token) || token.length < 6);
  }
  assertError(await userInfo(emulator, id_token, {}), 401, "unauthorized");
  assertEquals((await userInfo(emulator, id_token)).status, 200);
  emulator.advance(3_600_000);
  assertError(await userInfo(emulator, id_token), 401, "unauthorized");
});
