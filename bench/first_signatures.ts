import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cell } from "./program.ts";
import { ratioOf } from "./ratio.ts";

const PROGRAM = fileURLToPath(new URL("./first_signatures/program.ts", import.meta.url));

/**
 * Measures what the first signatures of a process take, with all that has to be loaded for them, over WebCrypto. Processes
 * are started in turns, and tell what they have measured.
 *
 * @param command How the runtime is told to run a file.
 * @param rounds How often each program is started.
 * @param count How many signatures are made.
 */
export function measureFirstSignatures(
  command: readonly string[],
  rounds: number,
  count: number,
): Cell {
  const times: { ours: number[]; webCrypto: number[] } = { ours: [], webCrypto: [] };
  for (let round = -2; round < rounds; round++) {
    for (const name of ["ours", "webCrypto"] as const) {
      const time = measure(command, name, count);
      if (round >= 0) times[name].push(time);
    }
  }
  return ratioOf(times.ours, times.webCrypto);
}

function measure([runtime = "", ...options]: readonly string[], name: string, count: number) {
  const { status, stdout, stderr } = spawnSync(
    runtime,
    [...options, PROGRAM, name, String(count)],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`The first signatures failed: ${stderr}`);
  return Number(stdout);
}
