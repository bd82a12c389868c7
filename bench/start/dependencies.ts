// What this package is built on, by itself.
export { default } from "ky";
export * from "valibot";
