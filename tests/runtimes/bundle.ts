import { repositoryPath, runDeno } from "./run.ts";

/** Bundles a module and its imports for browsers and workers. */
export async function bundle(path: string): Promise<string> {
  const options = ["--quiet", "--platform", "browser", "--minify"];
  return await runDeno(["bundle", ...options, repositoryPath(path)]);
}
