// Exchanges the temporary code of a login for its tokens, and refreshes them.
//
//   bun exchange_bun.ts CODE
//
// Settings are read from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY and SAASUS_SECRET_KEY. Bun
// reads a .env file automatically. A code expires after 10 seconds.

import process from "node:process";
import { CredentialClient, isCredentialError } from "@saasus-sdk/credential";

const [, , code] = process.argv;
if (code === undefined) {
  console.error("Usage: exchange_bun.ts CODE");
  process.exit(2);
}

try {
  const client = CredentialClient.fromEnv();

  let credentials = await client.getAuthCredentials({ code });
  console.log(`Exchanged the code for ${Object.keys(credentials).join(", ")}`);

  const refreshToken = credentials.refresh_token;
  if (refreshToken !== undefined) {
    const fresh = await client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken });
    console.log(`Refreshed ${Object.keys(fresh).join(", ")}`);
    // The response to a refresh usually contains no refresh token. Keep the old one in this case.
    credentials = { refresh_token: refreshToken, ...fresh };
  }

  const { id_token } = credentials;
  console.log(`Signed in, with an ID token of ${id_token.length} characters`);
} catch (error) {
  if (!isCredentialError(error)) throw error;
  // Safe to print, because errors contain no token, code or secret.
  console.error(error.message);
  process.exit(1);
}
