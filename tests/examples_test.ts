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

/** An emulator that is served, what it was asked, and the environment of a program that is to use it. */
interface Scene extends AsyncDisposable {
  readonly emulator: CredentialEmulator;
  readonly server: EmulatorServer;
  readonly requests: EmulatorRequest[];
  readonly env: Readonly<Record<string, string>>;
}

async function scene(): Promise<Scene> {
  const emulator = new CredentialEmulator();
  const requests: EmulatorRequest[] = [];
  const service = serviceOf(emulator);
  const handle = service.handle.bind(service);
  service.handle = (request, hostname) => {
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

/** What Deno runs the examples with. */
const RUN = ["run", "--allow-net=127.0.0.1", "--allow-env"];

/** Nothing that a program prints, or shows to a browser, may hold one of these. */
function assertNoSecret(text: string, ...secrets: (string | undefined)[]): void {
  for (const secret of secrets) assert(!secret || !text.includes(secret), "It holds a secret");
}

function testExchange(file: string): void {
  test(`${file} exchanges a code and refreshes`, async () => {
    await using stage = await scene();
    const credentials = stage.emulator.issueCredentials();
    const code = stage.emulator.issueCode(credentials);
    const { exitCode, stdout, stderr } = await runExample(`examples/${file}`, {
      args: [code],
      env: stage.env,
      deno: RUN,
    }).ended;
    assertEquals([exitCode, stderr], [0, ""]);
    assertEquals(stdout.trimEnd().split("\n"), [
      "Exchanged the code for id_token, access_token, refresh_token",
      "Refreshed id_token, access_token",
      `Signed in, with an ID token of ${credentials.id_token.length} characters`,
    ]);
    assertNoSecret(stdout, code, ...Object.values(credentials));
    assertEquals(stage.requests.length, 2);
  });

  test(`${file} says why it could not, and exits with 1`, async () => {
    await using stage = await scene();
    const code = crypto.randomUUID();
    const options = { args: [code], deno: RUN };
    const [dead, unset] = await Promise.all([
      runExample(`examples/${file}`, { ...options, env: stage.env }).ended,
      runExample(`examples/${file}`, { ...options, env: { ...stage.env, SAASUS_API_KEY: "" } })
        .ended,
    ]);
    assertEquals([dead.exitCode, dead.stdout], [1, ""]);
    assertEquals(
      dead.stderr.trimEnd(),
      "Cannot exchange temp code: the API answered 404 (not_found)",
    );
    assertEquals([unset.exitCode, unset.stdout], [1, ""]);
    assertMatch(unset.stderr, /^Cannot create the client .*SAASUS_API_KEY/);
    assertNoSecret(dead.stderr + unset.stderr, code, stage.env["SAASUS_SECRET_KEY"]);
  });

  test(`${file} asks for a code`, async () => {
    const { exitCode, stderr } = await runExample(`examples/${file}`, { deno: RUN }).ended;
    assertEquals([exitCode, stderr.trimEnd()], [2, `Usage: ${file} CODE`]);
  });
}

if ("Deno" in globalThis) testExchange("exchange_deno.ts");
else if ("Bun" in globalThis) testExchange("exchange_bun.ts");
