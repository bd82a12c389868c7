// A script that runs for days on one login: every ten minutes it asks an API of yours, each time with an ID token that is
// valid. It goes on through outages, and ends when somebody has to sign in again.
//
//   deno run --allow-net --allow-env session_script.ts CODE
//   bun session_script.ts CODE
//
// Settings come from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY and SAASUS_SECRET_KEY, and API_URL, what to ask.

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CredentialClient,
  CredentialSession,
  type CredentialSessionOptions,
  isCredentialError,
} from "@saasus-sdk/credential";

const INTERVAL = 10 * 60_000;

/** What the script works with; other things in a test. */
export interface Surroundings extends Pick<CredentialSessionOptions, "client" | "now"> {
  readonly apiUrl: string;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly log: (line: string) => void;
}

/** Signs in, and works until the session has ended. */
export async function run(code: string, surroundings: Surroundings): Promise<void> {
  const { client, now, apiUrl, sleep, log } = surroundings;
  const session = new CredentialSession({ client, now, origins: [new URL(apiUrl).origin] });
  session.onChange(({ type }) => log(`Session: ${type}`));
  await session.signIn(code);
  // No timer and no "refresh before it is too late" here: the session sees to that at each request.
  while (session.signedIn) {
    log(await ask(session, apiUrl));
    await sleep(INTERVAL);
  }
}

async function ask(session: CredentialSession, apiUrl: string): Promise<string> {
  try {
    const response = await session.fetch(apiUrl);
    await response.body?.cancel();
    return `The API answered ${response.status}`;
  } catch (error) {
    // The API, or the service that refreshes, could not be reached: it may be there the next time.
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
