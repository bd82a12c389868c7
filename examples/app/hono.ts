// A complete web application on Hono: sign-in, a protected page, an API route, a refresh and a
// sign-out.
//
//   deno serve --host=127.0.0.1 --port=3000 --allow-net --allow-env hono.ts
//   bun hono.ts
//
// `deno task app` runs it against the emulator. Settings are read from the environment:
// SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY, SAASUS_LOGIN_URL (the hosted login page, which
// redirects to APP_ORIGIN/callback) and APP_ORIGIN (such as http://localhost:3000). Optional:
// REDIS_URL (such as redis://127.0.0.1:6379) to keep the logins in Redis, and TENANT_LOGIN_URLS for
// tenants with SAML. On Bun, PORT sets another port than 3000.

import process from "node:process";
import { type Context, Hono } from "hono";
import { createRoutes, type HandlerOptions } from "./handlers.ts";
import { optionsFromEnv } from "./options.ts";
import { messageView, page } from "./views.ts";

export function createApp(options: HandlerOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => await options.login.handle(context.req.raw) ?? await next());
  for (const [route, handler] of Object.entries(createRoutes(options))) {
    const [method = "", path = ""] = route.split(" ");
    app.on(method, path, (context: Context) => handler(context.req.raw));
  }
  app.notFound(() => page("Not found", messageView("There is no such page."), 404));
  app.onError((error) => {
    console.error(error.message);
    return page("Error", messageView("Something went wrong. Please try again."), 500);
  });
  return app;
}

const app: Hono | undefined = process.env["APP_ORIGIN"] ? createApp(optionsFromEnv()) : undefined;

const server: {
  hostname: string;
  port: number;
  fetch(request: Request): Response | Promise<Response>;
} = {
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"] ?? 3000),
  fetch: (request) => app?.fetch(request) ?? new Response("APP_ORIGIN is not set", { status: 500 }),
};

export default server;
