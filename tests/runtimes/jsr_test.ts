import { assertEquals, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import denoJson from "../../deno.json" with { type: "json" };
import { CONSUMER_OUTPUT, makeConsumer } from "./consumer.ts";
import { serveJsrRegistry } from "./jsr_registry.ts";
import { runDeno } from "./run.ts";

const NAME = denoJson.name;

/** Options that are stricter than Deno's defaults. */
const COMPILER_OPTIONS = {
  exactOptionalPropertyTypes: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  verbatimModuleSyntax: true,
};

test("A Deno project adds the package from JSR, type-checks and runs against the emulator", async () => {
  await using registry = await serveJsrRegistry();
  await using consumer = await makeConsumer({ "deno.json": { compilerOptions: COMPILER_OPTIONS } });
  const { folder: cwd } = consumer;
  const options = { cwd, env: { JSR_URL: registry.url, DENO_DIR: `${cwd}/.deno` } };

  await runDeno(["add", `jsr:${NAME}`], options);
  const { imports } = JSON.parse(await Deno.readTextFile(`${cwd}/deno.json`));
  assertEquals(imports, { [NAME]: `jsr:${NAME}@^${denoJson.version}` });

  const check = ["check", "main.ts", "types.ts"];
  await runDeno(check, options);
  // Deno's types of Node modules do not compile with `exactOptionalPropertyTypes`.
  await Deno.writeTextFile(`${cwd}/plain.json`, JSON.stringify({ imports }));
  await runDeno([...check, "--all", "--config", "plain.json"], options);
  const permission = "--allow-net=127.0.0.1";
  assertEquals(await runDeno(["run", permission, "main.ts"], options), CONSUMER_OUTPUT);
  const help = await runDeno(["run", permission, `jsr:${NAME}/emulator`, "--help"], options);
  assertStringIncludes(help, "--rotation");
});
