import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import ky from "ky";
import { test } from "node:test";
import { CredentialClient, CredentialInputError, CredentialSessionError } from "../../mod.ts";
import type { CredentialSession } from "../../src/session/session.ts";
import type { CredentialSessionOptions } from "../../src/session/options.ts";
import {
  type AppAnswer,
  type AppRequest,
  type AppServer,
  serveApp,
} from "../support/session_server.ts";
import {
  apiError,
  HOUR,
  MINUTE,
  networkError,
  rejection,
  type Scene,
  scene,
  settle,
  signedIn,
} from "../support/session_scene.ts";

/** A signed-in session and its application. */
interface AppScene extends Scene, AsyncDisposable {
  readonly app: AppServer;
  /** The tokens that the application has received, in order; `undefined` for none. */
  readonly tokens: () => (string | undefined)[];
}

async function appScene(
  respond?: (request: AppRequest) => AppAnswer | Promise<AppAnswer>,
  options: Partial<CredentialSessionOptions> = {},
): Promise<AppScene> {
  const app = await serveApp(respond);
  const stage = await signedIn({ origins: [app.origin], ...options });
  const tokens = () =>
    app.requests.map(({ headers }) => headers.authorization?.replace(/^Bearer /, ""));
  return { ...stage, app, tokens, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

/** Creates a session and an application that rejects its first token. */
async function rejectingScene(): Promise<AppScene & { readonly rejected: string }> {
  let rejected = "";
  const stage = await appScene(({ headers }) => ({
    status: headers.authorization === `Bearer ${rejected}` ? 401 : 200,
    body: "an answer",
  }));
  rejected = await stage.session.getIdToken();
  return { ...stage, rejected };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function text(response: Promise<Response>): Promise<[number, string]> {
  const { status } = await response;
  return [status, await (await response).text()];
}

test("session.fetch() adds the ID token, and changes nothing else", async () => {
  await using stage = await appScene();
  const { session, app } = stage;
  const { fetch } = session; // without its object, as another library calls it
  const token = await session.getIdToken();
  await text(fetch(`${app.origin}/a`));
  await text(fetch(new URL(`${app.origin}/b?c=d`)));
  await text(fetch(`${app.origin}/c`, {
    method: "PUT",
    headers: { "X-Test": "1" },
    body: "body",
  }));
  await text(fetch(
    new Request(`${app.origin}/d`, {
      method: "POST",
      headers: [["x-test", "2"]],
      body: new URLSearchParams({ e: "f" }),
    }),
  ));
  await text(fetch(new Request(`${app.origin}/g`, { headers: { "x-test": "3" } }), {
    method: "POST",
    headers: { "x-test": "4" },
    body: "h",
  }));
  assertEquals(stage.tokens(), Array(5).fill(token));
  assertEquals(
    app.requests.map(({ method, path, body, headers }) => [
      method,
      path,
      body,
      headers["x-test"],
    ]),
    [
      ["GET", "/a", "", undefined],
      ["GET", "/b?c=d", "", undefined],
      ["PUT", "/c", "body", "1"],
      ["POST", "/d", "e=f", "2"],
      ["POST", "/g", "h", "4"],
    ],
  );
  assertEquals(
    app.requests[3]?.headers["content-type"],
    "application/x-www-form-urlencoded;charset=UTF-8",
  );
  assertEquals(app.requests[2]?.headers["content-length"], "4");
});

test("session.fetch() does not change its arguments", async () => {
  await using stage = await appScene();
  const headers = { "x-test": "1" };
  const init = Object.freeze({ headers: Object.freeze(headers) });
  const request = new Request(stage.app.origin);
  await text(stage.session.fetch(stage.app.origin, init));
  await text(stage.session.fetch(request));
  assertEquals(headers, { "x-test": "1" });
  assertEquals(request.headers.has("authorization"), false);
});

test("session.fetch() does not replace the caller's Authorization, and returns a 401 to it", async () => {
  await using stage = await appScene(() => ({ status: 401 }));
  const { session, app, service } = stage;
  const own = { headers: { Authorization: "Basic abc" } };
  assertEquals((await text(session.fetch(app.origin, own)))[0], 401);
  assertEquals((await text(session.fetch(new Request(app.origin, own))))[0], 401);
  assertEquals(app.requests.map(({ headers }) => headers.authorization), [
    "Basic abc",
    "Basic abc",
  ]);
  assertEquals(service.refreshes, 0);
});

test("session.fetch() sends the token to its origins only", async () => {
  await using stage = await appScene();
  await using other = await serveApp(() => ({ status: 401 }));
  const { session, app, service } = stage;
  await text(session.fetch(app.origin));
  assertEquals((await text(session.fetch(other.origin)))[0], 401);
  await text(session.fetch(app.origin.replace("127.0.0.1", "localhost"))).catch(() => {});
  assertEquals(other.requests[0]?.headers.authorization, undefined);
  assertEquals(stage.tokens().slice(1).filter((token) => token !== undefined), []);
  assertEquals(service.refreshes, 0);
});

test("session.fetch() sends the token after a redirect within an origin, but not to another origin", async () => {
  await using other = await serveApp(() => ({ status: 401, body: "who are you?" }));
  await using stage = await appScene(({ path }) =>
    path === "/away"
      ? { status: 307, headers: { location: `${other.origin}/away` } }
      : path === "/here"
      ? { status: 302, headers: { location: "/there" } }
      : { status: 200 }
  );
  const { session, app, service } = stage;
  for (const method of ["GET", "POST"]) {
    const body = method === "POST" ? "body" : null;
    assertEquals((await text(session.fetch(`${app.origin}/away`, { method, body })))[0], 401);
    assertEquals(
      (await text(session.fetch(new Request(`${app.origin}/away`, { method, body }))))[0],
      401,
    );
  }
  assertEquals(other.requests.filter(({ headers }) => headers.authorization !== undefined), []);
  assertEquals(other.requests.map(({ body }) => body), ["", "", "body", "body"]);
  assertEquals(service.refreshes, 0, "a 401 from elsewhere is not about the token");
  const { length } = app.requests;
  assertEquals((await text(session.fetch(`${app.origin}/here`)))[0], 200);
  assert(stage.tokens().slice(length).every((token) => token !== undefined));
});

test("session.fetch() supports the redirect modes of fetch", async () => {
  await using stage = await appScene(() => ({ status: 302, headers: { location: "/there" } }));
  const { session, app } = stage;
  const response = await session.fetch(app.origin, { redirect: "manual" });
  await response.body?.cancel();
  assertEquals([response.status, response.headers.get("location")], [302, "/there"]);
  await assertRejects(() => session.fetch(app.origin, { redirect: "error" }), TypeError);
});

test("session.fetch() refreshes once and replays once on 401", async () => {
  await using stage = await rejectingScene();
  const { session, service, app, rejected } = stage;
  assertEquals(await text(session.fetch(`${app.origin}/a`)), [200, "an answer"]);
  assertEquals(stage.tokens(), [rejected, await session.getIdToken()]);
  assertEquals(service.refreshes, 1);
});

test("session.fetch() refreshes once for many concurrent 401 responses", async () => {
  await using stage = await rejectingScene();
  const { session, service, app } = stage;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => text(session.fetch(app.origin))),
  );
  assertEquals(answers, Array(20).fill([200, "an answer"]));
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

const streamed = (): RequestInit =>
  ({ method: "POST", body: new Blob(["stream"]).stream(), duplex: "half" }) as RequestInit;

test("session.fetch() sends a stream once, and refreshes for the next request", async () => {
  await using stage = await rejectingScene();
  const { session, app, service, rejected } = stage;
  assertEquals(await text(session.fetch(app.origin, streamed())), [401, "an answer"]);
  assertEquals([stage.tokens(), service.refreshes], [[rejected], 1]);
  assertEquals(app.requests[0]?.body, "stream");
  assertEquals(await text(session.fetch(app.origin, streamed())), [200, "an answer"]);
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

test("session.fetch() does not use the request if there is no token", async () => {
  const app = await serveApp();
  const { session } = scene({ origins: [app.origin] });
  const request = new Request(app.origin, { method: "POST", body: "kept" });
  await assertRejects(() => session.fetch(request), CredentialSessionError);
  await app[Symbol.asyncDispose]();
  assertEquals(await request.text(), "kept");
});

test("session.fetch() sends its arguments as they were when it was called", async () => {
  await using elsewhere = await serveApp();
  await using stage = await appScene();
  const { session, app } = stage;

  const url = new URL(`${app.origin}/pages`);
  const pages = [1, 2, 3].map((page) => {
    url.searchParams.set("page", `${page}`);
    return text(session.fetch(url));
  });
  url.port = new URL(elsewhere.origin).port;
  await Promise.all(pages);
  assertEquals(
    app.requests.map(({ path }) => path).sort(),
    [1, 2, 3].map((p) => `/pages?page=${p}`),
  );
  assertEquals(elsewhere.requests, []);

  const bytes = new TextEncoder().encode("before");
  const buffer = new TextEncoder().encode("before").buffer;
  const parameters = new URLSearchParams({ is: "before" });
  const form = new FormData();
  form.set("is", "before");
  const headers = new Headers({ "x-is": "before" });
  const init: RequestInit = { method: "POST", headers, body: "before" };
  const request = new Request(app.origin, { method: "POST", headers, body: "before" });
  const calls = [
    session.fetch(app.origin, { method: "POST", headers, body: bytes }),
    session.fetch(app.origin, { method: "POST", headers, body: bytes.subarray(1) }),
    session.fetch(app.origin, { method: "POST", headers, body: buffer }),
    session.fetch(app.origin, { method: "POST", headers, body: parameters }),
    session.fetch(app.origin, { method: "POST", headers, body: form }),
    session.fetch(app.origin, init),
    session.fetch(request),
    session.fetch(new Request(app.origin, { method: "POST" }), { body: bytes, headers }),
  ];
  const after = new TextEncoder().encode("after!");
  bytes.set(after);
  new Uint8Array(buffer).set(after);
  parameters.set("is", "after");
  form.set("is", "after");
  headers.set("x-is", "after");
  Object.assign(init, { method: "PUT", body: "after" });
  request.headers.set("x-is", "after");
  await Promise.all(calls.map(text));
  for (const { method, headers, body } of app.requests.slice(3)) {
    assertEquals([method, headers["x-is"]], ["POST", "before"]);
    assert(body.includes("efore") && !body.includes("after"), body);
  }
});

test("session.fetch() sends a used request with a new body, as fetch does", async () => {
  await using stage = await rejectingScene();
  const { session, app, rejected } = stage;
  const request = new Request(app.origin, {
    method: "POST",
    headers: { "x-a": "1" },
    body: "once",
  });
  await request.text();
  assertEquals((await text(session.fetch(request, { body: "new" })))[0], 200);
  assertEquals(stage.tokens(), [rejected, await session.getIdToken()]);
  for (const { method, headers, body } of app.requests) {
    assertEquals([method, headers["x-a"], body], ["POST", "1", "new"]);
  }
});

test("session.fetch() rejects a used request, as fetch does", async () => {
  await using stage = await appScene();
  const request = new Request(stage.app.origin, { method: "POST", body: "once" });
  await request.text();
  await assertRejects(() => stage.session.fetch(request), TypeError);
  assertEquals(stage.app.requests, []);
});

test("session.fetch() marks the request as used, as fetch does", async () => {
  await using stage = await appScene();
  const request = new Request(stage.app.origin, { method: "POST", body: "once" });
  await text(stage.session.fetch(request));
  assert(request.bodyUsed);
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

test("session.fetch() refreshes ahead of expiry, before it sends anything", async () => {
  await using stage = await appScene();
  const before = await stage.session.getIdToken();
  stage.clock.advance(HOUR);
  await text(stage.session.fetch(stage.app.origin));
  assertEquals(stage.tokens(), [await stage.session.getIdToken()]);
  assertNotEquals(stage.tokens()[0], before);
});

test("session.fetch() sends nothing when nobody is signed in", async () => {
  await using stage = await appScene();
  await stage.session.signOut();
  await assertRejects(() => stage.session.fetch(stage.app.origin), CredentialSessionError);
  assertEquals(stage.app.requests, []);
});

test("session.fetch() rejects without origins where there is no page", async () => {
  const { session } = await signedIn({});
  const error = await assertRejects(
    () => session.fetch("https://app.example.com/"),
    CredentialInputError,
    "Cannot fetch with the session's ID token",
  );
  assertEquals(error.issues.map(({ path }) => path), ["origins"]);
});

test("session.fetch() defaults to the origin of the page, and resolves URLs against the page", async () => {
  const sent: (string | null)[] = [];
  const fetch: typeof globalThis.fetch = (input, init) => {
    const { url, headers } = input instanceof Request ? input : new Request(input, init);
    sent.push(url, headers.get("authorization"));
    return Promise.resolve(new Response("ok"));
  };
  const { session } = await signedIn({ fetch });
  const token = await session.getIdToken();
  const location = Object.getOwnPropertyDescriptor(globalThis, "location");
  Object.defineProperty(globalThis, "location", {
    value: new URL("https://app.example.com/page/index.html"),
    configurable: true,
  });
  try {
    await session.fetch("/api/me");
    await session.fetch("https://app.example.com/");
    await session.fetch("https://other.example.com/");
    await session.fetch("blob:https://app.example.com/5");
  } finally {
    if (location === undefined) Reflect.deleteProperty(globalThis, "location");
    else Object.defineProperty(globalThis, "location", location);
  }
  assertEquals(sent, [
    "https://app.example.com/api/me",
    `Bearer ${token}`,
    "https://app.example.com/",
    `Bearer ${token}`,
    "https://other.example.com/",
    null,
    "blob:https://app.example.com/5",
    null,
  ]);
});

test("session.fetch() passes on the options that only the fetch of a runtime knows", async () => {
  const inits: unknown[] = [];
  const fetch = ((_: unknown, init: unknown) => {
    inits.push(init);
    return Promise.resolve(new Response("ok"));
  }) as typeof globalThis.fetch;
  const { session } = await signedIn({ fetch, origins: ["https://app.example.com"] });
  const special = { tls: {}, next: {} };
  await session.fetch("https://app.example.com/", special as RequestInit);
  await session.fetch(new Request("https://app.example.com/"), special as RequestInit);
  for (const init of inits) {
    for (const [name, value] of Object.entries(special)) {
      assertEquals((init as Record<string, unknown>)[name], value);
    }
  }
});

test("session.fetch() rejects with the reason of a signal, in the options or in the request", async () => {
  await using stage = await appScene();
  const { session, service, clock, app } = stage;
  clock.advance(HOUR);
  service.gate = new Promise(() => {});
  const reason = new Error("enough");
  const waits = [
    (signal: AbortSignal) => session.fetch(app.origin, { signal }),
    (signal: AbortSignal) => session.fetch(new Request(app.origin, { signal })),
  ];
  for (const begin of waits) {
    const controller = new AbortController();
    const call = rejection(begin(controller.signal));
    await settle();
    controller.abort(reason);
    assertEquals(await call, reason);
  }
  assertEquals(app.requests, []);
});

test("session.fetch() closes the source of a body whose caller gives up", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using stage = await appScene(() => new Promise(() => {}));
  const controller = new AbortController();
  const body = new ReadableStream({
    pull: () => new Promise<void>(() => {}),
    cancel: () => cancelled.resolve(),
  });
  const request = new Request(
    stage.app.origin,
    { method: "POST", body, duplex: "half" } as RequestInit,
  );
  const call = rejection(stage.session.fetch(request, { signal: controller.signal }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort();
  await call;
  await cancelled.promise;
});

test("session.fetch() works as the fetch of ky", async () => {
  await using stage = await rejectingScene();
  const { session, app } = stage;
  const api = ky.create({ baseUrl: app.origin, fetch: session.fetch, retry: 0 });
  assertEquals(await api.post("a", { json: { b: 1 } }).text(), "an answer");
  assertEquals(app.requests.map(({ body }) => body), ['{"b":1}', '{"b":1}']);
});

test("session.fetch() does not wait for itself when the client uses it", async () => {
  await using app = await serveApp(({ path }) =>
    path.startsWith("/v1")
      ? {
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ id_token: "a.b.c", access_token: "d", refresh_token: "e" }),
      }
      : { status: 200 }
  );
  let session: CredentialSession | undefined = undefined;
  const client = new CredentialClient({
    auth: () => "Bearer key",
    baseUrl: `${app.origin}/v1/auth`,
    fetch: (input, init) =>
      (session as CredentialSession | undefined)?.fetch(input, init) ?? fetch(input, init),
  });
  session = (await signedIn({ client, origins: [app.origin] })).session;
  await session.refresh();
  await text(session.fetch(app.origin));
  assertEquals(app.requests.map(({ headers }) => headers.authorization), [
    "Bearer key",
    "Bearer key",
    "Bearer a.b.c",
  ]);
});
