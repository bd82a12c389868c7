// What the measuring programs share: their arguments, and how they answer.
import process from "node:process";
import { parseArgs } from "node:util";
import type { Ratio } from "./ratio.ts";
import type { RowName } from "./table.ts";

/** What one program has measured: a line of the table for each name. */
export type Measured = { readonly [Name in RowName]?: Cell };

/** One place in the table. */
export interface Cell extends Ratio {
  /** The number behind the ratio, with its unit, where the goal is one. */
  readonly absolute?: { readonly value: number; readonly unit: string };
}

/** The arguments of a measuring program. */
export interface ProgramArguments {
  /** Where the loopback server is. */
  readonly origin: string;
  /** Whether a rough measurement is enough. */
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

/** Answers what was measured, and ends the program, whatever connections are open. */
export function answer(measured: Measured): void {
  process.stdout.write(JSON.stringify(measured) + "\n", () => process.exit());
}
