// Starts the emulator and the application, and prints one address to open: `deno task app`.
//
//   deno run --allow-net=127.0.0.1 --allow-env main.ts
//
// PORT sets another port than 3000, and REDIS_URL the Redis server of the logins, which requires
// --allow-net.

import process from "node:process";
import {
  CredentialEmulator,
  EMULATOR_SIGNATURE,
  serveEmulator,
} from "@saasus-sdk/credential/emulator";

const port = Number(process.env["PORT"] ?? 3000);
const origin = `http://localhost:${port}`;

const emulator = new CredentialEmulator({ callbackUrl: `${origin}/callback`, rotation: true });
const service = await serveEmulator(emulator);

Object.assign(process.env, {
  APP_ORIGIN: origin,
  SAASUS_API_URL_BASE: new URL(service.url).origin,
  SAASUS_LOGIN_URL: service.loginUrl,
  SAASUS_SAAS_ID: EMULATOR_SIGNATURE.saasId,
  SAASUS_API_KEY: EMULATOR_SIGNATURE.apiKey,
  SAASUS_SECRET_KEY: EMULATOR_SIGNATURE.secretKey,
  TENANT_LOGIN_URLS: JSON.stringify({
    "Example Inc.": new URL("/sign-in/saml/example", service.loginUrl),
  }),
});

const { default: app } = await import("./hono.ts");
const onListen = () => console.log(`Open ${origin}/`);
try {
  Deno.serve({ hostname: "127.0.0.1", port, onListen }, app.fetch);
} catch (error) {
  if (!(error instanceof Deno.errors.AddrInUse)) throw error;
  console.error(`Port ${port} is in use: set the variable PORT to another port`);
  Deno.exit(1);
}
