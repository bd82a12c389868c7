import { repositoryPath } from "./run.ts";

/** Project that uses the package, in a temporary folder. */
export interface Consumer {
  /** The folder. */
  readonly folder: string;
  /** Removes the folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The output of consumer/main.ts on every runtime. */
export const CONSUMER_OUTPUT: string = JSON.stringify({
  exchanged: true,
  refreshed: true,
  takenOver: true,
  signedIn: 200,
  failure: 404,
}) + "\n";

/** Creates a project with the programs of consumer/ and additional files. */
export async function makeConsumer(files: Record<string, unknown>): Promise<Consumer> {
  // On macOS, the temporary folder is a symbolic link.
  const folder = await Deno.realPath(await Deno.makeTempDir());
  for (const name of ["main.ts", "types.ts"]) {
    await Deno.copyFile(repositoryPath(`tests/runtimes/consumer/${name}`), `${folder}/${name}`);
  }
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(content, null, 2));
  }
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
