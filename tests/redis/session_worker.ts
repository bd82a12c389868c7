// One of the processes that share a session in Redis. It asks for tokens as fast as it can, and
// tells what came of it.
import process from "node:process";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { CredentialClient } from "../../mod.ts";
import { CredentialSession } from "../../src/session/session.ts";

const [rounds = "0"] = process.argv.slice(2);
const store = createStorage({ driver: redisDriver({ url: process.env["REDIS_URL"] ?? "" }) });
const client = CredentialClient.fromEnv();
let clock = Date.now();
const events: string[] = [];
const failures: string[] = [];
const session = new CredentialSession({
  client,
  store,
  now: () => clock,
  onChange: ({ type }) => events.push(type),
});
const tokens = new Set<string>();

for (let round = 0; round < Number(rounds); round++) {
  // Each process has a clock of its own, so that the two ask for refreshes at all distances from
  // each other.
  clock += Math.random() * 60 * 60_000;
  try {
    tokens.add(await session.getIdToken());
  } catch (error) {
    failures.push(String(error));
  }
}
console.log(JSON.stringify({ tokens: tokens.size, events, failures }));
await store.dispose();
