import { assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  categoryProblems,
  commentProblems,
  documentationProblems,
} from "./support/documentation_check.ts";

const ROOT = "file:///repository/";

/** The output of `deno doc --json` for a module with one interface that has one field. */
function docOutput(symbol: object, field: object = { doc: "The field." }, moduleDoc = {}) {
  const location = { filename: `${ROOT}src/a.ts`, line: 2 };
  const properties = [{ name: "b", jsDoc: field, location: { ...location, line: 4 } }];
  const declarations = [{ location, jsDoc: symbol, def: { properties } }];
  return {
    nodes: { [`${ROOT}mod.ts`]: { module_doc: moduleDoc, symbols: [{ name: "A", declarations }] } },
  };
}

function problems(...parts: Parameters<typeof docOutput>): string[] {
  return documentationProblems(docOutput(...parts), ROOT)
    .map(({ file, line, text }) => `${file}:${line}: ${text}`);
}

function example(line: string): object {
  return { doc: "A thing.", tags: [{ kind: "example", doc: `Title\n\`\`\`ts\n${line}\n\`\`\`` }] };
}

test("documentationProblems() finds forbidden beginnings of symbols and fields", () => {
  for (const beginning of ["What", "Those who", "The same", "As"]) {
    const text = `The doc comment begins with "${beginning}"`;
    assertEquals(problems({ doc: `${beginning} it is.` }), [`src/a.ts:3: ${text}`]);
    assertEquals(problems({ doc: "A thing." }, { doc: `${beginning} it is.` }), [
      `src/a.ts:5: ${text}`,
    ]);
  }
});

test("documentationProblems() accepts words that start with a forbidden word", () => {
  for (const doc of ["Whatever.", "Asks.", "Those.", "The sameness.", "Options for it.", ""]) {
    assertEquals(problems({ doc }), []);
  }
});

test("documentationProblems() finds lines of examples over 75 columns", () => {
  assertEquals(problems(example("x".repeat(75))), []);
  const expected = `A line of an example has 76 columns: ${"x".repeat(76)}`;
  assertEquals(problems(example("x".repeat(76))), [`src/a.ts:3: ${expected}`]);
  assertEquals(problems({ doc: "A thing." }, undefined, example("x".repeat(76))), [
    `module doc:1: ${expected}`,
  ]);
});

test("documentationProblems() returns the problem of a symbol in two entry points once", () => {
  const output = docOutput({ doc: "What it is." });
  const twice = { nodes: { ...output.nodes, other: Object.values(output.nodes)[0] } };
  assertEquals(documentationProblems(twice, ROOT).length, 1);
});

test("categoryProblems() finds symbols without a category, and ignores re-exports", () => {
  const location = { filename: `${ROOT}src/a.ts`, line: 2 };
  const named = (name: string, kind: string, tag: string) => ({
    name,
    declarations: [{ kind, location, jsDoc: { tags: [{ kind: tag }] } }],
  });
  const symbols = [
    named("A", "interface", "example"),
    named("B", "interface", "category"),
    named("C", "reference", "example"),
  ];
  assertEquals(categoryProblems({ nodes: { [`${ROOT}mod.ts`]: { symbols } } }, ROOT), [
    { file: "src/a.ts", line: 3, text: '"A" has no @category' },
  ]);
});

test("commentProblems() finds comments over 100 columns, and ignores code", () => {
  const prefixes = ["// ", "/** ", " * ", "  // "];
  for (const prefix of prefixes) {
    const [fits, long] = [100, 101].map((width) => prefix.padEnd(width, "x"));
    assertEquals(commentProblems(`${fits}\n`, "src/a.ts"), []);
    assertEquals(commentProblems(`\n${long}`, "src/a.ts"), [
      { file: "src/a.ts", line: 2, text: "The comment has 101 columns" },
    ]);
  }
  assertEquals(commentProblems(`const a = "${"x".repeat(100)}";`, "src/a.ts"), []);
});
