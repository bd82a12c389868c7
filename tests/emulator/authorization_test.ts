import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { CredentialEmulator, EMULATOR_SIGNATURE } from "../../src/emulator/mod.ts";
import type { AuthRequest } from "../../src/auth/request_auth.ts";
import { signatureAuth, type SignatureAuthOptions } from "../../src/auth/signature_auth.ts";
import {
  assertError,
  call,
  Clock,
  CREDENTIALS_URL,
  get,
  post,
  someTokens,
} from "../support/emulator_call.ts";

const MINUTE = 60_000;

async function signed(
  request: Partial<AuthRequest>,
  signature: SignatureAuthOptions = EMULATOR_SIGNATURE,
): Promise<Record<string, string>> {
  const Authorization = await signatureAuth(signature)({
    method: "GET",
    url: CREDENTIALS_URL,
    body: "",
    timestamp: Date.now(),
    rejected: false,
    ...request,
  });
  return { Authorization };
}

test("CredentialEmulator.fetch() accepts a signature over the minute, key, method, URL and body", async () => {
  const clock = new Clock();
  const emulator = new CredentialEmulator({ now: clock.now });
  const { saasId, apiKey, secretKey } = EMULATOR_SIGNATURE;
  const sign = (text: string) => {
    const signature = createHmac("sha256", secretKey).update(`203001011200${apiKey}${text}`);
    return {
      Authorization: `SAASUSSIGV1 Sig=${
        signature.digest("hex")
      }, SaaSID=${saasId}, APIKey=${apiKey}`,
    };
  };
  const body = JSON.stringify({ ...someTokens(), note: "é😀" });
  const saved = await post(
    emulator,
    body,
    sign(`POSTapi.saasus.io/v1/auth/credentials${body}`),
  );
  assertEquals(saved.status, 201);
  const query = `auth-flow=tempCodeAuth&code=${saved.json["code"]}&x=%7e%2F+%20~`;
  const headers = sign(`GETapi.saasus.io/v1/auth/credentials?${query}`);
  assertEquals((await get(emulator, query, headers)).status, 200);
});

test("CredentialEmulator.fetch() returns 401 for both operations without a valid authorization", async () => {
  const emulator = new CredentialEmulator();
  const secret = `wrong-${crypto.randomUUID()}`;
  const values = [
    "",
    "Bearer",
    "Bearer ",
    `Bearer ${secret}`,
    `Basic ${secret}`,
    secret,
    "SAASUSSIGV1",
    `SAASUSSIGV1 Sig=${secret}, SaaSID=emulator-saas-id, APIKey=emulator-api-key`,
  ];
  for (const headers of [{}, ...values.map((value) => ({ Authorization: value }))]) {
    for (
      const response of [
        await get(emulator, `code=${emulator.issueCode()}`, headers),
        await post(emulator, someTokens(), headers),
      ]
    ) {
      assertError(response, 401, "unauthorized");
      assert(!response.text.includes(secret));
    }
  }
});

test("CredentialEmulator.fetch() accepts its own bearer token only", async () => {
  const bearerToken = `token-${crypto.randomUUID()}`;
  const emulator = new CredentialEmulator({ bearerToken });
  const status = async (Authorization: string) =>
    (await get(emulator, "code=unknown", { Authorization })).status;
  assertEquals(await status(`Bearer ${bearerToken}`), 404);
  assertEquals(await status(`bearer ${bearerToken}`), 404);
  assertEquals(await status(`Bearer ${bearerToken}x`), 401);
  assertEquals(await status(`Bearer ${bearerToken.slice(0, -1)}`), 401);
  assertEquals((await get(emulator, "code=unknown")).status, 401);
});

test("CredentialEmulator.fetch() accepts its own signature only", async () => {
  const signature = { saasId: "my-saas", apiKey: "my-key", secretKey: crypto.randomUUID() };
  const emulator = new CredentialEmulator({ signature });
  const url = `${CREDENTIALS_URL}?code=unknown`;
  const status = async (headers: Record<string, string>) =>
    (await get(emulator, "code=unknown", headers)).status;
  assertEquals(await status(await signed({ url }, signature)), 404);
  assertEquals(await status(await signed({ url })), 401);
  for (const name of ["saasId", "apiKey", "secretKey"]) {
    assertEquals(await status(await signed({ url }, { ...signature, [name]: "other" })), 401);
  }
  for (const other of [{ method: "POST" }, { url: `${url}%20` }, { body: "x" }]) {
    assertEquals(await status(await signed({ url, ...other }, signature)), 401);
  }
  const othersHost = await signed({ url: url.replace("api.saasus.io", "api.example") }, signature);
  assertEquals(await status(othersHost), 401);
});

test("CredentialEmulator.fetch() accepts signatures of the minutes within its signatureWindow", async () => {
  const clock = new Clock();
  const url = `${CREDENTIALS_URL}?code=unknown`;
  const accepted = async (signatureWindow?: number) => {
    const emulator = new CredentialEmulator({
      now: clock.now,
      ...(signatureWindow === undefined ? {} : { signatureWindow }),
    });
    const minutes: number[] = [];
    for (let minute = -7; minute <= 7; minute++) {
      const headers = await signed({ url, timestamp: clock.now() + minute * MINUTE });
      if ((await get(emulator, "code=unknown", headers)).status === 404) minutes.push(minute);
    }
    return minutes;
  };
  assertEquals(await accepted(), [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]);
  assertEquals(await accepted(1), [-1, 0, 1]);
  assertEquals(await accepted(0), [0]);
});

test("CredentialEmulator.fetch() returns the problem of the authorization", async () => {
  const emulator = new CredentialEmulator();
  const message = async (headers: Record<string, string>) =>
    String((await call(emulator, new Request(CREDENTIALS_URL, { headers }))).json["message"]);
  assertStringIncludes(await message({}), "missing");
  assertStringIncludes(await message({ Authorization: "Bearer x" }), "bearer token");
  assertStringIncludes(await message({ Authorization: "SAASUSSIGV1 x" }), "signature");
  assertStringIncludes(await message({ Authorization: "Basic x" }), "scheme");
});
