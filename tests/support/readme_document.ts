/** A Markdown document, as far as the tests of the READMEs look at it. */
export interface ReadmeDocument {
  readonly headings: readonly Heading[];
  /** The fenced blocks, fences included. */
  readonly blocks: readonly string[];
  /** The targets of links. */
  readonly links: readonly string[];
  /** How many cells each row has, table after table. */
  readonly tableRows: readonly number[];
  /** How many list items there are. */
  readonly items: number;
  /** What stands in backticks outside of fenced blocks. */
  readonly code: ReadonlySet<string>;
}

/** A heading. */
export interface Heading {
  readonly level: number;
  readonly text: string;
  /** What a link to it says behind the `#`. */
  readonly anchor: string;
}

/** Reads a document. */
export function readmeDocument(markdown: string): ReadmeDocument {
  const prose = markdown.replace(/^```.*?^```$/gms, "");
  return {
    headings: [...prose.matchAll(/^(#+) (.*)$/gm)].map(([, marks = "", text = ""]) => ({
      level: marks.length,
      text,
      anchor: anchorOf(text),
    })),
    blocks: [...markdown.matchAll(/^```.*?^```$/gms)].map(([block]) => block),
    links: [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target),
    tableRows: [...prose.matchAll(/^\|.*\|$/gm)].map(([row]) => row.split(/(?<!\\)\|/).length - 2),
    items: [...prose.matchAll(/^- /gm)].length,
    code: new Set([...prose.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)),
  };
}

/** As GitHub makes it: lower case, hyphens for spaces, and no other signs. */
function anchorOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}
