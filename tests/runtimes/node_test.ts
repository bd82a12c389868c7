import { assertMatch } from "@std/assert";
import { repositoryPath, run } from "./run.ts";
import { commandOf, testWith } from "./tools.ts";

// Node 22 has no `await using`, which the tests are written with: see npm_test.ts for what runs there.
testWith(["node-24"], "The tests of the package pass on node-24 too", async () => {
  const files = await Array.fromAsync(Deno.readDir(repositoryPath("tests")));
  const tests = files.map(({ name }) => `tests/${name}`).filter((name) =>
    name.endsWith("_test.ts")
  );
  const options = ["--test", "--test-reporter=tap", "--import=./tests/runtimes/node_hooks.js"];
  const report = await run([...commandOf("node-24"), ...options, ...tests]);
  assertMatch(report, /^# pass [1-9]/m);
});
