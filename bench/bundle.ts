// Checks the size of the package in a browser against its budgets, and prints its parts. Part of
// `deno task check`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { eachMapping, TraceMap } from "@jridgewell/trace-mapping";

/** The budget of each program, in bytes, minified and gzipped. */
const BUDGETS = { client: 18_750, everything: 25_150 };

/** The packages that are allowed in a bundle. */
const PACKAGES: readonly string[] = ["ky", "valibot"];

/** The parts of the package by their paths in `src`. */
const PARTS: Readonly<Record<string, RegExp>> = {
  "models and validation": /^(?:models|validation)$/,
  "errors and redaction": /^(?:errors|redaction)$/,
  "authorization": /^auth\//,
  "options and environment": /^client\/(?:environment|settings)$/,
  "calls and retries": /^(?:async$|client\/)/,
  "session": /^session\//,
};

type Program = keyof typeof BUDGETS;

interface Bundle {
  readonly code: string;
  /** The paths of its modules. */
  readonly modules: readonly string[];
  /** Its source map. */
  readonly map: string;
}

/** Bundles a program for the browser, without some packages. */
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
    const map = readFileSync(`${output}.map`, "utf8");
    return { code: readFileSync(output, "utf8"), modules: JSON.parse(map).sources, map };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Returns the size in bytes after gzip. */
function sizeOf({ code }: Bundle): number {
  return gzipSync(code, { level: 9 }).byteLength;
}

/** Returns the modules that must not be in a bundle. */
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
  return /\/src\/(?:(?:auth|client|session)\/)?[^/]+\.ts$|\/mod\.ts$|\/bench\/bundle\/[^/]+\.ts$/
    .test(path);
}

/** Returns the size of each part of the minified bundle of everything before gzip, in bytes. */
function measureParts(): string[] {
  const { code, map } = bundle("everything");
  const sizes = new Map<string, number>();
  const starts: { readonly column: number; readonly part: string }[] = [];
  eachMapping(new TraceMap(map), ({ generatedLine, generatedColumn, source }) => {
    starts.push({ column: offsetOf(code, generatedLine) + generatedColumn, part: partOf(source) });
  });
  starts.forEach(({ column, part }, at) => {
    const end = starts[at + 1]?.column ?? code.length;
    sizes.set(part, (sizes.get(part) ?? 0) + end - column);
  });
  return [...sizes].sort(([, one], [, other]) => other - one)
    .map(([part, size]) => `| ${part} | ${size} |`);
}

/** Returns the offset of a line, counted from 1. */
function offsetOf(text: string, line: number): number {
  return text.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
}

function partOf(source: string | null): string {
  const [, name = ""] = /\/src\/([\w/]+)\.ts$/.exec(source ?? "") ?? [];
  const [, packageName] = /\/node_modules\/(ky|valibot)\//.exec(source ?? "") ?? [];
  return packageName ?? Object.entries(PARTS).find(([, pattern]) => pattern.test(name))?.[0] ??
    "other";
}

const table = ["| program | bytes | budget | ky | valibot | ours |", "|---|---|---|---|---|---|"];
const faults: string[] = [];
for (const program of Object.keys(BUDGETS) as Program[]) {
  const whole = bundle(program);
  const size = sizeOf(whole);
  const withoutKy = sizeOf(bundle(program, ["ky"]));
  const ours = sizeOf(bundle(program, PACKAGES));
  const budget = BUDGETS[program];
  // The size that each part adds to the parts on its right.
  const shares = [size - withoutKy, withoutKy - ours, ours];
  table.push(`| ${[program, size, budget, ...shares].join(" | ")} |`);
  if (size > budget) faults.push(`"${program}" is ${size} bytes, and may be ${budget}`);
  for (const intruder of intruders(whole)) faults.push(`"${program}" holds ${intruder}`);
}
console.log(table.join("\n"));
if (process.argv.includes("--parts")) {
  console.log(["\n| part | bytes, minified |", "|---|---|", ...measureParts()].join("\n"));
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
