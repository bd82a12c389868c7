/**
 * Compares the coverage of the source files with thresholds, and prints uncovered lines and
 * branches. The argument is the output folder of `deno test --coverage`.
 */

/** Minimum coverage of all source files together, in percent. */
const THRESHOLDS = { lines: 98, functions: 98, branches: 96 };

type Measure = keyof typeof THRESHOLDS;

/** The total number of lines, functions or branches, and the number that was covered. */
interface Count {
  readonly found: number;
  readonly hit: number;
}

/** The fields of the LCOV format that hold the counts of a file. */
const FIELDS: Record<Measure, readonly [found: string, hit: string]> = {
  lines: ["LF", "LH"],
  functions: ["FNF", "FNH"],
  branches: ["BRF", "BRH"],
};

async function lcovReport(folder: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--quiet", "--lcov", "--include=/(src/.*|mod)\\.ts$", folder],
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`Cannot read the coverage in "${folder}": ${decoder.decode(stderr)}`);
}

function total(report: string, measure: Measure): Count {
  const [found, hit] = FIELDS[measure].map((field) => {
    const values = report.matchAll(new RegExp(`^${field}:(\\d+)$`, "gm"));
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
  });
  return { found: found ?? 0, hit: hit ?? 0 };
}

/** Returns the uncovered lines and branches of each file as a text. */
function gaps(report: string): string[] {
  return report.split("end_of_record\n").flatMap((record) => {
    const file = /^SF:(.*)$/m.exec(record)?.[1]?.replace(`${Deno.cwd()}/`, "");
    const lines = [...record.matchAll(/^DA:(\d+),0$/gm)].map(([, line]) => `line ${line}`);
    const branches = [...record.matchAll(/^BRDA:(\d+),\d+,\d+,(?:0|-)$/gm)]
      .map(([, line]) => `a branch of line ${line}`);
    const missing = [...lines, ...branches];
    return missing.length === 0 ? [] : [`${file}: ${missing.join(", ")}`];
  });
}

if (import.meta.main) {
  const report = await lcovReport(Deno.args[0] ?? "coverage");
  for (const gap of gaps(report)) console.log(gap);
  for (const measure of Object.keys(THRESHOLDS) as Measure[]) {
    const { found, hit } = total(report, measure);
    const percent = found === 0 ? 0 : 100 * hit / found;
    const reached = `${percent.toFixed(2)} % of ${found} ${measure} are covered`;
    if (percent >= THRESHOLDS[measure]) {
      console.log(`${reached}, at least ${THRESHOLDS[measure]} % are required`);
    } else {
      console.error(`${reached}, but ${THRESHOLDS[measure]} % are required`);
      Deno.exitCode = 1;
    }
  }
}
