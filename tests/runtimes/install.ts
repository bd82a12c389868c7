/**
 * Installs the tools of the tests in this folder into node_modules/.cache, with fixed versions.
 * With `--apt`, it also installs Chromium if it is missing, which requires Debian or Ubuntu, and
 * root or sudo.
 */
import { run, runDeno } from "./run.ts";
import { CACHE, findCommand, npmPackages } from "./tools.ts";

async function installFromNpm(): Promise<void> {
  const packages = Object.entries(npmPackages()).map(([tool, name]) => [tool, `npm:${name}`]);
  await Deno.mkdir(CACHE, { recursive: true });
  const settings = { private: true, dependencies: Object.fromEntries(packages) };
  await Deno.writeTextFile(`${CACHE}/package.json`, JSON.stringify(settings, null, 2));
  await Deno.writeTextFile(`${CACHE}/deno.json`, JSON.stringify({ nodeModulesDir: "auto" }));
  // In node_modules, Deno uses only a configuration that is given explicitly.
  await runDeno(["install", "--quiet", "--config", "deno.json"], { cwd: CACHE });
}

async function installChromium(): Promise<void> {
  const sudo = Deno.uid() === 0 ? [] : ["sudo"];
  const aptGet = [...sudo, "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"];
  await run([...aptGet, "update"]);
  await run([...aptGet, "install", "-y", "--no-install-recommends", "chromium"], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

if (import.meta.main) {
  await installFromNpm();
  const isChromiumThere = findCommand("chromium") !== undefined;
  if (!isChromiumThere && Deno.args.includes("--apt")) await installChromium();
}
