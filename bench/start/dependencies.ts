// The dependencies of this package alone.
export { default } from "ky";
export * from "valibot";
