// Measures parts of a call separately with mitata, which can time nanoseconds. mitata's `run` times
// one function completely before the next, so this program alternates calls of its `measure`.
import { do_not_optimize, measure } from "mitata";
import * as v from "valibot";
import { CredentialClient, CredentialsSchema, signatureAuth } from "../mod.ts";
import { validate } from "../src/validation.ts";
import { CredentialSession } from "../src/session/session.ts";
import { KEYS, REFRESH_TOKEN } from "./keys.ts";
import { type Cell, programArguments, reportMeasured } from "./program.ts";
import { quantile, ratioOf } from "./ratio.ts";

const { quick } = programArguments();

/** Times two functions alternately. Returns the ratio, and the ns of the first function. */
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

async function session(): Promise<Cell> {
  const client = new CredentialClient({ auth: signatureAuth(KEYS) });
  const now = Math.floor(Date.now() / 1_000);
  const claims = btoa(JSON.stringify({ iat: now, exp: now + 3_600 })).replace(/=+$/, "");
  const credentials = { id_token: `e30.${claims}.e30`, access_token: "a".repeat(860) };
  const session = new CredentialSession({ client, credentials });
  await session.getIdToken();
  const { ns, ...ratio } = await compare(() => session.getIdToken(), async () => {}, 4_096);
  return { ...ratio, absolute: { value: ns, unit: "ns" } };
}

reportMeasured({
  signature: await signature(),
  validation: await validation(),
  session: await session(),
});
