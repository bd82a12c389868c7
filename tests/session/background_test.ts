import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { CredentialSessions } from "../../mod.ts";
import { runExample } from "../support/examples_process.ts";
import type { CredentialSessionOptions } from "../../src/session/options.ts";
import {
  apiError,
  AsyncStore,
  HOUR,
  jwt,
  MINUTE,
  networkError,
  rejection,
  type Scene,
  scene,
  settle,
  signedIn,
  WebStorage,
} from "../support/session_scene.ts";

interface Timer {
  readonly delay: number;
  readonly fire: () => void;
}

/** Fake timers that replace the real ones. */
class Timers implements Disposable {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  readonly running: Set<Timer> = new Set();
  readonly delays: number[] = [];
  unreffed = 0;

  constructor() {
    globalThis.setTimeout = ((fire: () => void, delay: number) => {
      const timer = { delay, fire, unref: () => void this.unreffed++ };
      this.delays.push(delay);
      this.running.add(timer);
      return timer;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((timer: Timer) => {
      this.running.delete(timer);
    }) as unknown as typeof clearTimeout;
  }

  /** Fires the running timer. */
  async fire({ clock }: Scene): Promise<void> {
    const [timer] = this.running;
    if (timer === undefined) throw new Error("No timer runs");
    this.running.delete(timer);
    clock.advance(timer.delay);
    timer.fire();
    await settle();
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}

async function backgroundScene(options: Partial<CredentialSessionOptions> = {}): Promise<Scene> {
  const stage = scene({ backgroundRefresh: true, ...options });
  await stage.session.signIn(crypto.randomUUID());
  return stage;
}

test("CredentialSession sets no timer by default", async () => {
  using timers = new Timers();
  const { session, service, clock } = await backgroundScene({ backgroundRefresh: false });
  clock.advance(HOUR);
  await session.getIdToken();
  service.failure = networkError();
  await rejection(session.refresh());
  await session.signOut();
  assertEquals(timers.delays, []);
});

test("CredentialSession refreshes in the background with one timer, which does not keep the process alive", async () => {
  using timers = new Timers();
  const stage = await backgroundScene();
  for (let round = 0; round < 5; round++) {
    assertEquals(timers.running.size, 1);
    await timers.fire(stage);
    assertEquals(stage.service.refreshes, round + 1);
  }
  assertEquals(timers.delays, Array(6).fill(55 * MINUTE));
  assertEquals(timers.unreffed, 6);
});

test("CredentialSession resets the background timer for each new token", async () => {
  using timers = new Timers();
  const stage = await backgroundScene();
  stage.clock.advance(30 * MINUTE);
  await stage.session.refresh();
  assertEquals([timers.running.size, timers.delays.at(-1)], [1, 55 * MINUTE]);
});

test("CredentialSession splits a background timer that exceeds the limit of timers", async () => {
  using timers = new Timers();
  const stage = scene({ backgroundRefresh: true });
  stage.service.claims = (iat) => ({ iat, exp: iat + 100 * 24 * 3600 });
  await stage.session.signIn(crypto.randomUUID());
  for (let days = 0; days < 4; days++) await timers.fire(stage);
  assertEquals(timers.delays.slice(0, 4), Array(4).fill(2 ** 31 - 1));
  assertEquals(stage.service.refreshes, 0);
  await timers.fire(stage);
  assertEquals(stage.service.refreshes, 1);
});

test("CredentialSession has no background timer after dispose, sign-out and end", async () => {
  using timers = new Timers();
  const disposed = await backgroundScene();
  disposed.session[Symbol.dispose]();
  assertEquals(timers.running.size, 0);
  await disposed.session.refresh();
  assertEquals(timers.running.size, 0);

  const signedOut = await backgroundScene();
  await signedOut.session.signOut();
  assertEquals(timers.running.size, 0);

  const ended = await backgroundScene();
  ended.service.failure = apiError(404);
  await timers.fire(ended);
  assertEquals(ended.events, ["signed_in", "ended"]);
  assertEquals(timers.running.size, 0);
});

test("CredentialSession sets no timer when it is disposed during a background refresh", async () => {
  using timers = new Timers();
  const stage = await backgroundScene();
  const gate = Promise.withResolvers<void>();
  stage.service.gate = gate.promise;
  await timers.fire(stage);
  stage.session[Symbol.dispose]();
  gate.resolve();
  await settle();
  assertEquals(timers.running.size, 0);
  assertEquals(stage.service.refreshes, 1);
});

test("CredentialSession retries in the background 30 s after a failure", async () => {
  using timers = new Timers();
  const stage = await backgroundScene();
  stage.service.failure = networkError();
  await timers.fire(stage);
  assertEquals([timers.running.size, timers.delays.at(-1)], [1, 30_000]);
  await timers.fire(stage);
  assertEquals(stage.service.refreshes, 2);
  stage.service.failure = undefined;
  await timers.fire(stage);
  await timers.fire(stage);
  assertEquals(stage.service.refreshes, 3);
  assertEquals(timers.delays.at(-1), 55 * MINUTE);
});

test("CredentialSession sets no background timer for a token of unknown expiry", async () => {
  using timers = new Timers();
  const stage = scene({ backgroundRefresh: true });
  stage.service.idToken = () => jwt({});
  await stage.session.signIn(crypto.randomUUID());
  assertEquals(timers.running.size, 0);
});

test("CredentialSession starts its background refresh at construction", async () => {
  using timers = new Timers();
  for (const store of [new AsyncStore(), new WebStorage()]) {
    const stage = await signedIn({ store });
    const options = { backgroundRefresh: true } as const;
    stage.another(options);
    await settle();
    assertEquals([stage.service.refreshes, timers.delays.at(-1)], [0, 55 * MINUTE]);
    stage.clock.advance(2 * HOUR);
    const session = stage.another(options);
    await settle();
    assertEquals([stage.service.refreshes, timers.delays.at(-1)], [1, 55 * MINUTE]);
    const credentials = await session.getCredentials();
    assertEquals(await stage.another().getCredentials(), credentials);
    assertEquals(stage.service.refreshes, 1);
  }
  const stage = scene();
  const credentials = stage.service.credentials();
  stage.clock.advance(2 * HOUR);
  stage.another({ backgroundRefresh: true, credentials });
  await settle();
  assertEquals([stage.service.refreshes, timers.delays.at(-1)], [1, 55 * MINUTE]);
});

test("CredentialSessions ends the background refresh of a session that it drops", async () => {
  using timers = new Timers();
  const { clock, service } = scene();
  const sessions = new CredentialSessions({
    client: service,
    store: new WebStorage(),
    now: clock.now,
    backgroundRefresh: true,
  });
  for (const id of ["idle", "used"]) await sessions.get(id).signIn(crypto.randomUUID());
  assertEquals(timers.running.size, 2);
  for (let number = 0; number < 4_999; number++) {
    sessions.get(`${number}`);
    if (number === 1_000) sessions.get("used");
  }
  await settle();
  assertEquals(timers.running.size, 1);
});

test("CredentialSession lets a process end while its background timer runs", async () => {
  const program = runExample("tests/support/session_background_program.ts", {
    deno: ["run", "-A"],
  });
  const { exitCode, stdout } = await program.ended;
  assertEquals([exitCode, stdout], [0, "signed in\n"]);
});
