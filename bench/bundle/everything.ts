// All that there is in the package, the emulator apart.
export * from "../../mod.ts";
