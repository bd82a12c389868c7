import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("..", import.meta.url);

const LEAVES = ["async", "errors", "models", "redaction", "validation"];

/** The rooms that each room may import from, besides itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
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

/** The imports of each source file, types included: paths from the root of the repository. */
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

/** The room of a file: its folder in `src`, or its name for `mod.ts` and the leaves. */
function roomOf(file: string): string {
  const [, folder, name] = /^(?:src\/)?(?:(\w+)\/)?(?:.*\/)?(\w+)\.ts$/.exec(file) ?? [];
  return folder ?? name ?? file;
}

function forbiddenImports(imports: ReadonlyMap<string, readonly string[]>): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => roomOf(target) !== roomOf(file))
      .filter((target) => !ARROWS[roomOf(file)]?.includes(roomOf(target)))
      .map((target) => `${file} -> ${target}`)
  );
}

/** The first circle that is found, as a path of files; `[]` if there is none. */
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

/** The modules that a program loads with an entry point; imports of types alone are not loaded. */
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

test("The source files import each other in the allowed directions only", () => {
  const imports = sourceImports();
  assert(imports.size > 20);
  assertEquals(forbiddenImports(imports), []);
});

test("The source files import each other without circles, types included", () => {
  assertEquals(circleIn(sourceImports()), []);
});

test("The structure checks find a forbidden import and a circle", () => {
  const imports = new Map([
    ["src/auth/a.ts", ["src/client/b.ts"]],
    ["src/client/b.ts", ["src/client/c.ts"]],
    ["src/client/c.ts", ["src/client/b.ts"]],
  ]);
  assertEquals(forbiddenImports(imports), ["src/auth/a.ts -> src/client/b.ts"]);
  assertEquals(circleIn(imports), ["src/client/b.ts", "src/client/c.ts", "src/client/b.ts"]);
});

test("mod.ts loads at most 30 modules of the package", () => {
  const modules = loadedModules("mod.ts");
  assert(modules.length > 10, modules.join(", "));
  assert(modules.length <= 30, `${modules.length} modules: ${modules.join(", ")}`);
});

test("No source file has more than 350 lines", () => {
  // All errors and their options are in one file, which is mostly documentation.
  const maxLines = (file: string) => file === "src/errors.ts" ? 400 : 350;
  const long = [...sourceImports().keys()].filter((file) =>
    readFileSync(new URL(file, ROOT), "utf8").split("\n").length > maxLines(file) + 1
  );
  assertEquals(long, []);
});
