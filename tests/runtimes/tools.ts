import { test } from "node:test";
import { chromiumPath } from "../support/browser.ts";
import { repositoryPath } from "./run.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** What the tests of this folder need besides Deno. */
export type Tool =
  | "bun"
  | "chromium"
  | "node-22"
  | "node-24"
  | "typescript-5"
  | "typescript-6"
  | "typescript-7"
  | "workerd";

/** Where install.ts puts what npm has, out of sight of everybody else. */
export const CACHE: string = repositoryPath("node_modules/.cache/runtimes");

const isRequired = Deno.env.get("REQUIRE_ALL_RUNTIMES") === "1";
const exe = Deno.build.os === "windows" ? ".exe" : "";

/** The npm packages of the tools for this machine, by tool. They hold the programs themselves: no script has to run. */
export function npmPackages(): Record<string, string> {
  const { os, arch } = Deno.build;
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  const bun = `@oven/bun-${os}-${arch === "aarch64" ? "aarch64" : "x64"}`;
  const workerd = `@cloudflare/workerd-${os}-${arch === "aarch64" ? "arm64" : "64"}`;
  const node = `node-${os === "windows" ? "win" : os}-${cpu}`;
  return {
    "bun": `${bun}@${bunVersion()}`,
    // npm has Node for macOS only in part: NODE_22 and NODE_24 name it there.
    ...(os === "darwin" ? {} : { "node-22": `${node}@22.23.3`, "node-24": `${node}@24.21.0` }),
    "typescript-5": "typescript@5.9.3",
    "typescript-6": "typescript@6.0.3",
    "typescript-7": "typescript@7.0.2",
    "workerd": `${workerd}@1.20261023.1`,
  };
}

/** The version of Bun that the task `test:bun` uses. */
function bunVersion(): string {
  const version = /npm:bun@([\d.]+)/.exec(denoJson.tasks["test:bun"].command)?.[1];
  if (version !== undefined) return version;
  throw new Error('Cannot find the version of Bun in the task "test:bun" of deno.json');
}

/** The command that runs a tool, to which its arguments are added. */
export function commandOf(tool: Tool): readonly string[] {
  const command = findCommand(tool);
  if (command !== undefined) return command;
  throw new Error(`Cannot find ${tool}: ${howToGet(tool)}`);
}

/** Answers nothing where the tool is not on this machine. */
export function findCommand(tool: Tool): readonly string[] | undefined {
  switch (tool) {
    case "chromium":
      return firstFile([chromiumPath()]);
    case "node-22":
    case "node-24":
      return firstFile([
        Deno.env.get(tool.toUpperCase().replace("-", "_")),
        inCache(`${tool}/bin/node${exe}`),
      ]);
    case "bun":
    case "workerd":
      return firstFile([inCache(`${tool}/bin/${tool}${exe}`)]);
    case "typescript-5":
    case "typescript-6":
    case "typescript-7": {
      const node = findCommand("node-24");
      const tsc = firstFile([inCache(`${tool}/bin/tsc`)]);
      return node === undefined || tsc === undefined ? undefined : [...node, ...tsc];
    }
    default:
      return tool satisfies never;
  }
}

/** A test that needs tools. Where one is missing the title says so, and `REQUIRE_ALL_RUNTIMES=1` makes it a failure. */
export function testWith(tools: readonly Tool[], title: string, run: () => Promise<void>): void {
  const missing = tools.filter((tool) => findCommand(tool) === undefined);
  if (missing.length === 0) {
    test(title, run);
    return;
  }
  const reason = missing.map((tool) => `${tool} is missing, ${howToGet(tool)}`).join("; ");
  if (isRequired) {
    test(title, () => {
      throw new Error(reason);
    });
    return;
  }
  test(`${title} (SKIPPED: ${reason})`, { skip: true });
}

function howToGet(tool: Tool): string {
  return tool === "chromium"
    ? "install Chromium or Chrome, or set CHROMIUM to its path"
    : "run tests/runtimes/install.ts";
}

function inCache(path: string): string {
  return `${CACHE}/node_modules/${path}`;
}

function firstFile(paths: readonly (string | undefined)[]): [string] | undefined {
  const path = paths.find((path) => path !== undefined && isFile(path));
  return path === undefined ? undefined : [path];
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
