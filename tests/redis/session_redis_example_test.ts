import { assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator, EMULATOR_SIGNATURE, serveEmulator } from "../../src/emulator/mod.ts";
import { runExample } from "../support/examples_process.ts";
import { startRedis } from "./redis_server.ts";

const LOGIN_URL = "https://login.example.com/";

test("session_redis.ts serves a login from every process, until it is signed out", async () => {
  await using redis = await startRedis();
  const emulator = new CredentialEmulator({ rotation: true });
  await using server = await serveEmulator(emulator);
  const env = {
    SAASUS_API_URL_BASE: new URL(server.url).origin,
    SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
    SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
    SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
    SAASUS_LOGIN_URL: LOGIN_URL,
    REDIS_URL: redis.url,
    PORT: "0",
  };
  const deno = ["serve", "-A", "--host=127.0.0.1", "--port=0"];
  const start = () => runExample("examples/session_redis.ts", { env, deno });
  await using first = start();
  await using second = start();
  const [one] = await first.printed(/http:\/\/[^/\s]+:\d+/);
  const [two] = await second.printed(/http:\/\/[^/\s]+:\d+/);
  const open = async (url: string, { method = "GET", cookie = "" } = {}) => {
    const response = await fetch(url, { method, headers: { cookie }, redirect: "manual" });
    return {
      status: response.status,
      location: response.headers.get("location"),
      cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "",
      body: await response.text(),
    };
  };
  const code = emulator.issueCode();
  const { cookie, ...arrival } = await open(`${one}/callback?code=${code}`);
  assertEquals(arrival, { status: 303, location: "/", body: "" });
  for (const origin of [one, two]) {
    assertMatch(
      (await open(`${origin}/`, { cookie })).body,
      /^You are signed in, with an ID token/,
    );
  }
  const away = { status: 303, location: LOGIN_URL, cookie: "", body: "" };
  assertEquals(await open(`${two}/`), away);
  assertEquals(await open(`${two}/callback?code=${code}`), away);
  assertEquals(await open(`${two}/`, { cookie: `session=${crypto.randomUUID()}` }), away);
  assertEquals((await open(`${two}/sign-out`, { method: "POST", cookie })).location, "/");
  assertEquals(await open(`${one}/`, { cookie }), away);
  emulator.faults = () => ({ kind: "status", status: 401 });
  assertEquals((await open(`${one}/callback?code=${emulator.issueCode()}`)).status, 503);
});
