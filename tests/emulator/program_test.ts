import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CredentialEmulator, serveEmulator } from "../../src/emulator/mod.ts";
import { signatureAuth } from "../../src/auth/signature_auth.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "--allow-net=127.0.0.1"] : [];

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  /** The printed settings. */
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
    // After `child.kill()` Deno 2.9 reports the signal instead of the exit code.
    kill: (signal) => process.kill(child.pid ?? 0, signal),
  };
}

function settingsIn(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => line.split("=", 2)));
}

test("emulator program prints valid settings", async () => {
  const program = start("--port", "0", "--callback", "http://localhost:9/cb");
  const text = await program.printed;
  const settings = settingsIn(text);
  assertEquals(Object.keys(settings), [
    "SAASUS_BASE_URL",
    "SAASUS_API_URL_BASE",
    "SAASUS_LOGIN_URL",
    "SAASUS_SAAS_ID",
    "SAASUS_API_KEY",
    "SAASUS_SECRET_KEY",
  ]);
  const origin = settings["SAASUS_API_URL_BASE"] ?? "";
  assertMatch(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(settings["SAASUS_BASE_URL"], `${origin}/v1`);
  const loginUrl = settings["SAASUS_LOGIN_URL"] ?? "";
  assertStringIncludes(text, `open ${loginUrl}`);

  const login = await fetch(`${loginUrl}?user=carol%40example.com`, { redirect: "manual" });
  const callback = new URL(login.headers.get("Location") ?? "");
  assertEquals(callback.origin + callback.pathname, "http://localhost:9/cb");
  const code = callback.searchParams.get("code") ?? "";
  const url = `${settings["SAASUS_BASE_URL"]}/auth/credentials?code=${code}`;
  const auth = signatureAuth({
    saasId: settings["SAASUS_SAAS_ID"] ?? "",
    apiKey: settings["SAASUS_API_KEY"] ?? "",
    secretKey: settings["SAASUS_SECRET_KEY"] ?? "",
  });
  const request = { method: "GET", url, body: "", timestamp: Date.now(), rejected: false };
  const exchanged = await fetch(url, { headers: { Authorization: await auth(request) } });
  assertEquals(exchanged.status, 200);
  const { id_token } = await exchanged.json();

  const [, token = ""] = /^# BEARER_TOKEN=(.*)$/m.exec(text) ?? [];
  const headers = { Authorization: `Bearer ${token}` };
  const info = await fetch(`${origin}/v1/auth/userinfo?token=${id_token}`, { headers });
  assertEquals((await info.json()).email, "carol@example.com");

  program.kill("SIGINT");
  const { exitCode, stdout, stderr } = await program.ended;
  assertEquals([exitCode, stderr], [0, ""]);
  const lines = stdout.slice(text.length).trim().split("\n");
  const time = /^# \d\d:\d\d:\d\d {2}/;
  assertEquals(lines.map((line) => line.replace(time, "")), [
    "signIn  303  carol@example.com",
    "getAuthCredentials (tempCodeAuth)  200  carol@example.com",
    "getUserInfo  200  carol@example.com",
    "# The emulator has stopped",
  ]);
  for (const secret of [code, id_token]) assertEquals(stdout.includes(secret), false);
});

test(
  "emulator program adds the users of --user, and prints less with --quiet",
  async () => {
    const program = start(
      "--port",
      "0",
      "--user",
      "carol@example.com",
      "--user=dave",
      "--quiet",
      "--code-lifetime",
      "0",
    );
    const text = await program.printed;
    const settings = settingsIn(text);
    const page = await (await fetch(settings["SAASUS_LOGIN_URL"] ?? "")).text();
    const names = [...page.matchAll(/name="user" value="([^"]*)"/g)].map(([, name]) => name);
    assertEquals(names, ["carol@example.com", "dave"]);
    const login = await fetch(`${settings["SAASUS_LOGIN_URL"]}?user=dave`, { redirect: "manual" });
    const { search } = new URL(login.headers.get("Location") ?? "");
    const headers = { Authorization: `Bearer ${/^# BEARER_TOKEN=(.*)$/m.exec(text)?.[1]}` };
    const url = `${settings["SAASUS_BASE_URL"]}/auth/credentials${search}`;
    const expired = await fetch(url, { headers });
    assertEquals(expired.status, 404);
    await expired.body?.cancel();
    program.kill("SIGINT");
    const { stdout } = await program.ended;
    assertEquals(stdout.slice(text.length), "# The emulator has stopped\n");
  },
);

test("emulator program stops at SIGTERM", async () => {
  const program = start("--port=0");
  const { SAASUS_API_URL_BASE: origin = "" } = settingsIn(await program.printed);
  // An open connection must not keep the program running.
  await (await fetch(origin)).body?.cancel();
  program.kill("SIGTERM");
  assertEquals((await program.ended).exitCode, 0);
});

test(
  "emulator program supports --rotation and --cors",
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

test("emulator program prints its options with --help", async () => {
  const { exitCode, stdout, stderr } = await start("--help").ended;
  assertEquals([exitCode, stderr], [0, ""]);
  const options = [
    "port",
    "callback",
    "user",
    "code-lifetime",
    "rotation",
    "cors",
    "quiet",
    "help",
  ];
  for (const option of options) assertStringIncludes(stdout, `--${option} `.trimEnd());
  const runtime = "Bun" in globalThis ? "bun" : "node";
  const command = "Deno" in globalThis ? "deno task emulator" : `${runtime} src/emulator/mod.ts`;
  for (const option of [`Usage: ${command} [options]`, "4010"]) {
    assertStringIncludes(stdout, option);
  }
});

test("emulator program rejects invalid options", async () => {
  const wrong: [string[], string][] = [
    [["--prot", "1"], "--prot"],
    [["--port", "x"], 'Port "x" is not a whole number, 0 to 65535'],
    [["--port", "65536"], 'Port "65536"'],
    [["--port", ""], 'Port ""'],
    [["--port"], "--port"],
    [["4010"], "4010"],
    [["--user", " "], "User name is empty"],
    [["--code-lifetime", "x"], 'Code lifetime "x" is not a number of seconds'],
    [["--callback", "/callback"], "--callback: expected an absolute http: or https: URL"],
  ];
  const ended = await Promise.all(wrong.map(([args]) => start(...args).ended));
  for (const [i, { exitCode, stdout, stderr }] of ended.entries()) {
    assertEquals([exitCode, stdout], [2, ""]);
    assertStringIncludes(stderr, wrong[i]?.[1] ?? "");
    assertStringIncludes(stderr, "--help");
  }
});

test(
  "emulator program prints advice if the port is in use",
  async () => {
    const server = await serveEmulator(new CredentialEmulator());
    const { exitCode, stdout, stderr } = await start("--port", String(server.port)).ended;
    await server.close();
    assertEquals([exitCode, stdout], [1, ""]);
    assertStringIncludes(stderr, `Cannot listen on port ${server.port}: it is in use`);
    assertStringIncludes(stderr, "--port 0");
  },
);
