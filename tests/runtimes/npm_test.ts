import { assertEquals } from "@std/assert";
import { after, before } from "node:test";
import denoJson from "../../deno.json" with { type: "json" };
import { type Consumer, CONSUMER_OUTPUT, makeConsumer } from "./consumer.ts";
import { run, runDeno } from "./run.ts";
import { CACHE, commandOf, findCommand, testWith } from "./tools.ts";

const NAME = denoJson.name;

/** The folders of {@linkcode TYPE_PACKAGES}. */
const TYPE_FOLDERS = ["@types", "bun-types", "undici-types"];

const TYPE_PACKAGES = ["@types/node@24.19.2", "@types/bun@1.4.5"];

/** The project of all tests. Its setup requires Bun. */
let consumer: Consumer | undefined;

before(async () => {
  if (findCommand("bun") === undefined) return;
  const settings = { name: "consumer", private: true, type: "module" };
  consumer = await makeConsumer({ "package.json": settings });
  const { folder: cwd } = consumer;
  await runDeno(["pack", "--allow-dirty", "--output", `${cwd}/package.tgz`]);
  const env = { BUN_INSTALL_CACHE_DIR: `${CACHE}/bun-packages` };
  await run([...commandOf("bun"), "add", "./package.tgz"], { cwd, env });
  await run([...commandOf("bun"), "add", "--dev", ...TYPE_PACKAGES], { cwd, env });
});

after(async () => await consumer?.[Symbol.asyncDispose]());

function folder(): string {
  if (consumer !== undefined) return consumer.folder;
  throw new Error("The project was not created");
}

testWith(
  ["bun"],
  "The npm package installs ky, valibot and cookie only",
  async () => {
    const modules = await Array.fromAsync(Deno.readDir(`${folder()}/node_modules`));
    const isTypes = (name: string) => TYPE_FOLDERS.includes(name);
    const packages = modules.map(({ name }) => name)
      .filter((name) => !name.startsWith(".") && !isTypes(name));
    assertEquals(packages.sort(), [NAME.split("/")[0], "cookie", "ky", "valibot"]);
    const installed = `${folder()}/node_modules/${NAME}/package.json`;
    const { version, dependencies } = JSON.parse(await Deno.readTextFile(installed));
    const { cookie, ky, valibot } = denoJson.imports;
    assertEquals(version, denoJson.version);
    assertEquals(dependencies, {
      cookie: cookie.replace("npm:cookie@", ""),
      ky: ky.replace("npm:ky@", ""),
      valibot: valibot.replace("npm:valibot@", ""),
    });
  },
);

testWith(["bun"], "A Bun project runs with the npm package", async () => {
  assertEquals(await run([...commandOf("bun"), "main.ts"], { cwd: folder() }), CONSUMER_OUTPUT);
});

for (const node of ["node-22", "node-24"] as const) {
  testWith([node, "bun"], `A project on ${node} runs with the npm package`, async () => {
    assertEquals(await run([...commandOf(node), "main.ts"], { cwd: folder() }), CONSUMER_OUTPUT);
  });
}

/** The global types of consumers: those of the DOM library, Node or Bun. */
const GLOBALS = {
  "the DOM library": { lib: ["esnext", "dom", "dom.iterable"], types: [] },
  "the types of Node": { lib: ["esnext"], types: ["node"] },
  "the types of Bun": { lib: ["esnext"], types: ["bun"] },
};

const TYPESCRIPTS = ["typescript-5", "typescript-6", "typescript-7"] as const;

for (const tsc of TYPESCRIPTS) {
  for (const [globals, { lib, types }] of Object.entries(GLOBALS)) {
    testWith(
      [tsc, "node-24", "bun"],
      `The declarations compile with ${tsc} and ${globals}`,
      async () => {
        for (const moduleResolution of ["bundler", "nodenext"]) {
          for (const exactOptionalPropertyTypes of [true, false]) {
            await compile(tsc, { lib, types, moduleResolution, exactOptionalPropertyTypes });
          }
        }
      },
    );
  }
}

/** Compiles the programs of the consumer, including the declarations of all packages. */
async function compile(
  tsc: typeof TYPESCRIPTS[number],
  options: Record<string, unknown>,
): Promise<void> {
  const compilerOptions = {
    module: options["moduleResolution"] === "bundler" ? "esnext" : "nodenext",
    noEmit: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    strict: true,
    target: "esnext",
    verbatimModuleSyntax: true,
    ...options,
  };
  const project = { compilerOptions, files: ["main.ts", "types.ts"] };
  const file = `${crypto.randomUUID()}.json`;
  await Deno.writeTextFile(`${folder()}/${file}`, JSON.stringify(project));
  const report = await run([...commandOf(tsc), "--project", file], { cwd: folder() })
    .catch((error: Error) => error.message);
  const isOurs = (line: string) => /^(?:main|types)\.ts\(|@saasus-sdk/.test(line);
  // The types of Bun and Node may conflict with each other.
  const errors = report.split("\n").filter((line) => line.includes("error TS") && isOurs(line));
  assertEquals(errors, [], report);
  assertEquals(/error TS(?:5|6|18)\d{3}:/.test(report), false, report);
}
