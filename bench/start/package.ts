// All that an application imports.
export * from "../../mod.ts";
