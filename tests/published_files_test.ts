import { assert, assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import denoJson from "../deno.json" with { type: "json" };
import { readmeDocument } from "./support/readme_document.ts";

const ROOT = new URL("..", import.meta.url);
const run = promisify(execFile);
// Only Deno lists the files that it would publish, and the imports of a module.
const skip = !("Deno" in globalThis);

/** The published files besides the folders and the source. */
const DOCUMENTS = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "README.ja.md",
  "README.md",
  "SECURITY.md",
  "deno.json",
];

/** The folders that are published completely. */
const FOLDERS = ["docs", "examples"];

async function deno(...args: string[]): Promise<string> {
  const env = { ...process.env, NO_COLOR: "1" };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: fileURLToPath(ROOT), env });
  return stdout + stderr;
}

/** Returns the path of a URL in this repository. */
function pathOf(url: string): string | undefined {
  return url.startsWith(ROOT.href) ? url.slice(ROOT.href.length) : undefined;
}

async function publishedFiles(): Promise<string[]> {
  const report = await deno("publish", "--dry-run", "--allow-dirty", "--no-check");
  const urls = report.matchAll(/^ +(file:\S+) \(/gm);
  return [...urls].map(([, url = ""]) => pathOf(url) ?? url).sort();
}

/** Returns the files that the entry points import, directly or not, types included. */
async function importedFiles(): Promise<string[]> {
  const reports = Object.values(denoJson.exports).map((entry) => deno("info", "--json", entry));
  const urls = (await Promise.all(reports)).flatMap((report) =>
    JSON.parse(report).modules.map(({ specifier }: { specifier: string }) => specifier)
  );
  return [...new Set(urls)].map(pathOf).filter((path) => path !== undefined).sort();
}

/** Returns the files of a folder and its subfolders. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(new URL(`${folder}/`, ROOT), { withFileTypes: true });
  const paths = entries.map(async (entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? await filesIn(path) : [path];
  });
  return (await Promise.all(paths)).flat();
}

async function textOf(path: string): Promise<string> {
  return await readFile(new URL(path, ROOT), "utf8");
}

test("deno.json publishes the documents, the examples and the imports of the entry points", {
  skip,
}, async () => {
  const [published, imported, folders] = await Promise.all([
    publishedFiles(),
    importedFiles(),
    Promise.all(FOLDERS.map(filesIn)),
  ]);
  assert(imported.includes("mod.ts") && imported.includes("src/emulator/mod.ts"));
  assertEquals(imported.filter((path) => !/^(mod|src(\/\w+)+)\.ts$/.test(path)), []);
  assertEquals(published, [...DOCUMENTS, ...folders.flat(), ...imported].sort());
});

test("Published documents link to published files only", { skip }, async () => {
  const published = await publishedFiles();
  const documents = published.filter((path) => path.endsWith(".md"));
  assert(documents.length > DOCUMENTS.length);
  for (const path of documents) {
    for (const link of readmeDocument(await textOf(path)).links) {
      const { href } = new URL(link.replace(/#.*/, ""), new URL(path, ROOT));
      const target = pathOf(href);
      const isPublished = target === undefined || target === path ||
        published.some((file) => file === target || file.startsWith(target.replace(/\/?$/, "/")));
      assert(isPublished, `"${path}" links to "${link}"`);
    }
  }
});

test("Pictures of the documents are small", async () => {
  for (const path of await filesIn("docs")) {
    if (path.endsWith(".md")) continue;
    const { byteLength } = await readFile(new URL(path, ROOT));
    assert(byteLength < 100_000, `"${path}" has ${byteLength} bytes`);
  }
});

test("CHANGELOG.md begins with the version in deno.json, which other files do not repeat", async () => {
  const { version } = denoJson;
  const [, newest] = /^## \[(.+?)\]/m.exec(await textOf("CHANGELOG.md")) ?? [];
  assertEquals(newest, version);
  for (const path of ["mod.ts", "README.md", "README.ja.md"]) {
    assert(!(await textOf(path)).includes(version), `"${path}" repeats the version`);
  }
});

test("All files use the same version of Deno and of Bun", async () => {
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
