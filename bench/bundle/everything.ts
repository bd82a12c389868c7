// All exports of the main entry point.
export * from "../../mod.ts";
