import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Result of a program that has exited. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options for {@linkcode runExample}. */
export interface RunOptions {
  readonly args?: readonly string[];
  /** Environment variables, in addition to those of the machine that are no settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Deno. */
  readonly deno?: readonly string[];
}

/** Program that is running. */
export interface RunningExample extends AsyncDisposable {
  readonly ended: Promise<Ended>;
  /** Resolves with the first match in the output. Rejects if the program exits without one. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Runs a program of this repository in its own process, on the current runtime. */
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
  const append = (name: "stdout" | "stderr") => (chunk: unknown) => {
    output[name] += chunk;
    changed.dispatchEvent(new Event("output"));
  };
  child.stdout?.on("data", append("stdout"));
  child.stderr?.on("data", append("stderr"));
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
          reject(new Error(`The program exited without a match.\n${stdout}\n${stderr}`))
        );
      }),
    async [Symbol.asyncDispose]() {
      // On other signals, deno serve waits for connections that a client keeps open.
      if (child.exitCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}
