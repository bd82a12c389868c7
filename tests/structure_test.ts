import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("..", import.meta.url);

const LEAVES = ["async", "errors", "models", "redaction", "validation"];

/** The modules that each module may import, besides itself. */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  async: [],
  errors: [],
  redaction: ["async", "errors"],
  validation: ["async", "errors", "redaction"],
  models: ["async", "errors", "redaction", "validation"],
  auth: LEAVES,
  client: ["auth", ...LEAVES],
  session: LEAVES,
  emulator: ["async", "auth", "errors", "models", "validation"],
  mod: ["auth", "client", "session", ...LEAVES],
  login: ["mod", ...LEAVES],
};

/** Returns the imports of each source file, including types, as paths from the root. */
function sourceImports(): Map<string, readonly string[]> {
  const files = readdirSync(new URL("src/", ROOT), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `src/${name.replaceAll("\\", "/")}`);
  return new Map(["mod.ts", ...files].map((file) => [file, importsOf(file)]));
}

function importsOf(file: string): readonly string[] {
  const url = new URL(file, ROOT);
  const code = readFileSync(url, "utf8").replace(/\/\*.*?\*\/|^\s*\/\/.*$/gms, "");
  const specifiers = code.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...specifiers].map(([, path = ""]) => new URL(path, url).href.slice(ROOT.href.length));
}

/** Returns the folder of a file in `src`, or its name if it is in no folder. */
function moduleOf(file: string): string {
  const [, folder, name] = /^(?:src\/)?(?:(\w+)\/)?(?:.*\/)?(\w+)\.ts$/.exec(file) ?? [];
  return folder ?? name ?? file;
}

function forbiddenImports(imports: ReadonlyMap<string, readonly string[]>): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => moduleOf(target) !== moduleOf(file))
      .filter((target) => !ALLOWED_IMPORTS[moduleOf(file)]?.includes(moduleOf(target)))
      .map((target) => `${file} -> ${target}`)
  );
}

/** Returns the first circular import as a path of files, or `[]` if there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const target of imports.get(file) ?? []) {
      const circle = visit(target, [...path, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = visit(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** Returns the files that an entry point loads, without type imports. */
function loadedModules(entry: string): string[] {
  const loaded = new Set<string>();
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const code = readFileSync(new URL(file, ROOT), "utf8");
    for (const target of importsOf(file)) {
      const name = target.split("/").at(-1) ?? target;
      const statements = code.match(new RegExp(`(?:import|export)[^;]*?/${name}"`, "g")) ?? [];
      if (statements.some((text) => !/^(?:import|export)\s+type\b[^;]*$/.test(text))) load(target);
    }
  };
  load(entry);
  return [...loaded];
}

test("Source files have allowed imports only", () => {
  const imports = sourceImports();
  assert(imports.size > 20);
  assertEquals(forbiddenImports(imports), []);
});

test("Source files have no circular imports, including type imports", () => {
  assertEquals(circleIn(sourceImports()), []);
});

test("forbiddenImports() and circleIn() find a forbidden and a circular import", () => {
  const imports = new Map([
    ["src/auth/a.ts", ["src/client/b.ts"]],
    ["src/client/b.ts", ["src/client/c.ts"]],
    ["src/client/c.ts", ["src/client/b.ts"]],
  ]);
  assertEquals(forbiddenImports(imports), ["src/auth/a.ts -> src/client/b.ts"]);
  assertEquals(circleIn(imports), ["src/client/b.ts", "src/client/c.ts", "src/client/b.ts"]);
});

test("mod.ts loads at most 28 source files", () => {
  const modules = loadedModules("mod.ts");
  assert(modules.length > 10, modules.join(", "));
  assert(modules.length <= 28, `${modules.length} modules: ${modules.join(", ")}`);
});

test("Source files have at most 350 lines", () => {
  const long = [...sourceImports().keys()].filter((file) =>
    readFileSync(new URL(file, ROOT), "utf8").split("\n").length > 351
  );
  assertEquals(long, []);
});
