import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How a program has ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program is started with. */
export interface RunOptions {
  readonly args?: readonly string[];
  /** Environment variables. Settings of the machine's own environment are not handed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** What Deno is to run it with. */
  readonly deno?: readonly string[];
}

/** A program that runs. */
export interface RunningExample extends AsyncDisposable {
  readonly ended: Promise<Ended>;
  /** Resolves with what a pattern matches once the program has printed it; rejects if it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs a program of this repository in a process of its own, on the runtime at hand. */
export function runExample(program: string, options: RunOptions = {}): RunningExample {
  const { args = [], env = {}, deno = ["run", "--allow-net=127.0.0.1"] } = options;
  const command = "Deno" in globalThis ? [...deno, "--no-prompt"] : [];
  const child = spawn(process.execPath, [...command, program, ...args], {
    cwd: ROOT,
    env: { ...withoutSettings(process.env), NO_COLOR: "1", ...env },
  });
  return watch(child);
}

function withoutSettings(env: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(SAASUS_|BEARER_TOKEN|PORT$)/.test(name)),
  );
}

function watch(child: ChildProcess): RunningExample {
  const output = { stdout: "", stderr: "" };
  const changed = new EventTarget();
  const hear = (name: "stdout" | "stderr") => (chunk: unknown) => {
    output[name] += chunk;
    changed.dispatchEvent(new Event("output"));
  };
  child.stdout?.on("data", hear("stdout"));
  child.stderr?.on("data", hear("stderr"));
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (exitCode) => resolve({ exitCode, ...output }))
  );
  return {
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
          if (found !== null) resolve(found);
        };
        changed.addEventListener("output", look);
        look();
        ended.then(({ stdout, stderr }) =>
          reject(new Error(`The program ended without it.\n${stdout}\n${stderr}`))
        );
      }),
    async [Symbol.asyncDispose]() {
      // Not asked: deno serve waits for connections that a client keeps open.
      if (child.exitCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}
