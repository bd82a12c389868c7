import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialEmulator, serveEmulator } from "../../src/emulator/mod.ts";
import { signatureAuth } from "../../src/auth/signature_auth.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "--allow-net=127.0.0.1"] : [];
// Node 22 cannot tell that a module is run as a program.
const skip = !("Deno" in globalThis || "Bun" in globalThis);

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  /** What has been printed, once the last line is there. */
  readonly printed: Promise<string>;
  readonly ended: Promise<Ended>;
  kill(signal: "SIGINT" | "SIGTERM"): void;
}

function start(...args: string[]): Running {
  const child = spawn(process.execPath, [...RUN, "src/emulator/mod.ts", ...args], { cwd: ROOT });
  const printed = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<Ended>();
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
    if (stdout.includes("Ctrl-C")) printed.resolve(stdout);
  });
  child.stderr.on("data", (chunk) => stderr += chunk);
  child.on("close", (exitCode) => {
    printed.resolve(stdout);
    ended.resolve({ exitCode, stdout, stderr });
  });
  return {
    printed: printed.promise,
    ended: ended.promise,
    // After `child.kill()` Deno 2.9 reports the signal in the place of the exit code.
    kill: (signal) => process.kill(child.pid ?? 0, signal),
  };
}

function settingsIn(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.split("=", 2)));
}

test("emulator, run as a program, prints settings that work", { skip }, async () => {
  const program = start("--port", "0");
  const text = await program.printed;
  const settings = settingsIn(text);
  assertEquals(Object.keys(settings), [
    "SAASUS_API_URL_BASE",
    "SAASUS_SAAS_ID",
    "SAASUS_API_KEY",
    "SAASUS_SECRET_KEY",
  ]);
  const origin = settings["SAASUS_API_URL_BASE"] ?? "";
  assertMatch(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
  const url = `${origin}/v1/auth/credentials`;
  const auth = signatureAuth({
    saasId: settings["SAASUS_SAAS_ID"] ?? "",
    apiKey: settings["SAASUS_API_KEY"] ?? "",
    secretKey: settings["SAASUS_SECRET_KEY"] ?? "",
  });
  const body = JSON.stringify({ id_token: "a", access_token: "b" });
  const Authorization = await auth({
    method: "POST",
    url,
    body,
    timestamp: Date.now(),
    rejected: false,
  });
  const saved = await fetch(url, { method: "POST", headers: { Authorization }, body });
  assertEquals(saved.status, 201);

  const { code } = await saved.json();
  const [, token = ""] = /^# BEARER_TOKEN=(.*)$/m.exec(text) ?? [];
  const headers = { Authorization: `Bearer ${token}` };
  const exchanged = await fetch(`${url}?code=${code}`, { headers });
  assertEquals(await exchanged.json(), { id_token: "a", access_token: "b" });
  assertStringIncludes(text, `curl -H "Authorization: Bearer ${token}"`);
  program.kill("SIGINT");
  assertEquals(await program.ended, { exitCode: 0, stdout: text, stderr: "" });
});

test("emulator, run as a program, stops at SIGTERM", { skip }, async () => {
  const program = start("--port=0");
  const { SAASUS_API_URL_BASE: origin = "" } = settingsIn(await program.printed);
  // A connection that is open must not hold it.
  await (await fetch(origin)).body?.cancel();
  program.kill("SIGTERM");
  assertEquals((await program.ended).exitCode, 0);
});

test(
  "emulator, run as a program, rotates and speaks CORS when it is told to",
  { skip },
  async () => {
    const program = start("--port", "0", "--rotation", "--cors");
    const text = await program.printed;
    const url = `${settingsIn(text)["SAASUS_API_URL_BASE"]}/v1/auth/credentials`;
    const headers = { Authorization: `Bearer ${/^# BEARER_TOKEN=(.*)$/m.exec(text)?.[1]}` };
    const body = JSON.stringify({ id_token: "a", access_token: "b", refresh_token: "c" });
    const saved = await fetch(url, { method: "POST", headers, body });
    assertEquals(saved.headers.get("Access-Control-Allow-Origin"), "*");
    await saved.body?.cancel();
    const query = "?auth-flow=refreshTokenAuth&refresh-token=c";
    const refreshed = await (await fetch(url + query, { headers })).json();
    assertEquals(typeof refreshed.refresh_token, "string");
    program.kill("SIGINT");
    assertEquals((await program.ended).exitCode, 0);
  },
);

test("emulator, run as a program, explains its options", { skip }, async () => {
  const { exitCode, stdout, stderr } = await start("--help").ended;
  assertEquals([exitCode, stderr], [0, ""]);
  for (const option of ["--port", "--rotation", "--cors", "--help", "4010"]) {
    assertStringIncludes(stdout, option);
  }
});

test("emulator, run as a program, refuses options that it does not know", { skip }, async () => {
  const wrong: [string[], string][] = [
    [["--prot", "1"], "--prot"],
    [["--port", "x"], 'Port "x" is not a whole number, 0 to 65535'],
    [["--port", "65536"], 'Port "65536"'],
    [["--port", ""], 'Port ""'],
    [["--port"], "--port"],
    [["4010"], "4010"],
  ];
  const ended = await Promise.all(wrong.map(([args]) => start(...args).ended));
  for (const [i, { exitCode, stdout, stderr }] of ended.entries()) {
    assertEquals([exitCode, stdout], [2, ""]);
    assertStringIncludes(stderr, wrong[i]?.[1] ?? "");
    assertStringIncludes(stderr, "--help");
  }
});

test("emulator, run as a program, says what to do when the port is taken", { skip }, async () => {
  const server = await serveEmulator(new CredentialEmulator());
  const { exitCode, stdout, stderr } = await start("--port", String(server.port)).ended;
  await server.close();
  assertEquals([exitCode, stdout], [1, ""]);
  assertStringIncludes(stderr, `Cannot listen on port ${server.port}: it is taken`);
  assertStringIncludes(stderr, "--port 0");
});
