// Measures everything on Deno, Bun and Node 24, and prints a table in Markdown. README.md says how
// to read it.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus, release, totalmem, type } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Measured } from "./program.ts";
import { measureStart } from "./start.ts";
import { type Column, markdownTable } from "./table.ts";

const HELP = `deno task bench [--quick] [--runtimes=deno,bun,node] [--bun=PATH] [--node=PATH]

  --quick      a less exact measurement, in about a third of the time
  --runtimes   the runtimes; by default Deno, Bun, and Node if it is 24 or newer
  --bun        the path of Bun; by default Bun 1.4.5 from npm
  --node       the path of Node; by default "node"`;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    runtimes: { type: "string" },
    bun: { type: "string" },
    node: { type: "string", default: "node" },
    help: { type: "boolean", default: false },
  },
});

/** A runtime to measure on. */
interface Runtime {
  readonly name: string;
  /** The command that runs a file. */
  readonly command: readonly string[];
  /** The command that runs a file with access to the garbage collector. */
  readonly commandWithGc: readonly string[];
  /**
   * Whether it starts the package as installed. On Node, an installed package is JavaScript,
   * without types to strip.
   */
  readonly startsAsInstalled: boolean;
}

const run = promisify(execFile);
const output = async (program: string, ...args: readonly string[]) =>
  (await run(program, args)).stdout.trim();

/** The program that runs this file: Deno. */
const deno = process.execPath;

async function denoRuntime(): Promise<Runtime> {
  return {
    name: `Deno ${(await output(deno, "--version")).split(/\s/)[1]}`,
    command: [deno, "run", "-A"],
    commandWithGc: [deno, "run", "-A", "--v8-flags=--expose-gc"],
    startsAsInstalled: true,
  };
}

async function bunRuntime(): Promise<Runtime> {
  const fetched = [deno, "x", "-y", "--allow-scripts=npm:bun", "npm:bun@1.4.5"];
  const [program = "", ...args] = options.bun === undefined ? fetched : [options.bun];
  // From here on, it is started by its own path, without a launcher in between.
  const bun = await output(program, ...args, "-e", "console.log(process.execPath)");
  const name = `Bun ${await output(bun, "--version")}`;
  return { name, command: [bun], commandWithGc: [bun], startsAsInstalled: true };
}

async function nodeRuntime(): Promise<Runtime | undefined> {
  const version = await output(options.node, "--version").catch(() => "v0");
  if (Number.parseInt(version.slice(1)) < 24) return undefined;
  return {
    name: `Node ${version.slice(1)}`,
    command: [options.node],
    commandWithGc: [options.node, "--expose-gc"],
    startsAsInstalled: false,
  };
}

async function chosenRuntimes(): Promise<Runtime[]> {
  const find: Record<string, () => Promise<Runtime | undefined>> = {
    deno: denoRuntime,
    bun: bunRuntime,
    node: nodeRuntime,
  };
  const names = options.runtimes?.split(",") ?? Object.keys(find);
  const runtimes: Runtime[] = [];
  for (const name of names) {
    const runtime = await find[name]?.();
    if (runtime !== undefined) runtimes.push(runtime);
    else if (options.runtimes !== undefined) throw new Error(`"${name}" was not found`);
  }
  return runtimes;
}

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Starts the server in its own process. */
async function startServer(): Promise<{ server: ChildProcess; origin: string }> {
  const server = spawn(deno, ["run", "-A", pathOf("server.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [origin] = await once(createInterface({ input: server.stdout }), "line");
  return { server, origin: String(origin) };
}

async function runProgram(
  command: readonly string[],
  file: string,
  origin: string,
): Promise<Measured> {
  const [program = "", ...args] = command;
  const quick = options.quick ? ["--quick"] : [];
  const child = spawn(program, [...args, pathOf(file), `--origin=${origin}`, ...quick], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let answer = "";
  child.stdout.on("data", (bytes) => answer += bytes);
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${file} ended with ${status}`);
  return JSON.parse(answer);
}

async function measure(runtime: Runtime, origin: string): Promise<Column> {
  const { name, command, commandWithGc, startsAsInstalled } = runtime;
  console.error(name);
  const rounds = options.quick ? 32 : 80;
  const measured = {
    ...await runProgram(command, "calls.ts", origin),
    ...await runProgram(command, "parts.ts", origin),
    ...await runProgram(commandWithGc, "heap.ts", origin),
    ...(startsAsInstalled ? { start: measureStart(command, rounds) } : {}),
  };
  return { runtime: name, measured };
}

function describeMachine(): string {
  const [{ model } = { model: "unknown" }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${cpus().length} cores of ${model}, ${memory} GiB, ${type()} ${release()}.`;
}

if (options.help) {
  console.log(HELP);
} else {
  const { server, origin } = await startServer();
  try {
    const columns: Column[] = [];
    for (const runtime of await chosenRuntimes()) columns.push(await measure(runtime, origin));
    console.log(`${describeMachine()}\n\n${markdownTable(columns)}`);
  } finally {
    server.kill();
  }
}
