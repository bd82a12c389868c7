// The dependencies of the package.
export { default } from "ky";
export * from "valibot";
