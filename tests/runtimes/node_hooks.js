// For `node --import`: puts the npm build of @std/assert in the place of the JSR package.
import { registerHooks } from "node:module";

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    nextResolve(specifier === "@std/assert" ? "deno-std/assert/mod.js" : specifier, context),
});
