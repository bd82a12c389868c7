import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import { apiError, MINUTE, networkError } from "../support/session_scene.ts";
import { appScene, rejectingScene, text, until } from "../support/session_app_scene.ts";

const streamed = (): RequestInit =>
  ({ method: "POST", body: new Blob(["stream"]).stream(), duplex: "half" }) as RequestInit;

test("session.fetch() refreshes once and replays once on 401", async () => {
  await using stage = await rejectingScene();
  const { session, service, app, rejected } = stage;
  assertEquals(await text(session.fetch(`${app.origin}/a`)), [200, "a response"]);
  assertEquals(stage.tokens(), [rejected, await session.getIdToken()]);
  assertEquals(service.refreshes, 1);
});

test("session.fetch() refreshes once for many concurrent 401 responses", async () => {
  await using stage = await rejectingScene();
  const { session, service, app } = stage;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => text(session.fetch(app.origin))),
  );
  assertEquals(answers, Array(20).fill([200, "a response"]));
  assertEquals(service.refreshes, 1);
  assertEquals(app.requests.length, 40);
});

test("session.fetch() only replays if the rejected token has been refreshed meanwhile", async () => {
  const gate = Promise.withResolvers<void>();
  let rejected = "";
  await using stage = await appScene(async ({ headers }) => {
    if (headers.authorization !== `Bearer ${rejected}`) return { status: 200 };
    await gate.promise;
    return { status: 401 };
  });
  rejected = await stage.session.getIdToken();
  const slow = text(stage.session.fetch(stage.app.origin));
  while (stage.app.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await stage.session.refresh();
  gate.resolve();
  assertEquals((await slow)[0], 200);
  assertEquals(stage.service.refreshes, 1);
});

test("session.fetch() returns a 401 to the replay", async () => {
  await using stage = await appScene(() => ({ status: 401, body: "no" }));
  const { session, service, app } = stage;
  assertEquals(await text(session.fetch(app.origin)), [401, "no"]);
  assertEquals([app.requests.length, service.refreshes], [2, 1]);
});

test("session.fetch() does not refresh for each 401 if the server rejects new tokens too", async () => {
  let status = 401;
  await using stage = await appScene(() => ({ status }));
  const { session, service, clock, app } = stage;
  for (let call = 0; call < 20; call++) {
    assertEquals((await text(session.fetch(app.origin)))[0], 401);
    clock.advance(1_000);
  }
  assertEquals([app.requests.length, service.refreshes], [21, 1]);
  clock.advance(MINUTE);
  await text(session.fetch(app.origin));
  assertEquals(service.refreshes, 2);
  clock.advance(2 * MINUTE);
  const token = await session.getIdToken();
  status = 200;
  await text(session.fetch(app.origin));
  assertEquals(await session.getIdToken(), token);
});

test("session.fetch() does not refresh for each 401 of one path while others accept the new tokens", async () => {
  const accepted = new Set<string | undefined>();
  await using stage = await appScene(async ({ path, headers: { authorization } }) => {
    if (path === "/rejects") await until(() => accepted.has(authorization));
    else accepted.add(authorization);
    return { status: path === "/rejects" ? 401 : 200 };
  });
  const { session, service, clock, app } = stage;
  const waits: [number, number][] = [[0, 1], [29_000, 1], [2_000, 2], [59_000, 2], [2_000, 3]];
  for (const [wait, refreshes] of waits) {
    clock.advance(wait);
    let status: number | undefined;
    const asked = text(session.fetch(`${app.origin}/rejects`)).then(([answer]) => status = answer);
    while (status === undefined) await text(session.fetch(`${app.origin}/accepts`));
    assertEquals([await asked, service.refreshes], [401, refreshes]);
  }
});

test("session.fetch() pauses for 30 s after many concurrent 401 responses to a new token", async () => {
  await using stage = await appScene(() => ({ status: 401 }));
  const { session, service, clock, app } = stage;
  const askAll = () => Promise.all([1, 2, 3, 4, 5].map(() => text(session.fetch(app.origin))));
  await askAll();
  assertEquals(service.refreshes, 1);
  clock.advance(31_000);
  await askAll();
  assertEquals(service.refreshes, 2);
});

test("session.fetch() shortens its pause again once the server has accepted a new token", async () => {
  let rejected = true;
  await using stage = await appScene(({ headers }) => ({
    status: rejected || headers.authorization === `Bearer ${old}` ? 401 : 200,
  }));
  const { session, service, clock, app } = stage;
  let old = "";
  const ask = async () => (await text(session.fetch(app.origin)))[0];
  for (const wait of [0, 31_000]) {
    clock.advance(wait);
    assertEquals(await ask(), 401);
  }
  clock.advance(61_000);
  rejected = false;
  old = await session.getIdToken();
  assertEquals([await ask(), service.refreshes], [200, 3]);
  rejected = true;
  assertEquals([await ask(), service.refreshes], [401, 4]);
  clock.advance(31_000); // the first wait again, and not a third, longer one
  assertEquals([await ask(), service.refreshes], [401, 5]);
});

test("session.fetch() replays bodies that can be sent again", async () => {
  const form = new FormData();
  form.set("name", "value");
  const bytes = new TextEncoder().encode("bytes");
  const bodies: [string, BodyInit][] = [
    ["text", "text"],
    ["blob", new Blob(["blob"])],
    ["a=b", new URLSearchParams("a=b")],
    ["bytes", bytes],
    ["bytes", bytes.buffer],
    ["value", form],
  ];
  for (const [content, body] of bodies) {
    for (const asRequest of [false, true]) {
      await using stage = await rejectingScene();
      const { session, app, rejected } = stage;
      const init = { method: "POST", body };
      const response = asRequest
        ? session.fetch(new Request(app.origin, init))
        : session.fetch(app.origin, init);
      assertEquals((await text(response))[0], 200);
      assertEquals(stage.tokens(), [rejected, await session.getIdToken()]);
      assert(app.requests.every((request) => request.body.includes(content)));
      const [first, second] = app.requests.map(({ headers }) => [
        headers["content-type"]?.replace(/boundary=.*/, ""),
        headers["transfer-encoding"],
      ]);
      assertEquals(first, second);
    }
  }
});

test("session.fetch() sends a stream once, and refreshes for the next request", async () => {
  await using stage = await rejectingScene();
  const { session, app, service, rejected } = stage;
  assertEquals(await text(session.fetch(app.origin, streamed())), [401, "a response"]);
  assertEquals([stage.tokens(), service.refreshes], [[rejected], 1]);
  assertEquals(app.requests[0]?.body, "stream");
  assertEquals(await text(session.fetch(app.origin, streamed())), [200, "a response"]);
  assertEquals(stage.tokens(), [rejected, await session.getIdToken()]);
});

test("session.fetch() does not refresh for each 401 to a stream", async () => {
  let status = 401;
  await using stage = await appScene(() => ({ status }));
  const { session, service, clock, app } = stage;
  const post = async () => (await text(session.fetch(app.origin, streamed())))[0];
  for (let call = 0; call < 20; call++) {
    assertEquals(await post(), 401);
    clock.advance(1_000);
  }
  assertEquals([app.requests.length, service.refreshes], [20, 1]);
  status = 200;
  assertEquals(await post(), 200);
  clock.advance(MINUTE);
  // The token was accepted meanwhile, so that the 401 means that it has expired.
  status = 401;
  assertEquals(await post(), 401);
  assertEquals(service.refreshes, 2);
});

test("session.fetch() refreshes an accepted token that is rejected later, even after a late 401 to an older one", async () => {
  const rejected = new Set<string | undefined>();
  const late = Promise.withResolvers<void>();
  await using stage = await appScene(async ({ path, headers: { authorization } }) => {
    const status = rejected.has(authorization) ? 401 : 200;
    if (path === "/late") await late.promise;
    return { status };
  });
  const { session, service, app } = stage;
  rejected.add(`Bearer ${await session.getIdToken()}`);
  const slow = text(session.fetch(`${app.origin}/late`, streamed()));
  await until(() => app.requests.length === 1);
  assertEquals((await text(session.fetch(app.origin)))[0], 200);
  late.resolve();
  assertEquals((await slow)[0], 401);
  rejected.add(`Bearer ${await session.getIdToken()}`);
  assertEquals((await text(session.fetch(app.origin, streamed())))[0], 401);
  assertEquals((await text(session.fetch(app.origin)))[0], 200);
  assertEquals(service.refreshes, 2);
});

test("session.fetch() returns the 401 when the refresh fails", async () => {
  for (const failure of [networkError(), apiError(503), apiError(404)]) {
    await using stage = await appScene(() => ({ status: 401, body: "no" }));
    const { session, service, app } = stage;
    service.failure = failure;
    assertEquals(await text(session.fetch(app.origin)), [401, "no"]);
    assertEquals([app.requests.length, service.refreshes], [1, 1]);
  }
});
