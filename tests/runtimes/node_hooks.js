// For `node --import`: resolves the name of the package, and @std/assert to its npm build.
import { registerHooks } from "node:module";

const root = new URL("../../", import.meta.url);
const modules = {
  "@std/assert": "deno-std/assert/mod.js",
  "@saasus-sdk/credential": new URL("mod.ts", root).href,
  "@saasus-sdk/credential/emulator": new URL("src/emulator/mod.ts", root).href,
  "@saasus-sdk/credential/login": new URL("src/login/mod.ts", root).href,
};

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    nextResolve(Object.hasOwn(modules, specifier) ? modules[specifier] : specifier, context),
});
