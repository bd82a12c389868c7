/**
 * Checks the documentation of the source: the first words of doc comments, categories and line
 * lengths. Part of `deno task check`.
 */

/** A problem in the documentation, with its location. */
export interface Problem {
  /** The path from the root of the repository. */
  readonly file: string;
  /** The line, counted from 1. */
  readonly line: number;
  /** The description of the problem. */
  readonly text: string;
}

/** Maximum line length of comments. */
const COMMENT_WIDTH = 100;
/** Maximum line length of examples, because documentation sites cut off longer lines. */
const EXAMPLE_WIDTH = 75;
/** First words that do not name the symbol of a doc comment. */
const FORBIDDEN_BEGINNING = /^(?:What|Those who|The same|As)\b/;

/** A location in the output of `deno doc --json`. */
interface Location {
  readonly filename: string;
  readonly line: number;
}

/** A doc comment in the output of `deno doc --json`. */
interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
}

/** The part of the output of `deno doc --json` that lists the symbols. */
interface DocOutput {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly DocSymbol[] }>>;
}

/** A symbol with its declarations. */
interface DocSymbol {
  readonly name: string;
  readonly declarations: readonly {
    /** The kind of the declaration. A `reference` is documented elsewhere. */
    readonly kind: string;
    readonly location: Location;
    readonly jsDoc?: JsDoc;
  }[];
}

/** Returns the problems in the output of `deno doc --json`. */
export function documentationProblems(output: unknown, root: string): Problem[] {
  const problems = new Map<string, Problem>();
  visit(output, undefined, (jsDoc, location) => {
    const file = location?.filename.replace(root, "") ?? "module doc";
    const line = location === undefined ? 1 : lineOf(location);
    for (const text of problemsOf(jsDoc)) {
      problems.set(`${file}:${line} ${text}`, { file, line, text });
    }
  });
  return [...problems.values()];
}

/** Returns the problems of symbols without a category. */
export function categoryProblems(output: DocOutput, root: string): Problem[] {
  const declarations = Object.values(output.nodes).flatMap(({ symbols }) =>
    symbols.flatMap(({ name, declarations }) =>
      declarations.map((declaration) => ({ name, ...declaration }))
    )
  );
  return declarations.filter(({ kind, jsDoc }) =>
    kind !== "reference" && !jsDoc?.tags?.some((tag) => tag.kind === "category")
  ).map(({ name, location }) => ({
    file: location.filename.replace(root, ""),
    line: lineOf(location),
    text: `"${name}" has no @category`,
  }));
}

/** Returns the line, counted from 1: `deno doc --json` counts from 0. */
function lineOf(location: Location): number {
  return location.line + 1;
}

/** Calls back for each doc comment, with the location of its symbol. */
function visit(
  node: unknown,
  location: Location | undefined,
  found: (jsDoc: JsDoc, location: Location | undefined) => void,
): void {
  if (typeof node !== "object" || node === null) return;
  const { jsDoc, module_doc: moduleDoc, location: own = location } = node as {
    readonly jsDoc?: JsDoc;
    readonly module_doc?: JsDoc;
    readonly location?: Location;
  };
  for (const doc of [jsDoc, moduleDoc]) if (doc !== undefined) found(doc, own);
  for (const child of Object.values(node)) visit(child, own, found);
}

function problemsOf({ doc = "", tags = [] }: JsDoc): string[] {
  const beginning = FORBIDDEN_BEGINNING.exec(doc)?.[0];
  const texts = [doc, ...tags.map((tag) => tag.doc ?? "")];
  return [
    ...(beginning === undefined ? [] : [`The doc comment begins with "${beginning}"`]),
    ...texts.flatMap(exampleLines).filter((line) => line.length > EXAMPLE_WIDTH)
      .map((line) => `A line of an example has ${line.length} columns: ${line.trim()}`),
  ];
}

/** Returns the lines of the fenced blocks. */
function exampleLines(markdown: string): string[] {
  const blocks = markdown.matchAll(/^```.*\n([\s\S]*?)^```/gm);
  return [...blocks].flatMap(([, code = ""]) => code.split("\n"));
}

/** Returns the problems in the comments of a source file. */
export function commentProblems(source: string, file: string): Problem[] {
  return source.split("\n").flatMap((text, index) => {
    const isComment = /^\s*(?:\/\/|\/\*\*|\*)/.test(text);
    if (!isComment || text.length <= COMMENT_WIDTH) return [];
    return [{ file, line: index + 1, text: `The comment has ${text.length} columns` }];
  });
}

async function denoDoc(entries: readonly string[]): Promise<DocOutput> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...entries],
  }).output();
  const decoder = new TextDecoder();
  if (success) return JSON.parse(decoder.decode(stdout));
  throw new Error(`Cannot read the documentation: ${decoder.decode(stderr)}`);
}

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sourceFiles(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

async function main(): Promise<void> {
  const root = new URL("../..", import.meta.url);
  Deno.chdir(root);
  const { exports } = JSON.parse(await Deno.readTextFile("deno.json"));
  const output = await denoDoc(Object.values<string>(exports));
  const problems = [
    ...documentationProblems(output, root.href),
    ...categoryProblems(output, root.href),
  ];
  for await (const file of sourceFiles("src")) {
    problems.push(...commentProblems(await Deno.readTextFile(file), file));
  }
  problems.push(...commentProblems(await Deno.readTextFile("mod.ts"), "mod.ts"));
  for (const { file, line, text } of problems) console.error(`${file}:${line}: ${text}`);
  console.log(`The documentation has ${problems.length} problems`);
  if (problems.length > 0) Deno.exitCode = 1;
}

if (import.meta.main) await main();
