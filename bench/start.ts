import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cell } from "./program.ts";
import { ratioOf } from "./ratio.ts";

const PROGRAMS = ["bare", "dependencies", "package"] as const;

/**
 * Measures the time that the package adds to the start of a process, over the time that ky and
 * valibot alone add. The processes are started in turns, and timed from outside until they end.
 *
 * @param command The command with which the runtime runs a file.
 * @param rounds The number of starts of each program.
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
