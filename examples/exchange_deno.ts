// Exchanges the temporary code of a login for its tokens, and refreshes them.
//
//   deno run --allow-net --allow-env exchange_deno.ts CODE
//
// Settings come from the environment (--env-file=.env reads them from a file): SAASUS_SAAS_ID, SAASUS_API_KEY and
// SAASUS_SECRET_KEY. A code lives for 10 seconds, so be quick.

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
    // A refresh usually answers without a refresh token. The old one then stays in use: do not lose it.
    credentials = { refresh_token: refreshToken, ...fresh };
  }

  const { id_token } = credentials;
  console.log(`Signed in, with an ID token of ${id_token.length} characters`);
} catch (error) {
  if (!isCredentialError(error)) throw error;
  // Safe to print: no token, code or secret is ever in an error.
  console.error(error.message);
  Deno.exit(1);
}
