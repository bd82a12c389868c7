import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import {
  assertError,
  BEARER,
  CREDENTIALS_URL,
  post,
  someTokens,
} from "../support/emulator_call.ts";

test("CredentialEmulator.fetch() refuses a body of more than maxBodySize bytes", async () => {
  const body = JSON.stringify({ ...someTokens(), note: "é" });
  const size = new TextEncoder().encode(body).length;
  assertEquals((await post(new CredentialEmulator({ maxBodySize: size }), body)).status, 201);
  const tooSmall = new CredentialEmulator({ maxBodySize: size - 1 });
  assertError(await post(tooSmall, body), 413, "payload_too_large");
});

test("CredentialEmulator.fetch() takes bodies of up to 1 MiB", async () => {
  const body = JSON.stringify(someTokens()).padEnd(1_048_576);
  assertEquals((await post(new CredentialEmulator(), body)).status, 201);
  assertEquals((await post(new CredentialEmulator(), `${body} `)).status, 413);
});

test("CredentialEmulator.handle() stops reading a body that is too long, or says that it is", async () => {
  const emulator = new CredentialEmulator({ maxBodySize: 1_000 });
  let chunks = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      chunks++;
      yield await Promise.resolve(new Uint8Array(100));
    }
  }
  const send = async (headers: Record<string, string>) => {
    const request = { method: "POST", url: CREDENTIALS_URL, body: endless() };
    const answer = await emulator.handle({ ...request, headers: new Headers(headers) });
    return answer.kind === "complete" ? answer.status : answer.kind;
  };
  assertEquals(await send(BEARER), 413);
  assertEquals(chunks, 11);
  assertEquals(await send({ ...BEARER, "Content-Length": "1001" }), 413);
  assertEquals(chunks, 11);
});

test("CredentialEmulator.fetch() reads UTF-8 whose characters are cut by chunks", async () => {
  const tokens = { ...someTokens(), id_token: "é😀" };
  const bytes = new TextEncoder().encode(JSON.stringify(tokens));
  async function* bytewise(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield await Promise.resolve(Uint8Array.of(byte));
  }
  const emulator = new CredentialEmulator();
  const answer = await emulator.handle({
    method: "POST",
    url: CREDENTIALS_URL,
    headers: new Headers(BEARER),
    body: bytewise(),
  });
  assertEquals(answer.kind === "complete" ? answer.status : answer.kind, 201);
});

test("CredentialEmulator.fetch() answers 400 to a body that is not UTF-8", async () => {
  const body = new TextEncoder().encode(JSON.stringify({ ...someTokens(), id_token: "a?" }));
  body[body.indexOf("?".charCodeAt(0))] = 0xff;
  assertError(await post(new CredentialEmulator(), body), 400, "bad_request");
  const cut = new TextEncoder().encode(`${JSON.stringify(someTokens())}é`).slice(0, -1);
  assertError(await post(new CredentialEmulator(), cut), 400, "bad_request");
});
