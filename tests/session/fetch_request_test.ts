import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { test } from "node:test";
import { CredentialInputError, CredentialSessionError, isCredentialError } from "../../mod.ts";
import { deadline } from "../../src/async.ts";
import type { CredentialSession } from "../../src/session/session.ts";
import { leaksIn } from "../support/leak_search.ts";
import { receiveRequest } from "../support/session_received_request.ts";
import { serveApp } from "../support/session_server.ts";
import { HOUR, jwt, rejection, scene, settle, signedIn } from "../support/session_scene.ts";
import { appScene, rejectingScene, text } from "../support/session_app_scene.ts";

test("session.fetch() sends a request that a server has received, and its clone", async () => {
  const method = "POST";
  await receiveRequest({ method, headers: { "x-test": "1" } }, async (received) => {
    const sent: (string | null)[][] = [];
    const { session } = await signedIn({
      origins: [new URL(received.url).origin],
      fetch: async (input, init) => {
        const request = new Request(input, init);
        const { headers, method, url } = request;
        sent.push([method, url, headers.get("x-test"), headers.get("authorization")]);
        return await Promise.resolve(new Response("ok"));
      },
    });
    await session.fetch(received.clone());
    await session.fetch(received);
    const authorization = `Bearer ${await session.getIdToken()}`;
    assertEquals(sent, Array(2).fill([method, received.url, "1", authorization]));
  });
});

test("session.fetch() keeps the method, headers and body of a Request as the second argument", async () => {
  await using stage = await rejectingScene();
  const { session, app } = stage;
  const request = new Request("https://other.example.com/", {
    method: "PUT",
    headers: { "x-test": "1" },
    body: "the body",
  });
  const response = await session.fetch(`${app.origin}/a`, request);
  assertEquals(response.status, 200);
  await response.body?.cancel();
  assertEquals(
    app.requests.map(({ method, path, headers, body }) => [method, path, headers["x-test"], body]),
    Array(2).fill(["PUT", "/a", "1", "the body"]),
  );
  assertEquals(app.requests[1]?.headers.authorization, `Bearer ${await session.getIdToken()}`);
});

test("session.fetch() keeps the method, headers and body of a class instance as the second argument", async () => {
  class Init {
    get method() {
      return "PUT";
    }
    get headers() {
      return { "x-test": "1" };
    }
    get body() {
      return "the body";
    }
  }
  await using stage = await rejectingScene();
  const { session, app } = stage;
  const response = await session.fetch(`${app.origin}/a`, new Init());
  assertEquals(response.status, 200);
  await response.body?.cancel();
  assertEquals(
    app.requests.map(({ method, path, headers, body }) => [method, path, headers["x-test"], body]),
    Array(2).fill(["PUT", "/a", "1", "the body"]),
  );
});

test("session.fetch() rejects an ID token that cannot be in a header, without quoting it", async () => {
  await using app = await serveApp();
  for (const character of ["\n", "\r\n", "\0", " ", "\x7f", "é", "漢"]) {
    const { session, service } = scene({ origins: [app.origin] });
    const [head, ...rest] = jwt({ sub: "5" }).split(".");
    const idToken = `${head}${character}.${rest.join(".")}`;
    service.idToken = () => idToken;
    await session.signIn(crypto.randomUUID());
    for (const input of [app.origin, new Request(app.origin, { method: "POST", body: "b" })]) {
      const error = await rejection(session.fetch(input));
      assert(isCredentialError(error), String(error));
      assertInstanceOf(error, CredentialInputError);
      assertEquals(error.issues, [
        { path: "id_token", expected: "visible ASCII characters only" },
      ]);
      assertEquals(leaksIn(error, { idToken }), []);
    }
  }
  assertEquals(app.requests, []);
});

test("session.fetch() leaves no copy of a body open when its caller gives up", async () => {
  const origin = "https://app.example.com";
  const forms: ((session: CredentialSession, request: Request) => Promise<Response>)[] = [
    (session, request) => session.fetch(request),
    (session, request) => session.fetch(request, { keepalive: false }),
    (session, request) => session.fetch(`${origin}/`, request),
  ];
  for (const form of forms) {
    const { session, service, clock } = await signedIn({ origins: [origin] });
    service.gate = new Promise(() => {});
    clock.advance(HOUR);
    const controller = new AbortController();
    const { signal } = controller;
    const isClosed = Promise.withResolvers<boolean>();
    const body = new ReadableStream({
      pull: () => new Promise<void>(() => {}),
      cancel: () => isClosed.resolve(true),
    });
    const init = { method: "POST", body, signal, duplex: "half" } as RequestInit;
    const request = new Request(origin, init);
    const call = rejection(form(session, request));
    await settle();
    controller.abort();
    await call;
    assertEquals(request.bodyUsed, false);
    // On some runtimes this settles only after all copies are cancelled.
    void request.body?.cancel();
    assert(await deadline(isClosed.promise, 1_000));
  }
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
