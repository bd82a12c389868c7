import { assertMatch } from "@std/assert";
import { pathToFileURL } from "node:url";
import { repositoryPath, run } from "./run.ts";
import { commandOf, testWith } from "./tools.ts";

// Node's fetch does not close the source of a body when the call is aborted (seen on 24.21).
const NOT_ON_NODE = "closes the source of a body whose caller gives up";

const OPTIONS = [
  "--test",
  "--test-reporter=dot",
  "--test-timeout=300000",
  `--test-skip-pattern=${NOT_ON_NODE}`,
];

// Node 22 has no `await using`, which the tests use. npm_test.ts tests the package there.
testWith(["node-24"], "The tests of the package pass on node-24", async () => {
  const folders = ["", "auth/", "client/", "emulator/", "login/", "session/"];
  const tests = (await Promise.all(folders.map(testsIn))).flat();
  // The environment also applies to programs that tests start.
  const hooks = pathToFileURL(repositoryPath("tests/runtimes/node_hooks.js"));
  const report = await run([...commandOf("node-24"), ...OPTIONS, ...tests], {
    env: { NODE_OPTIONS: `--import=${hooks}` },
  });
  assertMatch(report, /^\.{20}/m);
});

/** Returns the paths of the tests in a folder of `tests`. */
async function testsIn(folder: string): Promise<string[]> {
  const files = await Array.fromAsync(Deno.readDir(repositoryPath(`tests/${folder}`)));
  return files.map(({ name }) => `tests/${folder}${name}`)
    .filter((path) => path.endsWith("_test.ts"));
}
