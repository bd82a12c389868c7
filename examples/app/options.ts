// The options of the handlers, from the environment.

import process from "node:process";
import { signatureAuth } from "@saasus-sdk/credential";
import type { HandlerOptions } from "./handlers.ts";
import { createLogin, setting } from "./login.ts";
import { userInfoClient } from "./user_info.ts";

export function optionsFromEnv(): HandlerOptions {
  const auth = signatureAuth({
    saasId: setting("SAASUS_SAAS_ID"),
    apiKey: setting("SAASUS_API_KEY"),
    secretKey: setting("SAASUS_SECRET_KEY"),
  });
  const { SAASUS_API_URL_BASE = "https://api.saasus.io", TENANT_LOGIN_URLS = "{}" } = process.env;
  return {
    login: createLogin(),
    userInfo: userInfoClient({ auth, baseUrl: `${SAASUS_API_URL_BASE}/v1/auth` }),
    tenants: Object.keys(JSON.parse(TENANT_LOGIN_URLS)),
  };
}
