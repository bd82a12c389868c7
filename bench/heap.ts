// Measures memory leaks: the heap after a million calls of a session and 20,000 calls of a client.
import process from "node:process";
import { CredentialClient, signatureAuth } from "../mod.ts";
import { CredentialSession } from "../src/session/session.ts";
import { KEYS, REFRESH_TOKEN } from "./keys.ts";
import { programArguments, reportMeasured } from "./program.ts";

interface Collectors {
  gc?: () => void;
  Bun?: { gc: (synchronously: boolean) => void };
}

const { gc, Bun }: Collectors = globalThis as object;

/** Returns the bytes in use after garbage collection. */
async function heapInUse(): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    if (Bun !== undefined) Bun.gc(true);
    else if (gc !== undefined) gc();
    else throw new Error("Cannot collect garbage: --expose-gc is missing");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

const { origin } = programArguments();
const client = new CredentialClient({ auth: signatureAuth(KEYS), baseUrl: `${origin}/v1/auth` });
const refreshed = { authFlow: "refreshTokenAuth", refreshToken: REFRESH_TOKEN } as const;
const credentials = await client.getAuthCredentials(refreshed);
const session = new CredentialSession({ client, credentials });

async function callSession(count: number): Promise<void> {
  for (let made = 0; made < count; made++) await session.getIdToken();
}

async function callClient(count: number): Promise<void> {
  let begun = 0;
  const lane = async () => {
    while (begun++ < count) await client.getAuthCredentials(refreshed);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

// The warm-up creates connections, caches and compiled code, which are not leaks.
await callSession(20_000);
await callClient(4_000);
const before = await heapInUse();
await callSession(1_000_000);
await callClient(20_000);
const after = await heapInUse();

const ratio = after / before;
const value = (after - before) / 1e6;
reportMeasured({ heap: { ratio, low: ratio, high: ratio, absolute: { value, unit: "MB more" } } });
