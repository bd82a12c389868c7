import { repositoryPath, runDeno } from "./run.ts";

/** Bundles a module with all it imports for browsers and workers, as one text. */
export async function bundle(path: string): Promise<string> {
  const options = ["--quiet", "--platform", "browser", "--minify"];
  return await runDeno(["bundle", ...options, repositoryPath(path)]);
}
