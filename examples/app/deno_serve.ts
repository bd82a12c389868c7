// The application with `Deno.serve` only.
//
//   deno run --allow-net --allow-env deno_serve.ts
//
// Settings are read from the environment, see hono.ts. PORT sets another port than 3000.

import { createHandler } from "./handlers.ts";
import { optionsFromEnv } from "./options.ts";

const port = Number(Deno.env.get("PORT") ?? 3000);
Deno.serve({ hostname: "127.0.0.1", port }, createHandler(optionsFromEnv()));
