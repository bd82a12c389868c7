import { assert, assertEquals, assertGreater } from "@std/assert";
import { test } from "node:test";
import { CredentialSession } from "../../mod.ts";
import { runExample } from "../support/examples_process.ts";
import { redisScene } from "./redis_scene.ts";

test("CredentialSession is kept in Redis from one process to the next", async () => {
  await using stage = await redisScene({});
  const { client, store, emulator } = stage;
  const { id_token } = await new CredentialSession({ client, store }).signIn(emulator.issueCode());
  const restarted = new CredentialSession({ client, store });
  assertEquals(await restarted.getIdToken(), id_token);
  await restarted.signOut();
  assertEquals(await store.getItem("saasus-credentials"), null);
});

test("CredentialSession is lost by neither of two processes that share it in Redis, with rotation on", async () => {
  await using stage = await redisScene({ rotation: true });
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
