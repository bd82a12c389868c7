// An API client with ky, which sends a valid ID token because `session.fetch` is its `fetch`.
//
//   deno run --allow-net --allow-env session_ky.ts CODE
//   bun session_ky.ts CODE
//
// Settings are read from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY and
// API_URL, such as https://api.example.com/v1.

import process from "node:process";
import ky from "ky";
import { CredentialClient, CredentialSession, isCredentialError } from "@saasus-sdk/credential";

const [, , code] = process.argv;
const apiUrl = process.env["API_URL"];
if (code === undefined || !apiUrl) {
  console.error("Usage: API_URL=https://… session_ky.ts CODE");
  process.exit(2);
}

try {
  const session = new CredentialSession({
    client: CredentialClient.fromEnv(),
    // The token is sent only to the API, also if the API redirects to another origin.
    origins: [new URL(apiUrl).origin],
  });
  await session.signIn(code);

  const api = ky.create({ prefix: apiUrl, fetch: session.fetch });
  // On 401 from the API, the session refreshes and retries once before ky gets the response.
  const { name } = await api.get("me").json<{ name: string }>();
  console.log(`Signed in as ${name}`);
  const { id } = await api.post("notes", { json: { text: "Hello" } }).json<{ id: string }>();
  console.log(`Wrote note ${id}`);
} catch (error) {
  if (!isCredentialError(error)) throw error;
  // Safe to print, because errors contain no token, code or secret.
  console.error(error.message);
  process.exit(1);
}
