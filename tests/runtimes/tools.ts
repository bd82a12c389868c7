import { test } from "node:test";
import { chromiumPath } from "../support/browser.ts";
import { repositoryPath } from "./run.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** Program that a test in this folder requires. */
export type Tool =
  | "bun"
  | "chromium"
  | "node-22"
  | "node-24"
  | "typescript-5"
  | "typescript-6"
  | "typescript-7"
  | "workerd";

/** The folder of the npm packages that install.ts installs. */
export const CACHE: string = repositoryPath("node_modules/.cache/runtimes");

const isRequired = Deno.env.get("REQUIRE_ALL_RUNTIMES") === "1";
const exe = Deno.build.os === "windows" ? ".exe" : "";

/** Returns the npm packages of the tools for this machine. They require no install script. */
export function npmPackages(): Record<string, string> {
  const { os, arch } = Deno.build;
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  const bun = `@oven/bun-${os}-${arch === "aarch64" ? "aarch64" : "x64"}`;
  const workerd = `@cloudflare/workerd-${os}-${arch === "aarch64" ? "arm64" : "64"}`;
  const node = `node-${os === "windows" ? "win" : os}-${cpu}`;
  return {
    "bun": `${bun}@${bunVersion()}`,
    // npm does not have all versions of Node for macOS. NODE_22 and NODE_24 set their paths there.
    ...(os === "darwin" ? {} : { "node-22": `${node}@22.23.3`, "node-24": `${node}@24.21.0` }),
    "typescript-5": "typescript@5.9.3",
    "typescript-6": "typescript@6.0.3",
    "typescript-7": "typescript@7.0.2",
    "workerd": `${workerd}@1.20261023.1`,
  };
}

/** Returns the version of Bun in the task `test:bun`. */
function bunVersion(): string {
  const version = /npm:bun@([\d.]+)/.exec(denoJson.tasks["test:bun"].command)?.[1];
  if (version !== undefined) return version;
  throw new Error('Cannot find the version of Bun in the task "test:bun" of deno.json');
}

/** Returns the command of a tool, without arguments. */
export function commandOf(tool: Tool): readonly string[] {
  const command = findCommand(tool);
  if (command !== undefined) return command;
  throw new Error(`Cannot find ${tool}: ${howToGet(tool)}`);
}

/** Returns the command of a tool, or `undefined` if it is not installed. */
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

/** Adds a test, which is skipped if a tool is missing, or fails if `REQUIRE_ALL_RUNTIMES` is 1. */
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
