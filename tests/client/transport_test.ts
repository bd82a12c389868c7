import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  type AuthFlow,
  bearerAuth,
  CredentialApiError,
  CredentialClient,
  CredentialNetworkError,
  CredentialResponseError,
  CredentialTimeoutError,
  type RequestAuth,
  type RequestOptions,
  type RetryEvent,
  signatureAuth,
} from "../../mod.ts";
import { answer, json, type Reply } from "../support/fault_server.ts";
import { apiError, ok, rejection, scene, secret, someCredentials } from "../support/fixtures.ts";

const EXCHANGE: AuthFlow = { code: "69e732d6-8ecc-45c4-c2eb-8438f7ffe775" };
const REFRESH: AuthFlow = { authFlow: "refreshTokenAuth", refreshToken: "some.refresh-token" };
const CUT = { bytes: "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", then: "close" } as const;
const CUT_CHUNK = {
  bytes: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
  then: "reset",
} as const;

const PASSING: readonly (readonly [string, Reply])[] = [
  ...[408, 429, 500, 502, 503, 504].map((status) => [String(status), apiError(status)] as const),
  ["an HTML error page", { status: 502, headers: { "content-type": "text/html" }, body: "<h1>" }],
  ["a connection that is closed", "close"],
  ["a connection that is reset", "reset"],
  ["a body that is cut off", CUT],
  ["a chunked body that is cut off", CUT_CHUNK],
];

for (const [name, fault] of PASSING) {
  test(`Every operation retries after ${name}`, async () => {
    const credentials = someCredentials();
    for (const flow of [EXCHANGE, REFRESH]) {
      await using s = await scene([fault, fault, ok(credentials)]);
      const response = await s.client.getAuthCredentialsWithResponse(flow);
      assertEquals(response.data, credentials);
      assertEquals(response.retryCount, 2);
      assertEquals(s.server.requests.length, 3);
    }
    await using s = await scene([fault, fault, json(201, { code: "c" })]);
    assertEquals(await s.client.createAuthCredentials(credentials), { code: "c" });
  });
}

const FINAL: readonly (readonly [string, Reply])[] = [
  ...[400, 401, 403, 404, 409, 413, 418, 501, 505].map((status) =>
    [String(status), apiError(status)] as const
  ),
  ...[301, 302, 303, 307, 308].map((status) =>
    [String(status), { status, headers: { location: "/elsewhere" } }] as const
  ),
  ["a body that is no JSON", {
    status: 200,
    headers: { "content-type": "application/json" },
    body: "{",
  }],
  ["a body without tokens", json(200, {})],
];

for (const [name, fault] of FINAL) {
  test(`A call is not retried after ${name}`, async () => {
    for (const flow of [EXCHANGE, REFRESH]) {
      await using s = await scene([fault, ok()]);
      const error = await rejection(s.client.getAuthCredentials(flow));
      assert(error instanceof CredentialApiError || error instanceof CredentialResponseError);
      assertEquals(error.retryCount, 0);
      assertEquals(s.server.requests.length, 1);
    }
  });
}

test("A call is retried twice by default, and rejects with the last error", async () => {
  await using s = await scene([apiError(503), "reset", apiError(500), ok()]);
  const error = await rejection(s.client.getAuthCredentials(REFRESH));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(error.status, 500);
  assertEquals(error.type, "some_error");
  assertEquals(error.retryCount, 2);
  assertEquals(error.message, "Cannot refresh credentials: the API answered 500 (some_error)");
  assertEquals(s.server.requests.length, 3);
});

test("retry sets the limit of a client and of a call, and false disables retries", async () => {
  const counts: [RequestOptions["retry"], RequestOptions["retry"], number][] = [
    [{ limit: 1, delay: 0 }, undefined, 2],
    [{ limit: 1, delay: 0 }, { limit: 3 }, 4],
    [{ delay: 0 }, {}, 3],
    [false, undefined, 1],
    [{ delay: 0 }, false, 1],
    [false, { limit: 1, delay: 0 }, 2],
  ];
  for (const [ofClient, ofCall, count] of counts) {
    await using s = await scene(apiError(503), { retry: ofClient });
    await rejection(s.client.getAuthCredentials(EXCHANGE, { retry: ofCall }));
    assertEquals(s.server.requests.length, count);
  }
});

test("Every attempt gets a new authorization", async () => {
  const timestamps: number[] = [];
  let now = Date.UTC(2026, 0, 1);
  const auth: RequestAuth = ({ timestamp, rejected }) => {
    assert(!rejected);
    timestamps.push(timestamp);
    return `Bearer ${timestamp}`;
  };
  await using s = await scene([apiError(503), "close", ok()], { auth, now: () => now++ * 1 });
  await s.client.getAuthCredentials(REFRESH);
  const sent = s.server.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(sent, timestamps.map((timestamp) => `Bearer ${timestamp}`));
  assertEquals(new Set(sent).size, 3);
});

test("onRetry gets the operation, the attempt, the delay and the error", async () => {
  const events: RetryEvent[] = [];
  await using s = await scene([apiError(503, { "retry-after": "0" }), "reset", ok()], {
    onRetry: (event) => void events.push(event),
  });
  await s.client.getAuthCredentials(EXCHANGE);
  const [first, second] = events;
  assertEquals(events.length, 2);
  assertEquals(first?.operation, "getAuthCredentials");
  assertEquals(first?.attempt, 1);
  assertEquals(first?.delay, 0);
  assertInstanceOf(first?.error, CredentialApiError);
  assertEquals(first.error.status, 503);
  assertEquals(second?.attempt, 2);
  assertInstanceOf(second?.error, CredentialNetworkError);
  assertEquals(second.error.reason, "reset");
  assertEquals(Object.keys(first).sort(), ["attempt", "delay", "error", "operation"]);
});

test("A random delay is below delay, doubled for every attempt up to maxDelay", async () => {
  const delays: number[] = [];
  await using s = await scene(apiError(503), {
    retry: { limit: 5, delay: 4, maxDelay: 10 },
    onRetry: ({ delay }) => void delays.push(delay),
  });
  await rejection(s.client.getAuthCredentials(REFRESH));
  assertEquals(delays.length, 5);
  [4, 8, 10, 10, 10].forEach((most, index) => {
    const delay = delays[index] ?? -1;
    assert(delay >= 0 && delay < most, `${delay} of ${most}`);
  });
});

test("Retry-After sets the delay, in seconds or as a date", async () => {
  const date = "Thu, 01 Jan 2026 00:00:00 GMT";
  for (const headers of [{ "retry-after": "0" }, { "retry-after": date, date }]) {
    const delays: number[] = [];
    await using s = await scene([apiError(429, headers), ok()], {
      retry: { delay: 1_000_000, maxDelay: 1_000_000 },
      onRetry: ({ delay }) => void delays.push(delay),
    });
    await s.client.getAuthCredentials(EXCHANGE);
    assertEquals(delays, [0]);
  }
});

test("A Retry-After that exceeds the remaining time rejects at once, and is in the error", async () => {
  const waits: [Record<string, string>, number][] = [
    [{ "retry-after": "10" }, 10_000],
    [{ "retry-after": "3600" }, 3_600_000],
    [{
      date: "Thu, 01 Jan 2026 00:00:00 GMT",
      "retry-after": "Thu, 01 Jan 2026 00:02:00 GMT",
    }, 120_000],
  ];
  for (const [headers, retryAfter] of waits) {
    await using s = await scene([apiError(503, headers), ok()]);
    const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
    assertInstanceOf(error, CredentialApiError);
    assertEquals(error.retryAfter, retryAfter);
    assertEquals(s.server.requests.length, 1);
  }
});

test("A delay that exceeds the remaining time rejects at once", async () => {
  await using s = await scene([apiError(503), ok()], {
    retry: { delay: 2 ** 30, maxDelay: 2 ** 30 },
  });
  const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(s.server.requests.length, 1);
});

test("An attempt that exceeds timeout is retried", async () => {
  const slow: Reply = { bytes: "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", then: "hang" };
  for (const reply of ["hang", slow] as const) {
    await using s = await scene([reply, ok()], { timeout: 500 });
    const { retryCount } = await s.client.getAuthCredentialsWithResponse(EXCHANGE);
    assertEquals(retryCount, 1);
  }
});

test("timeout and totalTimeout reject with the limit that expired", async () => {
  const limits: [RequestOptions, number, number][] = [
    [{ timeout: 40, retry: false }, 40, 1],
    [{ timeout: 40, totalTimeout: 10_000, retry: { limit: 1, delay: 0 } }, 40, 2],
    [{ timeout: 5_000, totalTimeout: 50 }, 50, 1],
    [{ timeout: 400, totalTimeout: 800, retry: { delay: 0 } }, 800, 2],
  ];
  for (const [options, timeout, count] of limits) {
    await using s = await scene("hang");
    const error = await rejection(s.client.getAuthCredentials(EXCHANGE, options));
    assertInstanceOf(error, CredentialTimeoutError);
    assertEquals(error.timeout, timeout);
    assertEquals(error.message, `Cannot exchange temp code: no response within ${timeout} ms`);
    assertEquals(error.retryCount, count - 1);
  }
});

test("totalTimeout applies to an auth, a hook and a fetch that never settle", async () => {
  const never = () => new Promise<never>(() => {});
  const hanging = [{ auth: never }, { onRetry: never }, { onResponse: never }, { fetch: never }];
  for (const options of hanging) {
    await using s = await scene(apiError(503), options);
    const error = await rejection(
      s.client.getAuthCredentials(EXCHANGE, { totalTimeout: 60, timeout: 10_000 }),
    );
    assertInstanceOf(error, CredentialTimeoutError, Object.keys(options)[0]);
    assertEquals(error.timeout, 60);
  }
});

test("A hook that exceeds timeout ends the call, and the code is not sent again", async () => {
  const never = () => new Promise<never>(() => {});
  const slow = () => new Promise((resolve) => setTimeout(resolve, 400));
  for (const onResponse of [never, slow]) {
    await using s = await scene([ok(), apiError(404)], { timeout: 200, onResponse });
    const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
    assertInstanceOf(error, CredentialTimeoutError);
    assertEquals([error.timeout, error.retryCount], [200, 0]);
    assertEquals(error.message, "Cannot exchange temp code: no end of onResponse within 200 ms");
    assertEquals(s.server.requests.length, 1);
  }
});

test("An aborted call leaves no timer behind", async (t) => {
  const never = () => new Promise<never>(() => {});
  const later = <T>(first: T) => {
    let calls = 0;
    return () => calls++ === 0 ? Promise.resolve(first) : never();
  };
  const unavailable = () => Response.json({}, { status: 503 });
  const ways: Parameters<typeof scene>[1][] = [
    {},
    { auth: never },
    { fetch: never },
    { fetch: () => Promise.resolve(Response.json(someCredentials())), onResponse: never },
    // During a retry.
    { fetch: () => Promise.resolve(unavailable()), onRetry: never },
    { fetch: later(unavailable()) },
    { fetch: () => Promise.resolve(unavailable()), auth: later("Test x") },
    { fetch: () => Promise.resolve(unavailable()), onResponse: later(undefined) },
    { fetch: () => Promise.resolve(unavailable()), retry: { delay: 2_000 } },
  ];
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const running = new Set<unknown>();
  t.after(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }));
  for (const options of ways) {
    await using s = await scene("hang", options);
    const controller = new AbortController();
    const counted = (run: () => void, ms?: number) => {
      const timer = set(() => {
        running.delete(timer);
        run();
      }, ms);
      running.add(timer);
      return timer;
    };
    Object.assign(globalThis, {
      setTimeout: counted,
      clearTimeout: (timer: never) => {
        running.delete(timer);
        clear(timer);
      },
    });
    const call = rejection(s.client.getAuthCredentials(EXCHANGE, { signal: controller.signal }));
    set(() => controller.abort(), 20);
    await call;
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    assertEquals(running.size, 0);
  }
});

test("A call removes its listeners from the caller's signal", async () => {
  await using s = await scene([apiError(503), ok()]);
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(...args: Parameters<typeof addEventListener>) {
      listeners.add(args[1]);
      addEventListener.apply(signal, args);
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>) {
      listeners.delete(args[1]);
      removeEventListener.apply(signal, args);
    },
  });
  const call = s.client.getAuthCredentials(REFRESH, { signal });
  assert(listeners.size > 0);
  await call;
  assertEquals(listeners.size, 0);
});

test("A response to an aborted call is ignored", async () => {
  const asked: boolean[] = [];
  const statuses: number[] = [];
  let answerNow: ((response: Response) => void) | undefined;
  const client = new CredentialClient({
    auth: ({ rejected }) => `Bearer ${asked.push(rejected)}`,
    fetch: () => new Promise((resolve) => answerNow = resolve),
    onResponse: ({ status }) => void statuses.push(status),
  });
  const controller = new AbortController();
  const call = rejection(client.getAuthCredentials(EXCHANGE, { signal: controller.signal }));
  await until(() => answerNow !== undefined);
  controller.abort("gone");
  assertEquals(await call, "gone");
  answerNow?.(Response.json({}, { status: 401 }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals([asked, statuses], [[false], []]);
});

test("A hook that ends after its call does not renew the authorization", async () => {
  const asked: boolean[] = [];
  const hook = Promise.withResolvers<void>();
  await using s = await scene(apiError(401), {
    auth: ({ rejected }) => `Bearer ${asked.push(rejected)}`,
    onResponse: () => hook.promise,
    totalTimeout: 200,
  });
  assertInstanceOf(
    await rejection(s.client.getAuthCredentials(EXCHANGE)),
    CredentialTimeoutError,
  );
  hook.resolve();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals([asked, s.server.requests.length], [[false], 1]);
});

test("An aborted signal rejects with its reason, and nothing is sent", async () => {
  await using s = await scene(ok());
  const reason = new Error("no more");
  const signal = AbortSignal.abort(reason);
  assertStrictEquals(await rejection(s.client.getAuthCredentials(EXCHANGE, { signal })), reason);
  assertEquals(s.server.requests.length, 0);
});

test("A signal aborts a call during the request, the body, auth, a hook and the delay", async () => {
  const never = () => new Promise<never>(() => {});
  const body: Reply = { bytes: "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", then: "hang" };
  const waiting = { retry: { delay: 2 ** 20, maxDelay: 2 ** 20 }, totalTimeout: 2 ** 30 };
  const points: [Reply, Parameters<typeof scene>[1]][] = [
    ["hang", {}],
    [body, {}],
    [ok(), { auth: never }],
    [apiError(503), { onRetry: never }],
    [ok(), { onResponse: never }],
    [ok(), { fetch: never }],
    [apiError(503), waiting],
  ];
  for (const [reply, options] of points) {
    await using s = await scene(reply, options);
    const controller = new AbortController();
    const reason = { why: "the user left" };
    const call = rejection(s.client.getAuthCredentials(EXCHANGE, { signal: controller.signal }));
    setTimeout(() => controller.abort(reason), 30);
    assertStrictEquals(await call, reason);
    const sent = s.server.requests.length;
    await until(() => s.server.open === 0);
    assertEquals(s.server.requests.length, sent);
  }
});

test("An auth that resolves after its call was aborted sends nothing", async () => {
  let authorize = (_value: string) => {};
  const auth = () => new Promise<string>((resolve) => authorize = resolve);
  await using s = await scene(ok(), { auth });
  const controller = new AbortController();
  const call = rejection(s.client.getAuthCredentials(EXCHANGE, { signal: controller.signal }));
  await until(() => authorize.length === 1);
  controller.abort();
  await call;
  authorize("Bearer late");
  await turn();
  assertEquals(s.server.requests.length, 0);
});

test("An error of a hook or auth rejects the call unchanged, and is not retried", async () => {
  const apiLike = new CredentialApiError("mine", { status: 503 });
  for (
    const thrown of [new Error("mine"), new TypeError("fetch failed"), apiLike, "text", undefined]
  ) {
    const throwing = () => {
      throw thrown;
    };
    const rejecting = () => Promise.reject(thrown);
    for (const fail of [throwing, rejecting]) {
      for (const options of [{ auth: fail }, { onRetry: fail }, { onResponse: fail }]) {
        await using s = await scene([apiError(503), ok()], options);
        assertStrictEquals(await rejection(s.client.getAuthCredentials(EXCHANGE)), thrown);
        assertEquals(s.server.requests.length, "auth" in options ? 0 : 1);
      }
    }
  }
});

test("An error of now rejects the call unchanged", async () => {
  const thrown = new Error("no battery");
  const now = () => {
    throw thrown;
  };
  await using s = await scene(ok(), { now });
  assertStrictEquals(await rejection(s.client.getAuthCredentials(EXCHANGE)), thrown);
  assertEquals(s.server.requests.length, 0);
});

test("A 401 renews a bearer token once, without a retry, even with retry: false", async () => {
  const [stale, fresh] = [secret(), secret()];
  const asked: boolean[] = [];
  const auth = bearerAuth(({ rejected }) => {
    asked.push(rejected);
    return Promise.resolve(rejected ? fresh : stale);
  });
  await using s = await scene(
    ({ headers }) => headers.get("authorization") === `Bearer ${fresh}` ? ok() : apiError(401),
    { auth, retry: false },
  );
  const { retryCount } = await s.client.getAuthCredentialsWithResponse(EXCHANGE);
  assertEquals(retryCount, 0);
  assertEquals(asked, [false, true]);
  assertEquals(s.server.requests.length, 2);
});

test("A 401 is not retried with the same authorization, nor renewed twice in a call", async () => {
  await using s = await scene(apiError(401));
  const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(error.status, 401);
  assertEquals(s.server.requests.length, 1);

  let count = 0;
  const auth = () => `Bearer ${count++}`;
  await using other = await scene([apiError(401), apiError(503), apiError(401)], { auth });
  await rejection(other.client.getAuthCredentials(EXCHANGE));
  assertEquals(other.server.requests.length, 3);
});

for (const hours of [-30, -1, -0.1, 0.1, 1, 30]) {
  test(`A clock that is ${hours} hours off is corrected after the first 401, and stays corrected`, async () => {
    const server = Date.UTC(2026, 5, 1, 12, 0, 30);
    const local = server + hours * 3_600_000;
    const secretKey = secret();
    const right = await signatureAuth({ saasId: "s", apiKey: "k", secretKey });
    await using s = await scene(async ({ method, target, headers, body }) => {
      const url = `http://${headers.get("host")}${target}`;
      const expected = await right({ method, url, body, timestamp: server, rejected: false });
      const date = new Date(server).toUTCString();
      return headers.get("authorization") === expected
        ? json(200, someCredentials(), { date })
        : apiError(401, { date });
    }, { auth: signatureAuth({ saasId: "s", apiKey: "k", secretKey }), now: () => local });
    const { retryCount } = await s.client.getAuthCredentialsWithResponse(EXCHANGE);
    assertEquals(retryCount, 0);
    assertEquals(s.server.requests.length, 2);
    await s.client.getAuthCredentials(REFRESH);
    assertEquals(s.server.requests.length, 3);
  });
}

test("A 401 signs the request for the minute of the server", async () => {
  const local = Date.UTC(2026, 5, 1, 12, 0, 55);
  const date = new Date(local + 20_000).toUTCString();
  const seen: number[] = [];
  await using s = await scene([apiError(401, { date }), json(200, someCredentials(), { date })], {
    now: () => local,
    auth: ({ timestamp }) =>
      `Minute ${seen.push(timestamp) && new Date(timestamp).getUTCMinutes()}`,
  });
  await s.client.getAuthCredentials(REFRESH);
  await s.client.getAuthCredentials(REFRESH);
  assertEquals(seen, [local, local + 20_000, local]);
});

test("A Date that is invalid, missing or cached does not correct the clock", async () => {
  const local = Date.UTC(2026, 5, 1);
  const elsewhere = new Date(local + 3_600_000).toUTCString();
  for (const headers of [{}, { date: "yesterday" }, { date: elsewhere, age: "5" }]) {
    const seen: number[] = [];
    await using s = await scene(json(200, someCredentials(), headers as Record<string, string>), {
      now: () => local,
      auth: ({ timestamp }) => `Bearer ${seen.push(timestamp)}`,
    });
    await s.client.getAuthCredentials(REFRESH);
    await s.client.getAuthCredentials(REFRESH);
    assertEquals(seen, [local, local]);
  }
});

test("A 404 after a lost response says that the code may have been used, and has the first error as cause", async () => {
  for (const fault of ["reset", CUT] as const) {
    await using s = await scene([fault, apiError(503), apiError(404)]);
    const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
    assertInstanceOf(error, CredentialApiError);
    assertEquals(
      error.message,
      "Cannot exchange temp code: the API answered 404 (some_error); " +
        "the code may have been used by an earlier attempt whose response was lost",
    );
    assertInstanceOf(error.cause, CredentialNetworkError);
    assertEquals(error.cause.reason, "reset");
  }
  await using timedOut = await scene(["hang", apiError(404)], { timeout: 500 });
  const error = await rejection(timedOut.client.getAuthCredentials(REFRESH));
  assertInstanceOf(error, CredentialApiError);
  assertMatch(error.message, /the refresh token may have been replaced by an earlier attempt/);
  assertInstanceOf(error.cause, CredentialTimeoutError);
});

test("A 404 after a 503 does not say that the code may have been used", async () => {
  await using s = await scene([apiError(503), apiError(404)]);
  const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(error.message, "Cannot exchange temp code: the API answered 404 (some_error)");
  assertEquals(error.cause, undefined);
});

test("A refused connection is a network error with its reason, and is retried", async () => {
  const s = await scene(ok());
  await s[Symbol.asyncDispose]();
  let retries = 0;
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    baseUrl: s.server.origin,
    retry: { delay: 0 },
    onRetry: () => void retries++,
  });
  const error = await rejection(client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialNetworkError);
  assertEquals(error.reason, "refused");
  assertEquals(error.message, "Cannot exchange temp code: the connection was refused");
  assertEquals(retries, 2);
});

test("A host that does not speak TLS is a network error that is not retried", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    baseUrl: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onRetry: () => {
      throw new Error("retried");
    },
  });
  const error = await rejection(client.getAuthCredentials(EXCHANGE));
  server.close();
  assertInstanceOf(error, CredentialNetworkError);
  assertEquals(error.reason, "tls");
});

test("A host name that does not exist is a network error with its reason", async () => {
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    baseUrl: "https://no-such-host.invalid",
    retry: false,
  });
  const error = await rejection(client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialNetworkError);
  assertEquals(error.reason, "dns");
});

test("A redirect is not followed", async () => {
  await using elsewhere = await scene(ok());
  for (const status of [301, 302, 303, 307, 308]) {
    const location = `${elsewhere.server.origin}/v1/auth/credentials`;
    await using s = await scene([{ status, headers: { location } }, ok()]);
    const error = await rejection(s.client.createAuthCredentials(someCredentials()));
    assertInstanceOf(error, CredentialResponseError);
    assertEquals(error.status, status);
    assertMatch(error.message, /redirect, which is not followed$/);
    assertEquals(s.server.requests.length, 1);
  }
  assertEquals(elsewhere.server.requests.length, 0);
});

test("A rejected response also calls onResponse and corrects the clock", async () => {
  const local = Date.UTC(2026, 5, 1);
  const date = new Date(local + 3_600_000).toUTCString();
  const headers = { date, "content-type": "application/json" };
  for (
    const refused of [{ status: 302, headers }, {
      status: 200,
      headers,
      body: " ".repeat(2 ** 20 + 1),
    }]
  ) {
    const statuses: number[] = [];
    const seen: number[] = [];
    await using s = await scene([refused, ok()], {
      now: () => local,
      auth: ({ timestamp }) => `Bearer ${seen.push(timestamp)}`,
      onResponse: ({ status }) => void statuses.push(status),
    });
    assertInstanceOf(
      await rejection(s.client.getAuthCredentials(REFRESH)),
      CredentialResponseError,
    );
    await s.client.getAuthCredentials(REFRESH);
    assertEquals(statuses, [refused.status, 200]);
    assertEquals(seen, [local, local + 3_600_000]);
  }
});

test("A body over 1 MiB is rejected while it is read, with and without Content-Length", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
  const long = `${head}content-length: ${2 ** 20 + 1}\r\n\r\n`;
  const endless = `${head}transfer-encoding: chunked\r\n\r\n${
    `10000\r\n${" ".repeat(65_536)}\r\n`.repeat(17)
  }`;
  for (const bytes of [long, endless]) {
    await using s = await scene([{ bytes, then: "hang" }, ok()]);
    const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
    assertInstanceOf(error, CredentialResponseError);
    assertMatch(error.message, /longer than 1 MiB$/);
    assertEquals(error.status, 200);
    await until(() => s.server.open === 0);
  }
});

test("The limit applies to the uncompressed body", async () => {
  const packed = gzipSync(Buffer.alloc(2 ** 21, " "));
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n` +
    `content-length: ${packed.length}\r\nconnection: close\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), packed]);
  await using s = await scene([{ bytes, then: "close" }, ok()]);
  const error = await rejection(s.client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialResponseError);
  assertMatch(error.message, /longer than 1 MiB$/);
});

test("A body of exactly 1 MiB is accepted", async () => {
  const credentials = JSON.stringify(someCredentials());
  const body = credentials + " ".repeat(2 ** 20 - credentials.length);
  const headers = { "content-type": "application/json" };
  await using s = await scene({ status: 200, headers, body });
  assertEquals(await s.client.getAuthCredentials(EXCHANGE), JSON.parse(credentials));
});

test("A body of another content type is not read at all", async () => {
  const head = (status: number) => `HTTP/1.1 ${status} X\r\ncontent-type: text/html\r\n`;
  const html = (status: number): Reply => ({
    bytes: `${head(status)}content-length: 99999999\r\n\r\n<html>`,
    then: "hang",
  });
  await using good = await scene(html(200));
  const response = await rejection(good.client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(response, CredentialResponseError);
  assertMatch(response.message, /its content type is not JSON$/);
  await until(() => good.server.open === 0);

  await using bad = await scene(html(403));
  const error = await rejection(bad.client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(error.status, 403);
  assertEquals(error.type, undefined);
});

test("JSON is accepted with any JSON content type, and without one", async () => {
  const credentials = someCredentials();
  for (
    const type of [
      "application/json",
      "Application/JSON;charset=UTF-8",
      "application/vnd.x+json",
      "",
    ]
  ) {
    const headers = type === "" ? {} : { "content-type": type };
    await using s = await scene({ status: 200, headers, body: JSON.stringify(credentials) });
    assertEquals(await s.client.getAuthCredentials(EXCHANGE), credentials);
  }
});

test("An error has the type, data and trace id of the response, if they are valid", async () => {
  const data = { field: "code", nested: { list: [1, "two", null] } };
  const headers = { "x-saasus-trace-id": "trace-1" };
  await using s = await scene(json(400, { type: "validation_error", message: "m", data }, headers));
  const error = await rejection(s.client.createAuthCredentials(someCredentials()));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(error.type, "validation_error");
  assertEquals(error.data, data);
  assertEquals(error.traceId, "trace-1");
  assertEquals(error.operation, "createAuthCredentials");

  for (const type of ["two words", "", "a".repeat(65), 5, null]) {
    await using odd = await scene(json(400, { type, message: "m" }));
    const error = await rejection(odd.client.getAuthCredentials(EXCHANGE));
    assertInstanceOf(error, CredentialApiError);
    assertEquals(error.type, undefined);
    assert(!("type" in error));
  }
});

test("A fetch gets an aborted signal when the call is aborted, or the attempt times out during a retry", async () => {
  const signals: (AbortSignal | null | undefined)[] = [];
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    retry: { limit: 1, delay: 0 },
    timeout: 30,
    fetch: (_, init) => {
      signals.push(init?.signal);
      return new Promise<never>(() => {});
    },
  });
  const error = await rejection(client.getAuthCredentials(EXCHANGE));
  assertInstanceOf(error, CredentialTimeoutError);
  assertEquals(signals.map((signal) => signal?.aborted), [true, true]);

  const controller = new AbortController();
  const { signal } = controller;
  const call = rejection(client.getAuthCredentials(EXCHANGE, { signal, timeout: 5_000 }));
  await until(() => signals.length === 3);
  assertEquals(signals[2]?.aborted, false);
  controller.abort("left");
  assertEquals([await call, signals[2]?.aborted], ["left", true]);
});

test("An error that a fetch throws is a network error, even if it names a missing permission", async () => {
  const denied = Object.assign(new Error("Requires net access"), { name: "NotCapable" });
  const errors = [denied, new TypeError("PermissionDenied", { cause: denied }), "NotCapable"];
  for (const thrown of errors) {
    const client = new CredentialClient({
      auth: bearerAuth(secret()),
      retry: false,
      fetch: () => Promise.reject(thrown),
    });
    const error = await rejection(client.getAuthCredentials(EXCHANGE));
    assertInstanceOf(error, CredentialNetworkError);
    assertEquals(error.reason, "other");
  }
});

test("Response.error() is a network error, and an opaque redirect is a redirect", async () => {
  const redirect = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
  const results: unknown[] = [];
  for (const response of [Response.error(), redirect]) {
    const client = new CredentialClient({
      auth: bearerAuth(secret()),
      retry: false,
      fetch: () => Promise.resolve(response),
    });
    results.push(await rejection(client.getAuthCredentials(EXCHANGE)));
  }
  assertInstanceOf(results[0], CredentialNetworkError);
  assertInstanceOf(results[1], CredentialResponseError);
  assertMatch(results[1].message, /the API answered 0, a redirect, which is not followed$/);
});

test("A fetch that replaces the global one is limited to 1 MiB, whatever its Content-Length is", async (t) => {
  const { fetch } = globalThis;
  t.after(() => Object.assign(globalThis, { fetch }));
  const client = new CredentialClient({ auth: bearerAuth(secret()), retry: false });
  for (const length of ["5", "0", "abc", undefined]) {
    const headers = {
      "content-type": "application/json",
      ...length && { "content-length": length },
    };
    Object.assign(globalThis, {
      fetch: () =>
        Promise.resolve(
          new Response(JSON.stringify({ ...someCredentials(), x: " ".repeat(2 ** 21) }), {
            headers,
          }),
        ),
    });
    for (const each of [client, new CredentialClient({ auth: bearerAuth(secret()) })]) {
      const error = await rejection(each.getAuthCredentials(EXCHANGE));
      assertInstanceOf(error, CredentialResponseError);
      assertMatch(error.message, /longer than 1 MiB$/);
    }
  }
});

test("The server of these tests sends valid HTTP", async () => {
  await using s = await scene(ok({ a: "b" }));
  const received = await new Promise<string>((resolve, reject) => {
    const socket = connect(s.server.port, "127.0.0.1", () => {
      socket.write("GET /x HTTP/1.1\r\nhost: a\r\n\r\n");
    });
    let text = "";
    socket.on("data", (chunk) => text += chunk);
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
  const headers = { "content-type": "application/json; charset=utf-8" };
  assertEquals(received, answer({ status: 200, headers, body: '{"a":"b"}' }));
});

/** Waits until a condition is true. The test runner limits the time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Lets other tasks run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
