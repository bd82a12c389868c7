import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "node:test";
import { CredentialInputError, isCredentialError } from "../../mod.ts";
import { deadline } from "../../src/async.ts";
import type { CredentialSession } from "../../src/session/session.ts";
import { leaksIn } from "../support/leak_search.ts";
import { receiveRequest } from "../support/session_received_request.ts";
import { type AppServer, serveApp } from "../support/session_server.ts";
import {
  HOUR,
  jwt,
  rejection,
  type Scene,
  scene,
  settle,
  signedIn,
} from "../support/session_scene.ts";

/** Serves an application that rejects the first token of a session. */
async function rejectingScene(): Promise<Scene & { app: AppServer } & AsyncDisposable> {
  let rejected = "";
  const app = await serveApp(({ headers }) => ({
    status: headers.authorization === `Bearer ${rejected}` ? 401 : 200,
  }));
  const stage = await signedIn({ origins: [app.origin] });
  rejected = await stage.session.getIdToken();
  return { ...stage, app, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

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
