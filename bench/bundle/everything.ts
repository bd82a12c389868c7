// Everything in the main entry point of the package.
export * from "../../mod.ts";
