// The arguments and the output of the measuring programs.
import process from "node:process";
import { parseArgs } from "node:util";
import type { Ratio } from "./ratio.ts";
import type { RowName } from "./table.ts";

/** The results of a program, by row of the table. */
export type Measured = { readonly [Name in RowName]?: Cell };

/** A cell of the table. */
export interface Cell extends Ratio {
  /** The absolute value, if the goal is one. */
  readonly absolute?: { readonly value: number; readonly unit: string };
}

/** The arguments of a measuring program. */
export interface ProgramArguments {
  /** The origin of the loopback server. */
  readonly origin: string;
  /** Whether to take a shorter, less exact measurement. */
  readonly quick: boolean;
}

/** Reads the arguments of a measuring program. */
export function programArguments(): ProgramArguments {
  const { values } = parseArgs({
    options: {
      origin: { type: "string", default: "http://127.0.0.1:9" },
      quick: { type: "boolean", default: false },
    },
  });
  return values;
}

/** Prints the results, and exits even if connections are open. */
export function reportMeasured(measured: Measured): void {
  process.stdout.write(JSON.stringify(measured) + "\n", () => process.exit());
}
