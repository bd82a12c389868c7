// Holds what a browser has to load to its budgets, and says what it is made of. Part of `deno task check`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** The most that each program may be, in bytes, minified and gzipped. */
const BUDGETS = { client: 19_130, everything: 24_830 };

/** The packages that may be in a bundle. */
const PACKAGES: readonly string[] = ["ky", "valibot"];

type Program = keyof typeof BUDGETS;

interface Bundle {
  readonly code: string;
  /** The paths of the modules that are left in it. */
  readonly modules: readonly string[];
}

/** Bundles a program for the browser, without the packages that are named. */
function bundle(program: Program, without: readonly string[] = []): Bundle {
  const directory = mkdtempSync(join(tmpdir(), "bundle-"));
  const output = join(directory, "bundle.js");
  const entry = fileURLToPath(new URL(`./bundle/${program}.ts`, import.meta.url));
  try {
    execFileSync(process.execPath, [
      ...["bundle", "--quiet", "--platform", "browser", "--minify", "--sourcemap", "external"],
      ...without.flatMap((name) => ["--external", name]),
      ...["--output", output, entry],
    ], { stdio: ["ignore", "ignore", "inherit"] });
    const { sources } = JSON.parse(readFileSync(`${output}.map`, "utf8"));
    return { code: readFileSync(output, "utf8"), modules: sources };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** In bytes, as a server sends it. */
function sizeOf({ code }: Bundle): number {
  return gzipSync(code, { level: 9 }).byteLength;
}

/** What should not be in a bundle. */
function intruders({ code, modules }: Bundle): string[] {
  const imports = code.matchAll(/\b(?:im|ex)port\b[\w\s*{},$]*\(?["']([^"']+)["']/g);
  return [
    ...modules.filter((path) => !isWelcome(path)),
    ...[...imports].map(([, name]) => `${name}`),
  ];
}

function isWelcome(path: string): boolean {
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  if (name !== undefined) return PACKAGES.includes(name);
  return /\/src\/(?!emulator)[^/]+\.ts$|\/mod\.ts$|\/bench\/bundle\/[^/]+\.ts$/.test(path);
}

const table = ["| program | bytes | budget | ky | valibot | ours |", "|---|---|---|---|---|---|"];
const faults: string[] = [];
for (const program of Object.keys(BUDGETS) as Program[]) {
  const whole = bundle(program);
  const size = sizeOf(whole);
  const withoutKy = sizeOf(bundle(program, ["ky"]));
  const ours = sizeOf(bundle(program, PACKAGES));
  const budget = BUDGETS[program];
  // What each adds to the ones on its right.
  const shares = [size - withoutKy, withoutKy - ours, ours];
  table.push(`| ${[program, size, budget, ...shares].join(" | ")} |`);
  if (size > budget) faults.push(`"${program}" is ${size} bytes, and may be ${budget}`);
  for (const intruder of intruders(whole)) faults.push(`"${program}" holds ${intruder}`);
}
console.log(table.join("\n"));
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
