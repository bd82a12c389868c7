import { assert, assertEquals, assertGreater } from "@std/assert";
import { test } from "node:test";
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { bearerAuth, CredentialClient } from "../../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_BEARER_TOKEN,
  serveEmulator,
} from "../../src/emulator/mod.ts";
import { CredentialSession } from "../../src/session/session.ts";
import type { SessionStore } from "../../src/session/options.ts";
import { runExample } from "../support/examples_process.ts";
import { startRedis } from "./redis_server.ts";

interface Scene extends AsyncDisposable {
  readonly emulator: CredentialEmulator;
  readonly client: CredentialClient;
  readonly store: SessionStore;
  /** The environment of a program that uses both servers. */
  readonly env: Record<string, string>;
}

async function scene(options: CredentialEmulatorOptions): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const emulator = new CredentialEmulator(options);
  const server = stack.use(await serveEmulator(emulator));
  const store = createStorage({ driver: redisDriver({ url: redis.url }) });
  stack.defer(() => store.dispose());
  await store.clear();
  return {
    emulator,
    client: new CredentialClient({ auth: bearerAuth(EMULATOR_BEARER_TOKEN), baseUrl: server.url }),
    store,
    env: {
      REDIS_URL: redis.url,
      SAASUS_API_URL_BASE: new URL(server.url).origin,
      BEARER_TOKEN: EMULATOR_BEARER_TOKEN,
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("CredentialSession is kept in Redis from one process to the next", async () => {
  await using stage = await scene({});
  const { client, store, emulator } = stage;
  const { id_token } = await new CredentialSession({ client, store }).signIn(emulator.issueCode());
  const restarted = new CredentialSession({ client, store });
  assertEquals(await restarted.getIdToken(), id_token);
  await restarted.signOut();
  assertEquals(await store.getItem("saasus-credentials"), null);
});

test("CredentialSession is lost by neither of two processes that share it in Redis, with rotation on", async () => {
  await using stage = await scene({ rotation: true });
  const { client, store, emulator, env } = stage;
  let requests = 0;
  emulator.faults = () => {
    requests++;
    return undefined;
  };
  const session = new CredentialSession({ client, store });
  await session.signIn(emulator.issueCode());
  const program = "tests/redis/session_worker.ts";
  const workers = [1, 2].map(() =>
    runExample(program, { args: ["200"], env, deno: ["run", "-A"] }).ended
  );
  for (const { exitCode, stdout, stderr } of await Promise.all(workers)) {
    assertEquals([exitCode, stderr], [0, ""]);
    const { tokens, events, failures } = JSON.parse(stdout);
    assertEquals(failures, []);
    assertEquals(events.filter((type: string) => type !== "refreshed"), []);
    assertGreater(tokens, 50);
  }
  assertGreater(requests, 100);
  // What they have left in Redis is the refresh token that the service takes now.
  await session.refresh();
  assert(session.signedIn);
});
