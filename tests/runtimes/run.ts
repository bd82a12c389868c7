import { fileURLToPath } from "node:url";

/** Where and how a command runs. */
export interface RunOptions {
  /** @default The root of the repository. */
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
}

/** The path of something in this repository. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Runs a command to its end and answers what it printed. A command that fails throws everything it printed. */
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

/** The same for Deno itself. */
export async function runDeno(args: readonly string[], options?: RunOptions): Promise<string> {
  return await run([Deno.execPath(), ...args], options);
}
