import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cell } from "./program.ts";
import { ratioOf } from "./ratio.ts";

const PROGRAMS = ["bare", "dependencies", "package"] as const;

/**
 * Measures the additional start time of a process that imports the package, relative to one that
 * imports only ky and valibot. The processes run alternately, and are timed from outside.
 *
 * @param command The command of the runtime that runs a file.
 * @param rounds The number of times that each program runs.
 */
export function measureStart(command: readonly string[], rounds: number): Cell {
  const times: Record<(typeof PROGRAMS)[number], number[]> = {
    bare: [],
    dependencies: [],
    package: [],
  };
  for (let round = -3; round < rounds; round++) {
    for (const name of PROGRAMS) {
      const time = timeProcess(command, name);
      if (round >= 0) times[name].push(time);
    }
  }
  return ratioOf(times.package, times.dependencies, times.bare);
}

function timeProcess([program = "", ...args]: readonly string[], name: string): number {
  const file = fileURLToPath(new URL(`./start/${name}.ts`, import.meta.url));
  const started = performance.now();
  const { status, stderr } = spawnSync(program, [...args, file]);
  if (status !== 0) throw new Error(`${name}.ts did not start: ${stderr}`);
  return performance.now() - started;
}
