import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import config from "../deno.json" with { type: "json" };
import { readmeDocument } from "./support/readme_document.ts";

const ROOT = new URL("..", import.meta.url);
const GUIDES = namesIn("docs").filter((name) => name.endsWith(".md"));
/** The English documents, each with its translation. */
const PAIRS = [
  ["README.md", "README.ja.md"],
  ...GUIDES.map((name) => [`docs/${name}`, `docs/ja/${name}`] as const),
] as const;
const TRANSLATED = PAIRS.flat();
const ENGLISH_ONLY = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"];
/** The longest README. */
const README_LINES = 250;

function namesIn(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT)).sort();
}

function text(file: string): string {
  return readFileSync(new URL(file, ROOT), "utf8");
}

/** Returns the target of a link as a path from the root, without the language. */
function target(link: string, file: string): string {
  const { pathname } = new URL(link, new URL(file, ROOT));
  return pathname.replace(ROOT.pathname, "").replace("docs/ja/", "docs/").replace(".ja.md", ".md");
}

test("Each guide has a translation", () => {
  assertEquals(namesIn("docs/ja").filter((name) => name.endsWith(".md")), GUIDES);
});

for (const [file, translation] of PAIRS) {
  const [english, japanese] = [file, translation].map((path) => readmeDocument(text(path))) as [
    ReturnType<typeof readmeDocument>,
    ReturnType<typeof readmeDocument>,
  ];

  test(`${translation} has the headings of ${file}, level by level`, () => {
    const levels = ({ headings }: typeof english) => headings.map(({ level }) => level);
    assertEquals(levels(japanese), levels(english));
    assertEquals(levels(english).filter((level) => level === 1).length, 1);
  });

  test(`${translation} has the code blocks of ${file}, byte for byte`, () => {
    assertEquals(japanese.blocks, english.blocks);
  });

  test(`${translation} has the tables, lists and links of ${file}`, () => {
    assertEquals(japanese.tableRows, english.tableRows);
    assertEquals(japanese.items, english.items);
    const targets = ({ links }: typeof english, path: string) =>
      links.map((link) => target(link, path));
    assertEquals(targets(japanese, translation), targets(english, file));
  });

  test(`${translation} has the code spans of ${file}`, () => {
    const missing = [...english.code].filter((code) => !japanese.code.has(code));
    const added = [...japanese.code].filter((code) => !english.code.has(code));
    assertEquals({ missing, added }, { missing: [], added: [] });
  });
}

for (const file of [...TRANSLATED, ...ENGLISH_ONLY]) {
  test(`${file} links to files and headings that exist`, () => {
    const { links } = readmeDocument(text(file));
    for (const link of links) {
      if (/^https:/.test(link)) continue;
      const url = new URL(link, new URL(file, ROOT));
      const anchor = decodeURI(url.hash.slice(1));
      url.hash = "";
      assert(existsSync(url), link);
      if (anchor === "") continue;
      const { headings } = readmeDocument(readFileSync(url, "utf8"));
      assert(headings.some((heading) => heading.anchor === anchor), link);
    }
  });

  test(`${file} names tasks that exist`, () => {
    for (const [, task = ""] of text(file).matchAll(/ task ([\w:]+)/g)) {
      assert(task in config.tasks, `There is no task "${task}"`);
    }
  });
}

for (const file of TRANSLATED) {
  test(`${file} has code blocks in supported languages only`, () => {
    const languages = readmeDocument(text(file)).blocks.map((block) => block.split("\n", 1)[0]);
    const known = ["```sh", "```ts", "```html", "```python", "```js ignore"];
    assertEquals(languages.filter((language) => !known.includes(language ?? "")), []);
  });
}

for (const file of PAIRS[0]) {
  test(`${file} contains the first commands, and is short`, () => {
    const markdown = text(file);
    assertStringIncludes(markdown, "\nnpx -y deno@2.9.6 task app\n");
    assertStringIncludes(markdown, "\nnpx -y deno@2.9.6 task test\n");
    assert(markdown.split("\n").length <= README_LINES);
  });

  test(`${file} links to every guide`, () => {
    const { links } = readmeDocument(text(file));
    const guides = new Set(links.map((link) => target(link, file)));
    assertEquals(GUIDES.filter((name) => !guides.has(`docs/${name}`)), []);
  });
}

test("examples/README.md names every example", () => {
  const { links } = readmeDocument(text("examples/README.md"));
  const programs = namesIn("examples").filter((name) =>
    !name.endsWith(".d.ts") && name !== "README.md"
  );
  const named = links.map((link) => link.split("/")[1]);
  assertEquals(programs.filter((name) => !named.includes(name)), []);
});

test("CHANGELOG.md begins with the version that deno.json names", () => {
  const [, version] = /^## \[(.*?)\]/m.exec(text("CHANGELOG.md")) ?? [];
  assertEquals(version, config.version);
});
