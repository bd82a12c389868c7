import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator } from "../../src/emulator/mod.ts";
import { serviceOf } from "../../src/emulator/emulator.ts";
import {
  assertError,
  BEARER,
  CREDENTIALS_URL,
  post,
  someTokens,
} from "../support/emulator_call.ts";

test("CredentialEmulator.fetch() accepts bodies of up to 1 MiB", async () => {
  const body = JSON.stringify({ ...someTokens(), note: "é" });
  const padding = " ".repeat(1_048_576 - new TextEncoder().encode(body).length);
  assertEquals((await post(new CredentialEmulator(), body + padding)).status, 201);
  const tooLarge = await post(new CredentialEmulator(), `${body}${padding} `);
  assertError(tooLarge, 413, "payload_too_large");
});

test("CredentialEmulator stops reading a body that is too large", async () => {
  const service = serviceOf(new CredentialEmulator());
  let chunks = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      chunks++;
      yield await Promise.resolve(new Uint8Array(100_000));
    }
  }
  const send = async (headers: Record<string, string>) => {
    const request = { method: "POST", url: CREDENTIALS_URL, body: endless() };
    const response = await service.handle({ ...request, headers: new Headers(headers) });
    return response.kind === "complete" ? response.status : response.kind;
  };
  assertEquals(await send(BEARER), 413);
  assertEquals(chunks, 11);
  assertEquals(await send({ ...BEARER, "Content-Length": "1048577" }), 413);
  assertEquals(chunks, 11);
});

test("CredentialEmulator.fetch() reads UTF-8 characters across chunks", async () => {
  const tokens = { ...someTokens(), id_token: "é😀" };
  const bytes = new TextEncoder().encode(JSON.stringify(tokens));
  async function* bytewise(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield await Promise.resolve(Uint8Array.of(byte));
  }
  const emulator = new CredentialEmulator();
  const response = await serviceOf(emulator).handle({
    method: "POST",
    url: CREDENTIALS_URL,
    headers: new Headers(BEARER),
    body: bytewise(),
  });
  assertEquals(response.kind === "complete" ? response.status : response.kind, 201);
});

test("CredentialEmulator.fetch() returns 400 for a body that is not UTF-8", async () => {
  const body = new TextEncoder().encode(JSON.stringify({ ...someTokens(), id_token: "a?" }));
  body[body.indexOf("?".charCodeAt(0))] = 0xff;
  assertError(await post(new CredentialEmulator(), body), 400, "bad_request");
  const cut = new TextEncoder().encode(`${JSON.stringify(someTokens())}é`).slice(0, -1);
  assertError(await post(new CredentialEmulator(), cut), 400, "bad_request");
});
