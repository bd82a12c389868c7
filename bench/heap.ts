// Measures the memory in use after many calls: a million of a session and 20,000 of a client, and a
// million of sessions with 100,000 ids.
import process from "node:process";
import { CredentialClient, CredentialSession, CredentialSessions, signatureAuth } from "../mod.ts";
import { KEYS, REFRESH_TOKEN } from "./keys.ts";
import { answer, type Cell, programArguments } from "./program.ts";

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
    else throw new Error("There is no garbage collector to call: --expose-gc is missing");
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

// Connections, caches and compiled code exist before the first measurement. They are no leak.
await callSession(20_000);
await callClient(4_000);
const before = await heapInUse();
await callSession(1_000_000);
await callClient(20_000);
const after = await heapInUse();

/** A store outside of the heap, which has a login for each id. */
const record = JSON.stringify({
  v: 1,
  credentials: { ...credentials, refresh_token: REFRESH_TOKEN },
  receivedAt: Date.now(),
  expiresAt: Date.now() + 3_600_000,
});
const store = {
  // A copy, because a database client creates a new text for each response.
  getItem: () => Promise.resolve(`${record} `.slice(0, -1)),
  setItem: () => Promise.resolve(),
  removeItem: () => Promise.resolve(),
};
const sessions = new CredentialSessions({ client, store });

/** Makes ten calls for each id of a range. */
async function callIds(from: number, to: number): Promise<void> {
  for (let id = from; id < to; id++) {
    for (let made = 0; made < 10; made++) await sessions.get(`id-${id}`).getIdToken();
  }
}

await callIds(0, 1);
const empty = await heapInUse();
await callIds(0, 10_000);
const full = await heapInUse();
await callIds(10_000, 110_000);
const many = await heapInUse();
// Not collected before.
await sessions.get("id-0").getIdToken();

function growth(before: number, after: number): Cell {
  const ratio = after / before;
  const value = (after - before) / 1e6;
  return { ratio, low: ratio, high: ratio, absolute: { value, unit: "MB more" } };
}

answer({
  heap: growth(before, after),
  heapSessions: growth(empty, full),
  heapIds: growth(full, many),
});
