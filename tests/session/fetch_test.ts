import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import ky from "ky";
import { test } from "node:test";
import { CredentialClient, CredentialInputError, CredentialSessionError } from "../../mod.ts";
import type { CredentialSession } from "../../src/session/session.ts";
import { serveApp } from "../support/session_server.ts";
import { HOUR, signedIn } from "../support/session_scene.ts";
import { appScene, rejectingScene, text } from "../support/session_app_scene.ts";

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

test("session.fetch() works as the fetch of ky", async () => {
  await using stage = await rejectingScene();
  const { session, app } = stage;
  const api = ky.create({ baseUrl: app.origin, fetch: session.fetch, retry: 0 });
  assertEquals(await api.post("a", { json: { b: 1 } }).text(), "a response");
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
