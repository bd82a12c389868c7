// The whole package.
export * from "../../mod.ts";
