// A process of a server whose logins are in Redis. It carries out commands, sent as JSON to its
// URL, for the login "id".
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { text } from "node:stream/consumers";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { CredentialClient, CredentialSessions } from "../../mod.ts";

/** A command for the process, carried out from the first field to the last. */
export interface WorkerCommand {
  /** The time by which the clock of the process is moved, in ms. */
  readonly advance?: number;
  /** The code to sign in with. */
  readonly signIn?: string;
  /** The number of concurrent calls of `getIdToken()`. */
  readonly calls?: number;
  /** Whether to sign out. */
  readonly signOut?: boolean;
}

/** The result of a command. */
export interface WorkerResult {
  /** The different ID tokens that the calls returned. */
  readonly tokens: string[];
  /** The different errors of the calls. */
  readonly failures: string[];
  /** The number of requests to the service. */
  readonly requests: number;
}

const store = createStorage({ driver: redisDriver({ url: process.env["REDIS_URL"] ?? "" }) });
let clock = Date.now();
let requests = 0;
const sessions = new CredentialSessions({
  client: CredentialClient.fromEnv({
    retry: false,
    onResponse: () => {
      requests++;
    },
  }),
  store,
  recheck: Number(process.env["RECHECK"]),
  now: () => clock,
});

async function run(command: WorkerCommand): Promise<WorkerResult> {
  const { advance = 0, signIn, calls = 0, signOut = false } = command;
  clock += advance;
  requests = 0;
  if (signIn !== undefined) await sessions.get("id").signIn(signIn);
  const results = await Promise.allSettled(
    Array.from({ length: calls }, () => sessions.get("id").getIdToken()),
  );
  if (signOut) await sessions.get("id").signOut();
  const tokens = results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [String(result.reason)] : []
  );
  return { tokens: [...new Set(tokens)], failures: [...new Set(failures)], requests };
}

const server = createServer(async (request, response) => {
  response.end(JSON.stringify(await run(JSON.parse(await text(request)))));
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`http://127.0.0.1:${port}`);
});
