import { assert, assertEquals, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  CredentialEmulator,
  EMULATOR_SIGNATURE,
  type EmulatorServer,
  serveEmulator,
} from "../src/emulator/mod.ts";
import { serviceOf } from "../src/emulator/emulator.ts";
import type { EmulatorRequest } from "../src/emulator/request.ts";
import { runExample } from "./support/examples_process.ts";

const LOGIN_URL = "https://login.example.com/?a=1&b=2";

/** An emulator server, its received requests, and the environment of a program that uses it. */
interface Scene extends AsyncDisposable {
  readonly emulator: CredentialEmulator;
  readonly server: EmulatorServer;
  readonly requests: EmulatorRequest[];
  readonly env: Readonly<Record<string, string>>;
}

async function scene(): Promise<Scene> {
  const emulator = new CredentialEmulator();
  const requests: EmulatorRequest[] = [];
  const internals = serviceOf(emulator);
  const handle = internals.handle.bind(internals);
  internals.handle = (request, hostname) => {
    requests.push(request);
    return handle(request, hostname);
  };
  const server = await serveEmulator(emulator);
  const env = {
    SAASUS_API_URL_BASE: new URL(server.url).origin,
    SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
    SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
    SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
    SAASUS_LOGIN_URL: LOGIN_URL,
    PORT: "0",
  };
  return { emulator, server, requests, env, [Symbol.asyncDispose]: () => server.close() };
}

/** The arguments that run an example on Deno. */
const RUN = ["run", "--allow-net=127.0.0.1", "--allow-env"];

/** Asserts that a text contains no secret. */
function assertNoSecret(text: string, ...secrets: (string | undefined)[]): void {
  for (const secret of secrets) {
    assert(!secret || !text.includes(secret), "The text contains a secret");
  }
}

function testExchange(file: string): void {
  test(`${file} exchanges a code and refreshes`, async () => {
    await using service = await scene();
    const credentials = service.emulator.issueCredentials();
    const code = service.emulator.issueCode(credentials);
    const { exitCode, stdout, stderr } = await runExample(`examples/${file}`, {
      args: [code],
      env: service.env,
      deno: RUN,
    }).ended;
    assertEquals([exitCode, stderr], [0, ""]);
    assertEquals(stdout.trimEnd().split("\n"), [
      "Exchanged the code for id_token, access_token, refresh_token",
      "Refreshed id_token, access_token",
      `Signed in, with an ID token of ${credentials.id_token.length} characters`,
    ]);
    assertNoSecret(stdout, code, ...Object.values(credentials));
    assertEquals(service.requests.length, 2);
  });

  test(`${file} prints the error and exits with 1 when the exchange fails`, async () => {
    await using service = await scene();
    const code = crypto.randomUUID();
    const options = { args: [code], deno: RUN };
    const [unknownCode, unset] = await Promise.all([
      runExample(`examples/${file}`, { ...options, env: service.env }).ended,
      runExample(`examples/${file}`, { ...options, env: { ...service.env, SAASUS_API_KEY: "" } })
        .ended,
    ]);
    assertEquals([unknownCode.exitCode, unknownCode.stdout], [1, ""]);
    assertEquals(
      unknownCode.stderr.trimEnd(),
      "Cannot exchange temp code: the API answered 404 (not_found)",
    );
    assertEquals([unset.exitCode, unset.stdout], [1, ""]);
    assertMatch(unset.stderr, /^Cannot create the client .*SAASUS_API_KEY/);
    assertNoSecret(unknownCode.stderr + unset.stderr, code, service.env["SAASUS_SECRET_KEY"]);
  });

  test(`${file} prints its usage without a code`, async () => {
    const { exitCode, stderr } = await runExample(`examples/${file}`, { deno: RUN }).ended;
    assertEquals([exitCode, stderr.trimEnd()], [2, `Usage: ${file} CODE`]);
  });
}

if ("Deno" in globalThis) testExchange("exchange_deno.ts");
else if ("Bun" in globalThis) testExchange("exchange_bun.ts");
