import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  type AuthFlow,
  bearerAuth,
  CredentialClient,
  type CredentialClientOptions,
  CredentialInputError,
  CredentialResponseError,
  type Credentials,
  type FromEnvOptions,
  type RequestOptions,
  type ResponseEvent,
  signatureAuth,
} from "../../mod.ts";
import { json } from "../support/fault_server.ts";
import { ok, rejection, scene, secret, someCredentials } from "../support/fixtures.ts";

test("createAuthCredentials() posts the three tokens as JSON and returns the code", async () => {
  const code = crypto.randomUUID();
  await using s = await scene(json(201, { code }));
  const credentials = someCredentials();
  assertEquals(await s.client.createAuthCredentials({ ...credentials }), { code });
  const [request] = s.server.requests;
  assertEquals(request?.method, "POST");
  assertEquals(request?.target, "/v1/auth/credentials");
  assertEquals(request?.headers.get("content-type"), "application/json");
  assertEquals(JSON.parse(request?.body ?? ""), credentials);
});

test("createAuthCredentials() sends neither an absent refresh token nor unknown fields", async () => {
  await using s = await scene(json(201, { code: "c" }));
  const { id_token, access_token } = someCredentials();
  const withMore = { id_token, access_token, refresh_token: null, scope: "x" };
  await s.client.createAuthCredentials(withMore as unknown as Credentials);
  assertEquals(JSON.parse(s.server.requests[0]?.body ?? ""), { id_token, access_token });
});

test("getAuthCredentials() exchanges a code with and without authFlow", async () => {
  const credentials = someCredentials();
  await using s = await scene(ok({ ...credentials, expires_in: 3600 }));
  const code = crypto.randomUUID();
  assertEquals(await s.client.getAuthCredentials({ code }), credentials);
  assertEquals(await s.client.getAuthCredentials({ authFlow: "tempCodeAuth", code }), credentials);
  for (const { method, target, body, headers } of s.server.requests) {
    assertEquals(method, "GET");
    assertEquals(target, `/v1/auth/credentials?code=${code}&auth-flow=tempCodeAuth`);
    assertEquals(body, "");
    assertEquals(headers.get("content-type"), null);
    assertEquals(headers.get("accept"), "application/json");
  }
});

test("getAuthCredentials() refreshes, and accepts null and empty refresh tokens as absent", async () => {
  const refreshToken = secret(1_100);
  for (const refresh_token of [undefined, null, ""]) {
    await using s = await scene(ok({ id_token: "i", access_token: "a", refresh_token }));
    assertEquals(
      await s.client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken }),
      { id_token: "i", access_token: "a" },
    );
    assertEquals(
      s.server.requests[0]?.target,
      `/v1/auth/credentials?auth-flow=refreshTokenAuth&refresh-token=${refreshToken}`,
    );
  }
});

test("getAuthCredentials() rejects an empty token in the exchange of a code", async () => {
  for (const empty of ["id_token", "access_token", "refresh_token"]) {
    await using s = await scene(ok({ ...someCredentials(), [empty]: "" }));
    const error = await rejection(s.client.getAuthCredentials({ code: "c" }));
    assertInstanceOf(error, CredentialResponseError);
    assertEquals(error.issues, [{ path: empty, expected: "a non-empty string" }]);
  }
});

test("getAuthCredentialsWithResponse() also returns the status, headers, trace id and number of retries", async () => {
  const credentials = someCredentials();
  const headers = { "x-saasus-trace-id": "trace-1", "x-more": "more" };
  await using s = await scene([json(503, {}), json(200, credentials, headers)]);
  const response = await s.client.getAuthCredentialsWithResponse({ code: "c" });
  assertEquals(response.data, credentials);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("x-more"), "more");
  assertEquals(response.traceId, "trace-1");
  assertEquals(response.retryCount, 1);
});

test("getAuthCredentialsWithResponse() returns a trace id that its caller sent", async () => {
  const traceId = secret(24);
  await using s = await scene(
    ({ headers }) =>
      json(200, someCredentials(), {
        "x-saasus-trace-id": headers.get("x-saasus-trace-id") ?? "none",
      }),
    { traceId },
  );
  assertEquals((await s.client.getAuthCredentialsWithResponse({ code: "c" })).traceId, traceId);
});

test("createAuthCredentialsWithResponse() returns no trace id if the response has none", async () => {
  await using s = await scene(json(201, { code: "c" }));
  const response = await s.client.createAuthCredentialsWithResponse(someCredentials());
  assertEquals(response.data, { code: "c" });
  assertEquals(response.status, 201);
  assertEquals(response.retryCount, 0);
  assert(!("traceId" in response));
});

test("CredentialClient signs the exact URL and body that it sends", async () => {
  const secretKey = secret();
  const auth = signatureAuth({ saasId: "saas", apiKey: "key", secretKey });
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  const hostile = "a'b\"c d+e%27/?#[]@!$&()*,;=é日本😀~^`{|}\\<>";
  const options = { auth, now: () => now };
  await using s = await scene(
    ({ method }) => method === "POST" ? json(201, { code: "c" }) : ok(),
    options,
  );
  await s.client.getAuthCredentials({ code: hostile });
  await s.client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken: hostile });
  await s.client.createAuthCredentials({ id_token: hostile, access_token: "a\u0000\ud800" });
  for (const { method, target, body, headers } of s.server.requests) {
    const text = `202601020304key${method}127.0.0.1:${s.server.port}${target}${body}`;
    const signature = createHmac("sha256", secretKey).update(text).digest("hex");
    const expected = `SAASUSSIGV1 Sig=${signature}, SaaSID=saas, APIKey=key`;
    assertEquals(headers.get("authorization"), expected);
  }
  const sent = new URL(s.server.requests[0]?.target ?? "", "http://x").searchParams.get("code");
  assertEquals(sent, hostile);
});

test("CredentialClient sends headers, referers without their query, and a trace id", async () => {
  await using s = await scene(ok(), {
    headers: { "X-One": "1", "X-Two": "2" },
    referer: "https://user:password@app.example/callback?code=c#f",
    saasusReferer: "https://app.example/page?code=c",
    traceId: "trace-a",
  });
  await s.client.getAuthCredentials({ code: "c" });
  await s.client.getAuthCredentials({ code: "c" }, {
    headers: [["x-two", "zwei"], ["x-three", "3"]],
    referer: null,
    traceId: "trace-b",
  });
  const [first, second] = s.server.requests.map(({ headers }) => headers);
  assertEquals(first?.get("x-one"), "1");
  assertEquals(first?.get("x-two"), "2");
  assertEquals(first?.get("referer"), "https://app.example/callback");
  assertEquals(first?.get("x-saasus-referer"), "https://app.example/page");
  assertEquals(first?.get("x-saasus-trace-id"), "trace-a");
  assertEquals(second?.get("x-one"), "1");
  assertEquals(second?.get("x-two"), "zwei");
  assertEquals(second?.get("x-three"), "3");
  assertEquals(second?.get("referer"), null);
  assertEquals(second?.get("x-saasus-referer"), "https://app.example/page");
  assertEquals(second?.get("x-saasus-trace-id"), "trace-b");
});

test("CredentialClient uses the auth of a call", async () => {
  const [mine, yours] = [secret(), secret()];
  await using s = await scene(ok(), { auth: bearerAuth(mine) });
  await s.client.getAuthCredentials({ code: "c" }, { auth: bearerAuth(yours) });
  await s.client.getAuthCredentials({ code: "c" });
  const sent = s.server.requests.map(({ headers }) => headers.get("authorization"));
  assertEquals(sent, [`Bearer ${yours}`, `Bearer ${mine}`]);
});

test("CredentialClient calls the given fetch as a plain function", async () => {
  const urls: string[] = [];
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    fetch: function (this: unknown, url: string) {
      assertEquals(this, undefined);
      urls.push(url);
      return Promise.resolve(Response.json(someCredentials()));
    } as typeof fetch,
  });
  await client.getAuthCredentials({ code: "c" });
  assertEquals(urls, ["https://api.saasus.io/v1/auth/credentials?code=c&auth-flow=tempCodeAuth"]);
});

test("CredentialClient calls onResponse for each response", async () => {
  const events: ResponseEvent[] = [];
  const headers = { "x-saasus-trace-id": "trace-1" };
  await using s = await scene([json(503, {}), json(200, someCredentials(), headers)], {
    onResponse: (event) => void events.push(event),
  });
  const started = performance.now();
  await s.client.getAuthCredentials({ code: "c" });
  const whole = performance.now() - started;
  const operation = "getAuthCredentials";
  assertEquals(events.map(({ duration: _, ...event }) => event), [
    { operation, attempt: 1, status: 503 },
    { operation, attempt: 2, status: 200, traceId: "trace-1" },
  ]);
  assert(events.every(({ duration }) => duration >= 0 && duration <= whole));
});

test("CredentialClient rejects invalid flows before anything is sent", async () => {
  await using s = await scene(ok());
  const token = secret();
  const wrong: [unknown, string][] = [
    [undefined, ""],
    [null, ""],
    [token, ""],
    [{}, "code"],
    [{ code: "" }, "code"],
    [{ code: 1 }, "code"],
    [{ code: "\ud800" }, "code"],
    [{ code: "c", refreshToken: token }, "refreshToken"],
    [{ authFlow: "tempCodeAuth", refreshToken: token }, "code"],
    [{ authFlow: "refreshTokenAuth", code: token }, "refreshToken"],
    [{ authFlow: "refreshTokenAuth", refreshToken: token, code: token }, "code"],
    [{ authFlow: "other", code: token }, "authFlow"],
    [{ code: "c", [token]: token }, ""],
    [[token], "code"],
  ];
  for (const [flow, path] of wrong) {
    const error = await rejection(s.client.getAuthCredentials(flow as AuthFlow));
    assertInstanceOf(error, CredentialInputError);
    assertEquals(error.operation, "getAuthCredentials");
    assert(error.issues.some((issue) => issue.path === path), JSON.stringify(error.issues));
    assert(!JSON.stringify(error).includes(token));
  }
  assertEquals(s.server.requests.length, 0);
});

test("CredentialClient rejects invalid credentials before anything is sent", async () => {
  await using s = await scene(json(201, { code: "c" }));
  const good = someCredentials();
  const wrong: [unknown, string][] = [
    [undefined, ""],
    [{ ...good, id_token: "" }, "id_token"],
    [{ ...good, access_token: 5 }, "access_token"],
    [{ ...good, refresh_token: "" }, "refresh_token"],
    [{ id_token: good.id_token }, "access_token"],
  ];
  for (const [credentials, path] of wrong) {
    const error = await rejection(s.client.createAuthCredentials(credentials as Credentials));
    assertInstanceOf(error, CredentialInputError);
    assertEquals(error.operation, "createAuthCredentials");
    assertEquals(error.issues[0]?.path, path);
    assert(!JSON.stringify(error).includes(good.id_token));
  }
  assertEquals(s.server.requests.length, 0);
});

test("CredentialClient rejects invalid options of a call before anything is sent", async () => {
  await using s = await scene(ok());
  const wrong: [RequestOptions | Record<string, unknown>, string][] = [
    [{ timeout: 0 }, "timeout"],
    [{ timeout: Infinity }, "timeout"],
    [{ totalTimeout: 2 ** 31 }, "totalTimeout"],
    [{ retry: true }, "retry"],
    [{ retry: { limit: -1 } }, "retry.limit"],
    [{ retry: { delay: NaN } }, "retry.delay"],
    [{ headers: { authorization: "x" } }, "headers"],
    [{ headers: { "x-a": "a\r\nx-b: b" } }, "headers"],
    [{ headers: { "content-length": "5" } }, "headers"],
    [{ referer: "https://a.example/\n" }, "referer"],
    [{ saasusReferer: "a\0" }, "saasusReferer"],
    [{ traceId: "a b" }, "traceId"],
    [{ auth: "token" }, "auth"],
    [{ signal: {} }, "signal"],
    [{ timeOut: 5 }, ""],
  ];
  for (const [options, path] of wrong) {
    const error = await rejection(
      s.client.getAuthCredentials({ code: "c" }, options as RequestOptions),
    );
    assertInstanceOf(error, CredentialInputError, JSON.stringify(options));
    assertEquals(error.issues.map((issue) => issue.path), [path]);
  }
  assertEquals(s.server.requests.length, 0);
});

test("CredentialClient rejects all invalid options at once when it is created", () => {
  const options = { auth: 5, baseUrl: "http://api.example", fetch: "x", baseURL: "x" };
  const error = assertThrows(
    () => new CredentialClient(options as unknown as CredentialClientOptions),
    CredentialInputError,
  );
  assertEquals(error.issues.map(({ path }) => path), ["auth", "baseUrl", "fetch", ""]);
  assertMatch(
    error.message,
    /^Cannot create the client: "auth": expected bearerAuth.*; expected no other options than /,
  );
  for (const nothing of [undefined, null, 5]) {
    assertThrows(
      () => new CredentialClient(nothing as unknown as CredentialClientOptions),
      CredentialInputError,
    );
  }
});

test("CredentialClient rejects an auth that returns no header value, before anything is sent", async () => {
  await using s = await scene(ok());
  for (const value of ["", " ", "a\r\nb: c", "日本", undefined, 5]) {
    const auth = () => value as string;
    const error = await rejection(s.client.getAuthCredentials({ code: "c" }, { auth }));
    assertInstanceOf(error, CredentialInputError);
    assertEquals(error.issues[0]?.path, "auth");
  }
  assertEquals(s.server.requests.length, 0);
});

test("CredentialClient.fromEnv() signs with the variables, and uses their URL", async () => {
  await using s = await scene(ok());
  const client = CredentialClient.fromEnv({
    env: {
      SAASUS_SAAS_ID: "saas",
      SAASUS_API_KEY: "key",
      SAASUS_SECRET_KEY: secret(),
      SAASUS_API_URL_BASE: `${s.server.origin}/`,
      BEARER_TOKEN: secret(),
    },
  });
  await client.getAuthCredentials({ code: "c" });
  const [request] = s.server.requests;
  assertMatch(request?.target ?? "", /^\/v1\/auth\/credentials\?/);
  assertMatch(
    request?.headers.get("authorization") ?? "",
    /^SAASUSSIGV1 .* SaaSID=saas, APIKey=key$/,
  );
});

test("CredentialClient.fromEnv() reads the environment of the process, and accepts options of the client", async () => {
  await using s = await scene(ok());
  const token = secret();
  const { env } = await import("node:process");
  const before = { ...env };
  for (const name of Object.keys(env)) if (name.startsWith("SAASUS_")) delete env[name];
  env["BEARER_TOKEN"] = token;
  try {
    const client = CredentialClient.fromEnv({ baseUrl: s.server.origin, headers: { "x-a": "1" } });
    await client.getAuthCredentials({ code: "c" });
  } finally {
    delete env["BEARER_TOKEN"];
    Object.assign(env, before);
  }
  const [request] = s.server.requests;
  assertEquals(request?.headers.get("authorization"), `Bearer ${token}`);
  assertEquals(request?.headers.get("x-a"), "1");
  assertMatch(request?.target ?? "", /^\/credentials\?/);
});

test("CredentialClient.fromEnv() names invalid options and variables", () => {
  const BEARER_TOKEN = secret();
  const env = { BEARER_TOKEN };
  const wrong: [unknown, string][] = [
    [null, ""],
    ["text", ""],
    [{ env: null }, "env"],
    [{ env: BEARER_TOKEN }, "env"],
    [{ env: {} }, "BEARER_TOKEN"],
    [{ env: { BEARER_TOKEN: `${BEARER_TOKEN} b` } }, "BEARER_TOKEN"],
    [{ env: { ...env, SAASUS_API_KEY: "a" } }, "SAASUS_SECRET_KEY"],
    [{ env: { ...env, SAASUS_API_URL_BASE: 5 } }, "SAASUS_API_URL_BASE"],
    [{ env: { ...env, SAASUS_API_URL_BASE: "nonsense" } }, "SAASUS_API_URL_BASE"],
    [{ env, auth: () => BEARER_TOKEN }, "auth"],
    [{ env, timeout: 0 }, "timeout"],
    [{ env, baseUrl: "nonsense" }, "baseUrl"],
    [{ env, [BEARER_TOKEN]: 1 }, ""],
    [Object.assign(["surplus"], { env }), ""],
  ];
  for (const [options, path] of wrong) {
    const error = assertThrows(
      () => CredentialClient.fromEnv(options as FromEnvOptions),
      CredentialInputError,
    );
    assert(error.issues.some((issue) => issue.path === path), JSON.stringify(error.issues));
    assert(!JSON.stringify(error).includes(BEARER_TOKEN));
  }
});

test("CredentialClient.fromEnv() says which variables are not set", () => {
  const some = { SAASUS_SAAS_ID: "s", SAASUS_SECRET_KEY: "x" };
  const messages = [{}, some].map((env) =>
    assertThrows(() => CredentialClient.fromEnv({ env }), CredentialInputError).message
  );
  assertEquals(messages, [
    "Cannot create the client from the environment: SAASUS_SAAS_ID is not set; " +
    "SAASUS_API_KEY is not set; SAASUS_SECRET_KEY is not set; BEARER_TOKEN is not set",
    "Cannot create the client from the environment: SAASUS_API_KEY is not set",
  ]);
});
