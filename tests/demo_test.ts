import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { test } from "node:test";
import { play } from "../examples/demo.ts";
import { CredentialEmulator, type Faults, serveEmulator } from "../src/emulator/mod.ts";
import { runExample } from "./support/examples_process.ts";

const STEPS = [
  /^ {2}1\. Save credentials +got the temporary code \w{6}… \(36 characters\)$/,
  /^ {2}2\. Exchange the code +got the saved tokens, ID token eyJhbG… \(\d+ characters\)$/,
  /^ {2}3\. Exchange the same code again +refused, as it has to be: 404 not_found$/,
  /^ {2}4\. Exchange a code 10 seconds late +refused, as it has to be: 404 not_found$/,
  /^ {2}5\. Refresh +got a new ID token, eyJhbG… \(\d+ characters\); the refresh token stays$/,
  /^ {2}6\. Refresh with a revoked token +refused, as it has to be: 404 not_found$/,
  /^ {2}7\. Sign a call +the signature was taken$/,
  /^ {2}8\. Sign a call with a wrong secret +refused, as it has to be: 401 unauthorized$/,
  /^ {2}9\. Meet a busy server +503 first, then the tokens at the second attempt$/,
];

test("demo tells every step of the story and exits with 0", async () => {
  const { exitCode, stdout, stderr } = await runExample("examples/demo.ts").ended;
  assertEquals([exitCode, stderr], [0, ""]);
  const lines = stdout.trimEnd().split("\n");
  assertMatch(lines[1] ?? "", /^on http:\/\/127\.0\.0\.1:\d+\/v1\/auth$/);
  const steps = lines.filter((line) => /^ +\d/.test(line));
  assertEquals(steps.length, STEPS.length);
  for (const [i, step] of STEPS.entries()) assertMatch(steps[i] ?? "", step);
  assertEquals(lines.at(-1), "All 9 steps went as told.");
});

test("demo shows no more than a few characters of a token", async () => {
  const { stdout } = await runExample("examples/demo.ts").ended;
  assertNotMatch(stdout, /[\w-]{21}/);
});

test("demo exits with 1 and names the step that did not go as told", async () => {
  const { exitCode, stdout, stderr } = await runExample("tests/support/examples_broken_demo.ts")
    .ended;
  assertEquals(exitCode, 1);
  assertEquals(
    stderr.trimEnd(),
    "Step 4 (Exchange a code 10 seconds late) did not go as told: it was not refused",
  );
  assertMatch(stdout, /^ {2}3\. /m);
  assertNotMatch(stdout, /^ {2}4\. |steps went as told/m);
});

/** What the demo says of a story in which one request, counted from 1, gets an answer that no step expects. */
async function problemAt(request: number): Promise<string[]> {
  const faults: Faults = ({ count }) =>
    count === request ? { kind: "status", status: 418 } : undefined;
  return await problemsOn(new CredentialEmulator({ faults }));
}

async function problemsOn(emulator: CredentialEmulator, advance = () => {}): Promise<string[]> {
  await using server = await serveEmulator(emulator);
  const problems: string[] = [];
  const exitCode = await play({ emulator, baseUrl: server.url, advance }, {
    line: () => {},
    problem: (text) => problems.push(text),
  });
  assertEquals(exitCode, 1);
  return problems;
}

test("demo stops at the step that meets an unexpected answer", async () => {
  for (const step of [1, 2, 3]) {
    const problems = await problemAt(step);
    assertEquals(problems.length, 1);
    assertMatch(problems[0] ?? "", new RegExp(`^Step ${step} \\(.*418`));
  }
});

test("demo notices a refresh that rotates, a revoked token that is taken and a fault that never came", async () => {
  class Stubborn extends CredentialEmulator {
    override revokeRefreshToken(): boolean {
      return false;
    }
  }
  class Faultless extends CredentialEmulator {
    override get faults(): Faults {
      return [];
    }
    override set faults(_: Faults) {}
  }
  const cases: [new (options: object) => CredentialEmulator, object, RegExp][] = [
    [CredentialEmulator, { rotation: true }, /^Step 5 .*there is a new refresh token$/],
    [Stubborn, {}, /^Step 6 .*it was not refused$/],
    [CredentialEmulator, { signature: { saasId: "a", apiKey: "b", secretKey: "c" } }, /^Step 7 /],
    [Faultless, {}, /^Step 9 .*the call was repeated 0 times, not once$/],
  ];
  for (const [Emulator, options, problem] of cases) {
    let passed = 0;
    const emulator = new Emulator({ now: () => Date.now() + passed, ...options });
    const [told = ""] = await problemsOn(emulator, () => passed += 10_000);
    assertMatch(told, problem);
  }
});
