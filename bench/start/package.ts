// The main entry point of the package.
export * from "../../mod.ts";
