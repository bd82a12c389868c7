import { fileURLToPath } from "node:url";

/** Options for {@linkcode run}. */
export interface RunOptions {
  /** @default The root of the repository. */
  cwd?: string;
  /** Additional environment variables. */
  env?: Record<string, string>;
}

/** Returns the absolute path of a file in this repository. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Runs a command and returns its output. Throws an error with all output if it fails. */
export async function run(
  command: readonly string[],
  { cwd = repositoryPath(""), env = {} }: RunOptions = {},
): Promise<string> {
  const [program = "", ...args] = command;
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const printed = decoder.decode(stdout);
  if (success) return printed;
  throw new Error(
    `${command.join(" ")}\nin ${cwd} ended with ${code}:\n${printed}${decoder.decode(stderr)}`,
  );
}

/** Runs Deno and returns its output. */
export async function runDeno(args: readonly string[], options?: RunOptions): Promise<string> {
  return await run([Deno.execPath(), ...args], options);
}
