/** The parts of a Markdown document that the tests compare. */
export interface ReadmeDocument {
  readonly headings: readonly Heading[];
  /** The fenced blocks, including the fences. */
  readonly blocks: readonly string[];
  /** The targets of links. */
  readonly links: readonly string[];
  /** The number of cells of each row of all tables. */
  readonly tableRows: readonly number[];
  /** The number of list items. */
  readonly items: number;
  /** The code spans outside of fenced blocks. */
  readonly code: ReadonlySet<string>;
}

/** A heading. */
export interface Heading {
  readonly level: number;
  readonly text: string;
  /** The fragment of a link to the heading. */
  readonly anchor: string;
}

/** Parses a document. */
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

/** Returns the anchor that GitHub creates: lower case, with hyphens instead of spaces. */
function anchorOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}
