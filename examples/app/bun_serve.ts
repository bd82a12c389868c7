/// <reference path="../bun.d.ts" />
// (The line above stands in for @types/bun in this repository: leave it out of your program.)
//
// The application with `Bun.serve` alone.
//
//   bun bun_serve.ts
//
// Settings come from the environment, see hono.ts. PORT may name another port than 3000.

import process from "node:process";
import { createHandler } from "./handlers.ts";
import { optionsFromEnv } from "./options.ts";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 3000),
  fetch: createHandler(optionsFromEnv()),
});
console.log(`Listening on ${server.url}`);
