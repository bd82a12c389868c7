import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import denoJson from "../deno.json" with { type: "json" };

const ROOT = new URL("..", import.meta.url);
const run = promisify(execFile);
// Only Deno can say what it would publish, and what a module imports.
const skip = !("Deno" in globalThis);

/** What is published besides source files. */
const DOCUMENTS = ["CHANGELOG.md", "LICENSE", "README.ja.md", "README.md", "deno.json"];

async function deno(...args: string[]): Promise<string> {
  const env = { ...process.env, NO_COLOR: "1" };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: fileURLToPath(ROOT), env });
  return stdout + stderr;
}

/** The path in this repository, for a URL within it. */
function pathOf(url: string): string | undefined {
  return url.startsWith(ROOT.href) ? url.slice(ROOT.href.length) : undefined;
}

async function publishedFiles(): Promise<string[]> {
  const report = await deno("publish", "--dry-run", "--allow-dirty", "--no-check");
  const urls = report.matchAll(/^ +(file:\S+) \(/gm);
  return [...urls].map(([, url = ""]) => pathOf(url) ?? url).sort();
}

/** All that the entry points import, directly or not, types included. */
async function importedFiles(): Promise<string[]> {
  const reports = Object.values(denoJson.exports).map((entry) => deno("info", "--json", entry));
  const urls = (await Promise.all(reports)).flatMap((report) =>
    JSON.parse(report).modules.map(({ specifier }: { specifier: string }) => specifier)
  );
  return [...new Set(urls)].map(pathOf).filter((path) => path !== undefined).sort();
}

async function textOf(path: string): Promise<string> {
  return await readFile(new URL(path, ROOT), "utf8");
}

test("The package holds its documents and what its entry points import, no less and no more", {
  skip,
}, async () => {
  const [published, imported] = await Promise.all([publishedFiles(), importedFiles()]);
  assert(imported.includes("mod.ts") && imported.includes("src/emulator/mod.ts"));
  assertEquals(imported.filter((path) => !/^(mod|src(\/\w+)+)\.ts$/.test(path)), []);
  assertEquals(published, [...DOCUMENTS, ...imported].sort());
});

test("The version of the package is in deno.json, and the changelog begins with it", async () => {
  const { version } = denoJson;
  const [, newest] = /^## \[(.+?)\]/m.exec(await textOf("CHANGELOG.md")) ?? [];
  assertEquals(newest, version);
  for (const path of ["mod.ts", "README.md", "README.ja.md"]) {
    assert(!(await textOf(path)).includes(version), `"${path}" repeats the version`);
  }
});

test("The versions of Deno and Bun are the same wherever they are named", async () => {
  const paths = [
    ".ci/run",
    ".github/workflows/ci.yml",
    ".github/workflows/publish.yml",
    "CONTRIBUTING.md",
    "README.ja.md",
    "README.md",
    "deno.json",
  ];
  const text = (await Promise.all(paths.map(textOf))).join("\n");
  for (const tool of ["deno", "bun"]) {
    const versions = text.matchAll(
      new RegExp(`(?<![\\w-])${tool}(?:@|-version: v?)(\\d[\\w.-]*)`, "g"),
    );
    assertEquals(new Set([...versions].map(([, version]) => version)).size, 1, tool);
  }
});
