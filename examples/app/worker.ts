// The application as a worker, for example on Cloudflare. The logins are in a KV namespace.
//
// Bindings: SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY, SAASUS_LOGIN_URL, APP_ORIGIN and
// LOGINS, a KV namespace. (KV is eventually consistent, so a sign-out may take effect only after a
// minute. A database such as D1 has no such delay.)

import { type SessionStore, signatureAuth } from "@saasus-sdk/credential";
import { CredentialLogin } from "@saasus-sdk/credential/login";
import { createHandler } from "./handlers.ts";
import { userInfoClient } from "./user_info.ts";

/** The methods of a KV namespace that the store uses. */
interface KvNamespace {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options?: { expirationTtl?: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

interface Environment {
  SAASUS_SAAS_ID: string;
  SAASUS_API_KEY: string;
  SAASUS_SECRET_KEY: string;
  SAASUS_LOGIN_URL: string;
  /** @default {"https://api.saasus.io"} */
  SAASUS_API_URL_BASE?: string;
  APP_ORIGIN: string;
  LOGINS?: KvNamespace;
}

function kvStore(namespace: KvNamespace): SessionStore {
  return {
    getItem: (key) => namespace.get(key),
    // The minimum TTL of KV is 60 s.
    setItem: (key: string, value: string, options?: { ttl?: number }) =>
      namespace.put(key, value, { expirationTtl: Math.max(options?.ttl ?? 60, 60) }),
    removeItem: (key) => namespace.delete(key),
  };
}

function createWorker(env: Environment): (request: Request) => Promise<Response> {
  const { SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY, SAASUS_LOGIN_URL, LOGINS } = env;
  const { SAASUS_API_URL_BASE = "https://api.saasus.io" } = env;
  const keys = { saasId: SAASUS_SAAS_ID, apiKey: SAASUS_API_KEY, secretKey: SAASUS_SECRET_KEY };
  return createHandler({
    login: CredentialLogin.fromEnv({
      env: {
        SAASUS_SAAS_ID,
        SAASUS_API_KEY,
        SAASUS_SECRET_KEY,
        SAASUS_LOGIN_URL,
        SAASUS_API_URL_BASE,
      },
      origin: env.APP_ORIGIN,
      store: LOGINS === undefined ? undefined : kvStore(LOGINS),
    }),
    userInfo: userInfoClient({
      auth: signatureAuth(keys),
      baseUrl: `${SAASUS_API_URL_BASE}/v1/auth`,
    }),
  });
}

/** Handler that the first request creates, because the bindings are an argument of `fetch`. */
let handler: ((request: Request) => Promise<Response>) | undefined;

const worker: { fetch(request: Request, env: Environment): Promise<Response> } = {
  fetch: (request, env) => (handler ??= createWorker(env))(request),
};

export default worker;
