import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { test } from "node:test";
import { play } from "../examples/demo.ts";
import { CredentialEmulator, serveEmulator } from "../src/emulator/mod.ts";
import { runExample } from "./support/examples_process.ts";

const STEPS = [
  /^ {2}✓ Alice logs in +the session has the tokens of alice@example\.com$/,
  /^ {2}✓ An hour passes +the session refreshed automatically: the ID token is new$/,
  /^ {2}✓ 100 callers need a token at once +1 refresh, 100 valid tokens$/,
  /^ {2}✓ A response gets lost +the client retried with a new signature, and succeeded$/,
  /^ {2}✓ The service is down +the session continues with the token that is still valid$/,
  /^ {2}✓ A code is used twice +“.* 404 \(not_found\)”: no secret in the error$/,
  /^ {2}✓ An administrator locks Alice out +the session ends at the next refresh$/,
];

test("demo.ts prints all steps without colours if its output is piped, and exits with 0", async () => {
  const { exitCode, stdout, stderr } = await runExample("examples/demo.ts").ended;
  assertEquals([exitCode, stderr], [0, ""]);
  const [title = "", , ...lines] = stdout.trimEnd().split("\n");
  assertMatch(title, /\(emulator at http:\/\/127\.0\.0\.1:\d+\/v1\/auth\)$/);
  const shown = lines.filter((line) => line.includes("✓"));
  assertEquals(shown.length, STEPS.length);
  for (const [index, step] of STEPS.entries()) assertMatch(shown[index] ?? "", step);
  assertEquals(lines.at(-1), "All 7 steps passed");
});

test("demo.ts prints no token and no code", async () => {
  const { stdout } = await runExample("examples/demo.ts").ended;
  assertNotMatch(stdout, /[\w-]{25}|eyJ/);
});

test("demo.ts exits with 1 and prints the step that failed", async () => {
  const { exitCode, stdout, stderr } = await runExample("tests/support/examples_broken_demo.ts")
    .ended;
  assertEquals(exitCode, 1);
  assertEquals(
    stderr.trimEnd(),
    "✗ Step 2 (An hour passes) failed: the ID token is still the old one",
  );
  assertMatch(stdout, /✓ Alice logs in/);
  assertNotMatch(stdout, /✓ An hour passes|steps passed/);
});

/** Runs the demo on an emulator, and returns its lines and problems. */
async function played(emulator: CredentialEmulator, isColored = false) {
  const server = await serveEmulator(emulator);
  const lines: string[] = [];
  const problems: string[] = [];
  try {
    const exitCode = await play({ emulator, baseUrl: server.url }, {
      line: (text) => lines.push(text),
      problem: (text) => problems.push(text),
      isColored,
    });
    return { exitCode, lines, problems };
  } finally {
    await server.close();
  }
}

test("play() fails if the emulator ignores a fault or does not revoke a refresh token", async () => {
  class WithoutFaults extends CredentialEmulator {
    override set faults(_: []) {}
    override get faults(): [] {
      return [];
    }
  }
  class WithoutRevocation extends CredentialEmulator {
    override revokeRefreshToken(): boolean {
      return false;
    }
  }
  const cases: [CredentialEmulator, RegExp][] = [
    [new WithoutFaults(), /^✗ Step 4 .*: the call was retried 0 times$/],
    [new WithoutRevocation(), /^✗ Step 7 .*: it was not rejected$/],
  ];
  for (const [emulator, problem] of cases) {
    const { exitCode, problems } = await played(emulator);
    assertEquals([exitCode, problems.length], [1, 1]);
    assertMatch(problems[0] ?? "", problem);
  }
});

test("play() prints colours for a terminal", async () => {
  const { exitCode, lines } = await played(new CredentialEmulator(), true);
  assertEquals(exitCode, 0);
  assertEquals(lines.at(-1), "\n\x1b[32mAll 7 steps passed\x1b[0m");
});
