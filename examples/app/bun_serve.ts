/// <reference path="../bun.d.ts" />
// (The line above replaces @types/bun in this repository. Omit it in your program.)
//
// The application with `Bun.serve` only.
//
//   bun bun_serve.ts
//
// Settings are read from the environment, see hono.ts. PORT sets another port than 3000.

import process from "node:process";
import { createHandler } from "./handlers.ts";
import { optionsFromEnv } from "./options.ts";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 3000),
  fetch: createHandler(optionsFromEnv()),
});
console.log(`Listening on ${server.url}`);
