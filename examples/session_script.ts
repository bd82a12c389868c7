// A script that runs for days with one login. Every ten minutes it calls an API of yours with a
// valid ID token. It continues after outages, and exits when a new sign-in is required.
//
//   deno run --allow-net --allow-env session_script.ts CODE
//   bun session_script.ts CODE
//
// Settings are read from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY and
// API_URL, the URL to call.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CredentialClient,
  CredentialSession,
  type CredentialSessionOptions,
  isCredentialError,
} from "@saasus-sdk/credential";

const INTERVAL = 10 * 60_000;

/** Options for {@linkcode run}, which tests replace. */
export interface ScriptOptions extends Pick<CredentialSessionOptions, "client" | "now"> {
  readonly apiUrl: string;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly log: (line: string) => void;
}

/** Signs in, and calls the API until the session has ended. */
export async function run(code: string, options: ScriptOptions): Promise<void> {
  const { client, now, apiUrl, sleep, log } = options;
  const session = new CredentialSession({ client, now, origins: [new URL(apiUrl).origin] });
  session.onChange(({ type }) => log(`Session: ${type}`));
  await session.signIn(code);
  // The session refreshes the token before a request if necessary, so no timer is required.
  while (session.signedIn) {
    log(await callApi(session, apiUrl));
    await sleep(INTERVAL);
  }
}

async function callApi(session: CredentialSession, apiUrl: string): Promise<string> {
  try {
    const response = await session.fetch(apiUrl);
    await response.body?.cancel();
    return `The API answered ${response.status}`;
  } catch (error) {
    // The API or the service is unavailable. The next call may succeed.
    return isCredentialError(error) ? error.message : "The API could not be reached";
  }
}

if (import.meta.main) {
  const [, , code] = process.argv;
  const apiUrl = process.env["API_URL"];
  if (code === undefined || !apiUrl) {
    console.error("Usage: API_URL=https://… session_script.ts CODE");
    process.exit(2);
  }
  try {
    const client = CredentialClient.fromEnv();
    await run(code, { client, apiUrl, now: Date.now, sleep, log: console.log });
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    console.error(error.message);
  }
  process.exit(1);
}
