// An API client with ky, whose requests carry an ID token that is valid: session.fetch is its fetch.
//
//   deno run --allow-net --allow-env session_ky.ts CODE
//   bun session_ky.ts CODE
//
// Settings come from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY and SAASUS_SECRET_KEY, and API_URL, such as
// https://api.example.com/v1.

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
    // The token goes to the API alone, and not along if the API redirects to somewhere else.
    origins: [new URL(apiUrl).origin],
  });
  await session.signIn(code);

  const api = ky.create({ prefix: apiUrl, fetch: session.fetch });
  // If the API answers 401, there is one refresh and one more try, before ky learns of it.
  const { name } = await api.get("me").json<{ name: string }>();
  console.log(`Signed in as ${name}`);
  const { id } = await api.post("notes", { json: { text: "Hello" } }).json<{ id: string }>();
  console.log(`Wrote note ${id}`);
} catch (error) {
  if (!isCredentialError(error)) throw error;
  // Safe to print: no token, code or secret is ever in an error.
  console.error(error.message);
  process.exit(1);
}
