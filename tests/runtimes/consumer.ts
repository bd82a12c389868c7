import { repositoryPath } from "./run.ts";

/** A project of somebody who uses the package, in a temporary folder. */
export interface Consumer {
  /** The folder. */
  readonly folder: string;
  /** Removes it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What consumer/main.ts prints in every runtime. */
export const CONSUMER_OUTPUT: string = JSON.stringify({
  exchanged: true,
  refreshed: true,
  takenOver: true,
  signedIn: 200,
  failure: 404,
}) + "\n";

/** Makes a project with the programs of consumer/ and further files. */
export async function makeConsumer(files: Record<string, unknown>): Promise<Consumer> {
  // On macOS the temporary folder is a symbolic link.
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
