// Exchanges the temporary code of a login for its tokens, and refreshes them.
//
//   deno run --allow-net --allow-env exchange_deno.ts CODE
//
// Settings are read from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY and SAASUS_SECRET_KEY.
// --env-file=.env reads them from a file. A code expires after 10 seconds.

import { CredentialClient, isCredentialError } from "@saasus-sdk/credential";

const [code] = Deno.args;
if (code === undefined) {
  console.error("Usage: exchange_deno.ts CODE");
  Deno.exit(2);
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
  Deno.exit(1);
}
