// Measures parts of a call separately. mitata can time functions that take nanoseconds. Its `run`
// finishes one function before it begins with the next, so this program calls its `measure` in
// turns instead.
import { strictEqual } from "node:assert/strict";
import { do_not_optimize, measure } from "mitata";
import * as v from "valibot";
import {
  CredentialClient,
  type Credentials,
  CredentialSession,
  CredentialSessions,
  CredentialsSchema,
  signatureAuth,
} from "../mod.ts";
import { validate } from "../src/validation.ts";
import { alternate } from "./alternate.ts";
import { KEYS, REFRESH_TOKEN } from "./keys.ts";
import { answer, type Cell, programArguments } from "./program.ts";
import { quantile, ratioOf } from "./ratio.ts";

const { quick } = programArguments();

/** Times two functions in turns. Returns the ratio, and the time of the first in ns. */
async function compare(
  one: () => unknown,
  other: () => unknown,
  batch: number,
): Promise<Cell & { ns: number }> {
  const times: { one: number[]; other: number[] } = { one: [], other: [] };
  const options = { gc: false, batch_samples: batch, min_cpu_time: 4e6 } as const;
  const [warmUp, rounds] = quick ? [5, 30] : [10, 60];
  for (let round = -warmUp; round < rounds; round++) {
    const timed = { one: (await measure(one, options)).p25, other: NaN };
    timed.other = (await measure(other, options)).p25;
    if (round < 0) continue;
    times.one.push(timed.one);
    times.other.push(timed.other);
  }
  return { ...ratioOf(times.one, times.other), ns: quantile(times.one, 0.25) };
}

async function signature(): Promise<Cell> {
  const auth = signatureAuth(KEYS);
  const url = `https://api.saasus.io/v1/auth/credentials?refresh-token=${REFRESH_TOKEN}`;
  const encoder = new TextEncoder();
  const hash = { name: "HMAC", hash: "SHA-256" };
  const secret = encoder.encode(KEYS.secretKey);
  const key = await crypto.subtle.importKey("raw", secret, hash, false, ["sign"]);
  const text = "202601010000" + KEYS.apiKey + "GET" + url.slice("https://".length);
  return await compare(
    () => auth({ method: "GET", url, body: "", timestamp: Date.now(), rejected: false }),
    () => crypto.subtle.sign("HMAC", key, encoder.encode(text)),
    64,
  );
}

async function validation(): Promise<Cell> {
  const token = v.pipe(v.string(), v.nonEmpty());
  const plain = v.pipe(
    v.object({ id_token: token, access_token: token, refresh_token: v.nullish(token) }),
    v.transform(({ refresh_token, ...tokens }) =>
      refresh_token ? { ...tokens, refresh_token } : tokens
    ),
  );
  const credentials = { id_token: "i".repeat(900), access_token: "a".repeat(860) };
  return await compare(
    () => do_not_optimize(validate(CredentialsSchema, credentials)),
    () => do_not_optimize(v.safeParse(plain, credentials)),
    512,
  );
}

/** Credentials whose ID token is valid for an hour by a clock. */
function freshCredentials(ms: number): Credentials {
  const iat = Math.floor(ms / 1_000);
  const claims = btoa(JSON.stringify({ iat, exp: iat + 3_600 })).replace(/=+$/, "");
  return {
    id_token: `e30.${claims}.e30`,
    access_token: "a".repeat(860),
    refresh_token: REFRESH_TOKEN,
  };
}

async function session(): Promise<Cell> {
  const client = new CredentialClient({ auth: signatureAuth(KEYS) });
  const session = new CredentialSession({ client, credentials: freshCredentials(Date.now()) });
  await session.getIdToken();
  const { ns, ...ratio } = await compare(() => session.getIdToken(), async () => {}, 4_096);
  return { ...ratio, absolute: { value: ns, unit: "ns" } };
}

/** Measures a server with 1,000 users in turn, which reads each login again every 5 s. */
async function sessions(): Promise<Cell> {
  const client = { getAuthCredentials: () => Promise.resolve(freshCredentials(Date.now())) };
  const items = new Map<string, string>();
  const store = {
    getItem: (key: string) => Promise.resolve(items.get(key)),
    setItem: async (key: string, value: string) => void await items.set(key, value),
    removeItem: async (key: string) => void await items.delete(key),
  };
  const sessions = new CredentialSessions({ client, store });
  const ids = Array.from({ length: 1_000 }, () => crypto.randomUUID());
  for (const id of ids) await sessions.get(id).signIn({ code: id });
  let calls = 0;
  const call = () => sessions.get(ids[calls++ % ids.length] ?? "").getIdToken();
  const { ns, ...ratio } = await compare(call, async () => {}, 4_096);
  return { ...ratio, absolute: { value: ns, unit: "ns" } };
}

/**
 * Measures 10,000 concurrent callers at the expiry of a token, and checks that they make one
 * refresh.
 */
async function callers(): Promise<Cell> {
  const CALLERS = 10_000;
  let time = Date.now();
  let refreshes = 0;
  const refresh = () => {
    refreshes++;
    return Promise.resolve(freshCredentials(time));
  };
  const session = new CredentialSession({
    client: { getAuthCredentials: refresh },
    credentials: freshCredentials(time),
    now: () => time,
  });
  await session.getIdToken();
  const together = (call: () => Promise<unknown>) =>
    Promise.all(Array.from({ length: CALLERS }, call));
  const times = await alternate({
    session: async () => {
      time += 3_600_000;
      const before = refreshes;
      await together(() => session.getIdToken());
      strictEqual(refreshes - before, 1);
    },
    promise: async () => {
      const flight = refresh();
      await together(async () => (await flight).id_token);
    },
  }, { lanes: 1, batch: 1, rounds: quick ? 30 : 100, warmUp: 20 });
  const value = quantile(times.session, 0.25) / 1_000;
  return { ...ratioOf(times.session, times.promise), absolute: { value, unit: "ms" } };
}

answer({
  signature: await signature(),
  validation: await validation(),
  session: await session(),
  sessions: await sessions(),
  callers: await callers(),
});
