import type { Cell, Measured } from "./program.ts";

/** A row of the table. */
interface Row {
  readonly what: string;
  /** The ratio or value to reach. */
  readonly goal?: string;
  /** The ratio or value that is good enough for a first version. */
  readonly firstStop?: string;
}

/** The name of a row. */
export type RowName =
  | "single"
  | "parallel"
  | "singleToken"
  | "parallelToken"
  | "singleAxios"
  | "parallelAxios"
  | "floorAxios"
  | "parallelFloorAxios"
  | "singleKy"
  | "parallelKy"
  | "singleFloor"
  | "parallelFloor"
  | "floor"
  | "parallelFloorOverHand"
  | "chunked"
  | "notFound"
  | "signature"
  | "validation"
  | "session"
  | "sessions"
  | "callers"
  | "start"
  | "heap"
  | "heapSessions"
  | "heapIds";

/** The rows in their order. */
const ROWS: Readonly<Record<RowName, Row>> = {
  singleFloor: { what: "refresh, over ky alone", goal: "1.10", firstStop: "1.25" },
  parallelFloor: { what: "— 32 at a time", goal: "1.10", firstStop: "1.25" },
  singleKy: { what: "refresh, over plain ky", goal: "0.95", firstStop: "1.05" },
  parallelKy: { what: "— 32 at a time", goal: "0.95", firstStop: "1.05" },
  singleAxios: { what: "refresh, over axios + crypto-js", goal: "0.45", firstStop: "0.60" },
  parallelAxios: { what: "— 32 at a time", goal: "0.45", firstStop: "0.60" },
  floorAxios: { what: "ky alone, over axios + crypto-js" },
  parallelFloorAxios: { what: "— 32 at a time" },
  single: { what: "refresh, over hand-written `fetch`" },
  parallel: { what: "— 32 at a time" },
  singleToken: { what: "refresh with a bearer token, over hand-written `fetch`" },
  parallelToken: { what: "— 32 at a time" },
  floor: { what: "ky alone, over hand-written `fetch`" },
  parallelFloorOverHand: { what: "— 32 at a time" },
  chunked: { what: "refresh with a chunked response, over hand-written `fetch`" },
  notFound: { what: "refresh that fails with 404, over hand-written `fetch`" },
  signature: { what: "`signatureAuth`, over bare WebCrypto", goal: "1.15", firstStop: "1.30" },
  validation: { what: "validation of a response, over valibot alone" },
  session: {
    what: "`session.getIdToken()`, over an empty async function",
    goal: "200 ns",
    firstStop: "300 ns",
  },
  sessions: {
    what: "`sessions.get(id).getIdToken()`, over an empty async function",
    goal: "500 ns",
    firstStop: "1 µs",
  },
  callers: { what: "10,000 callers with one refresh, over 10,000 awaiting one promise" },
  start: { what: "start, over importing ky and valibot", goal: "1.40", firstStop: "1.55" },
  heap: { what: "heap after a million calls, over before", goal: "< 5 MB more" },
  heapSessions: { what: "heap with 5,000 sessions in memory, over without", goal: "< 50 MB more" },
  heapIds: {
    what: "heap after a million calls of 100,000 ids, over after 10,000 ids",
    goal: "< 5 MB more",
  },
};

/** A column of the table: the results of one runtime. */
export interface Column {
  /** The runtime and its version. */
  readonly runtime: string;
  /** The results. */
  readonly measured: Measured;
}

/** Returns the table in Markdown, without the rows that were not measured. */
export function markdownTable(columns: readonly Column[]): string {
  const rows = (Object.keys(ROWS) as RowName[])
    .filter((name) => columns.some(({ measured }) => measured[name] !== undefined))
    .map((name) => {
      const row = ROWS[name];
      const cells = columns.map(({ measured }) => describeCell(measured[name]));
      return [row.what, row.goal ?? "", row.firstStop ?? "", ...cells];
    });
  const head = ["what", "goal", "first stop", ...columns.map(({ runtime }) => runtime)];
  return aligned([head, head.map(() => ""), ...rows]);
}

function describeCell(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  const { ratio, low, high, absolute } = cell;
  const spread = low === high ? "" : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
  const number = absolute && `, ${Number(absolute.value.toPrecision(3))} ${absolute.unit}`;
  return `${ratio.toFixed(2)}${spread}${number ?? ""}`;
}

/** Aligns the columns. The second row becomes the rule below the head. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(3, ...rows.map((row) => row[at]?.length ?? 0))
  );
  return rows.map((row, line) =>
    "| " + row.map((cell, at) =>
      line === 1 ? "-".repeat(widths[at] ?? 3) : cell.padEnd(widths[at] ?? 3)
    ).join(" | ") + " |"
  ).join("\n");
}
