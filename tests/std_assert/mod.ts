// The npm build of @std/assert, standing in for the JSR package where jsr.io cannot be reached.
// Deleting "links" from deno.json goes back to the package itself.
// @ts-types="./mod.d.ts"
export * from "deno-std/assert/mod.js";
