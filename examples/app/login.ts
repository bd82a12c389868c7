// The login of the application: its options from the environment, and its store.

import process from "node:process";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import type { SessionStore } from "@saasus-sdk/credential";
import { CredentialLogin } from "@saasus-sdk/credential/login";

/** Creates the login from the environment variables that `hono.ts` documents. */
export function createLogin(): CredentialLogin {
  const loginUrl = setting("SAASUS_LOGIN_URL");
  // The SAML login page of each tenant, such as
  // {"acme":"https://auth.example.com/sign-in/saml/1234"}.
  const tenants = new Map<string, string>(
    Object.entries(JSON.parse(process.env["TENANT_LOGIN_URLS"] ?? "{}")),
  );
  return CredentialLogin.fromEnv({
    origin: setting("APP_ORIGIN"),
    store: redisStore(process.env["REDIS_URL"]),
    // A link to /auth/login?tenant=acme leads to the page of that tenant.
    loginUrl: (request) => {
      const tenant = new URL(request.url).searchParams.get("tenant") ?? "";
      return tenants.get(tenant) ?? loginUrl;
    },
    onEvent: ({ type, reason = "" }) => console.log(`Login: ${type} ${reason}`.trimEnd()),
  });
}

/**
 * Returns a store in Redis, so that every process can serve every user, and users stay signed in
 * after a restart. Without a URL, the logins are in the memory of this process. Other drivers of
 * unstorage use Deno KV, Cloudflare KV or a database.
 */
function redisStore(url: string | undefined): SessionStore | undefined {
  return url === undefined ? undefined : createStorage({ driver: redisDriver({ url }) });
}

export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`The environment variable ${name} is not set`);
  return value;
}
