import { assertEquals } from "@std/assert";
import { after, before } from "node:test";
import denoJson from "../../deno.json" with { type: "json" };
import { type Consumer, CONSUMER_OUTPUT, makeConsumer } from "./consumer.ts";
import { run, runDeno } from "./run.ts";
import { CACHE, commandOf, findCommand, testWith } from "./tools.ts";

const NAME = denoJson.name;

/** One project for all tests: to be set up it needs Bun. */
let consumer: Consumer | undefined;

before(async () => {
  if (findCommand("bun") === undefined) return;
  const settings = { name: "consumer", private: true, type: "module" };
  consumer = await makeConsumer({ "package.json": settings });
  const { folder: cwd } = consumer;
  await runDeno(["pack", "--allow-dirty", "--output", `${cwd}/package.tgz`]);
  const env = { BUN_INSTALL_CACHE_DIR: `${CACHE}/bun-packages` };
  await run([...commandOf("bun"), "add", "./package.tgz"], { cwd, env });
});

after(async () => await consumer?.[Symbol.asyncDispose]());

function folder(): string {
  if (consumer !== undefined) return consumer.folder;
  throw new Error("There is no project");
}

testWith(["bun"], "The npm package brings ky and valibot with it, and nothing else", async () => {
  const modules = await Array.fromAsync(Deno.readDir(`${folder()}/node_modules`));
  const packages = modules.map(({ name }) => name).filter((name) => !name.startsWith("."));
  assertEquals(packages.sort(), [NAME.split("/")[0], "ky", "valibot"]);
  const installed = `${folder()}/node_modules/${NAME}/package.json`;
  const { version, dependencies } = JSON.parse(await Deno.readTextFile(installed));
  const { ky, valibot } = denoJson.imports;
  assertEquals(version, denoJson.version);
  assertEquals(dependencies, {
    ky: ky.replace("npm:ky@", ""),
    valibot: valibot.replace("npm:valibot@", ""),
  });
});

testWith(["bun"], "A Bun project runs with the npm package", async () => {
  assertEquals(await run([...commandOf("bun"), "main.ts"], { cwd: folder() }), CONSUMER_OUTPUT);
});

for (const node of ["node-22", "node-24"] as const) {
  testWith([node, "bun"], `A project on ${node} runs with the npm package`, async () => {
    assertEquals(await run([...commandOf(node), "main.ts"], { cwd: folder() }), CONSUMER_OUTPUT);
  });
}

for (const tsc of ["typescript-5", "typescript-7"] as const) {
  for (const moduleResolution of ["bundler", "nodenext"]) {
    testWith(
      [tsc, "node-24", "bun"],
      `The declarations of the npm package are right for ${tsc} with ${moduleResolution}`,
      async () => {
        const compilerOptions = {
          exactOptionalPropertyTypes: true,
          lib: ["esnext", "dom", "dom.iterable"],
          module: moduleResolution === "bundler" ? "esnext" : "nodenext",
          moduleResolution,
          noEmit: true,
          noUncheckedIndexedAccess: true,
          skipLibCheck: false,
          strict: true,
          target: "esnext",
          types: [],
          verbatimModuleSyntax: true,
        };
        const project = `${tsc}-${moduleResolution}.json`;
        await Deno.writeTextFile(
          `${folder()}/${project}`,
          JSON.stringify({ compilerOptions, files: ["main.ts", "types.ts"] }),
        );
        await run([...commandOf(tsc), "--project", project], { cwd: folder() });
      },
    );
  }
}
