import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import config from "../deno.json" with { type: "json" };
import { readmeDocument } from "./support/readme_document.ts";

const ROOT = new URL("..", import.meta.url);
const FILES = ["README.md", "README.ja.md"] as const;
const [english, japanese] = FILES.map((file) => readmeDocument(text(file))) as [
  ReturnType<typeof readmeDocument>,
  ReturnType<typeof readmeDocument>,
];

function text(file: string): string {
  return readFileSync(new URL(file, ROOT), "utf8");
}

test("README.ja.md has the headings of README.md, level by level", () => {
  const levels = ({ headings }: typeof english) => headings.map(({ level }) => level);
  assertEquals(levels(japanese), levels(english));
  assertEquals(levels(english).filter((level) => level === 1).length, 1);
});

test("README.ja.md has the code blocks of README.md, byte for byte", () => {
  assertEquals(japanese.blocks, english.blocks);
  assert(english.blocks.length > 10);
});

test("README.ja.md has the tables, lists and links of README.md", () => {
  assertEquals(japanese.tableRows, english.tableRows);
  assertEquals(japanese.items, english.items);
  const files = ({ links }: typeof english) =>
    links.filter((link) => !link.startsWith("#") && !link.includes("README"));
  assertEquals(files(japanese), files(english));
});

test("README.ja.md names in code what README.md names", () => {
  const missing = [...english.code].filter((code) => !japanese.code.has(code));
  const added = [...japanese.code].filter((code) => !english.code.has(code));
  assertEquals({ missing, added }, { missing: [], added: [] });
});

for (const file of FILES) {
  test(`${file} has both commands of a newcomer, and tasks that exist`, () => {
    const markdown = text(file);
    assertStringIncludes(markdown, "\nnpx -y deno@2.9.6 task demo\n");
    assertStringIncludes(markdown, "\nnpx -y deno@2.9.6 task test\n");
    for (const [, task = ""] of markdown.matchAll(/ task ([\w:]+)/g)) {
      assert(task in config.tasks, `There is no task "${task}"`);
    }
  });

  test(`${file} links to files and headings that exist`, () => {
    const { links, headings } = readmeDocument(text(file));
    const anchors = headings.map(({ anchor }) => anchor);
    for (const link of links) {
      if (/^https:/.test(link)) continue;
      if (link.startsWith("#")) assert(anchors.includes(decodeURI(link.slice(1))), link);
      else assert(existsSync(new URL(link, ROOT)), link);
    }
  });

  test(`${file} has only blocks that are run, and commands`, () => {
    const { blocks } = readmeDocument(text(file));
    const languages = new Set(blocks.map((block) => block.split("\n", 1)[0]));
    assertEquals(languages, new Set(["```sh", "```ts"]));
  });

  test(`${file} names every example`, () => {
    const { links } = readmeDocument(text(file));
    const programs = readdirSync(new URL("examples", ROOT)).filter((name) =>
      name.endsWith(".ts") && !name.endsWith(".d.ts") && name !== "demo.ts"
    );
    for (const name of programs) assert(links.includes(`./examples/${name}`), name);
  });
}

test("CHANGELOG.md begins with the version that deno.json names", () => {
  const [, version] = /^## \[(.*?)\]/m.exec(text("CHANGELOG.md")) ?? [];
  assertEquals(version, config.version);
});
