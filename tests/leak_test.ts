import { assert, assertEquals, assertInstanceOf, assertNotEquals } from "@std/assert";
import { test } from "node:test";
import {
  type AuthFlow,
  bearerAuth,
  CredentialApiError,
  CredentialClient,
  CredentialError,
  type RequestAuth,
  type RequestOptions,
  signatureAuth,
} from "../mod.ts";
import { json, type Reply, startServer } from "./support/fault_server.ts";
import { rejection, scene, secret } from "./support/fixtures.ts";
import { leaksIn } from "./support/leak_search.ts";

/** Returns new secrets. */
function seeds() {
  const [code, refresh, id, access, bearer, secretKey, header] = Array.from(
    { length: 7 },
    (_, index) => secret([36, 1_100, 800, 700, 80, 64, 48][index]),
  ) as [string, string, string, string, string, string, string];
  return { code, refresh, id, access, bearer, secretKey, header };
}

type Seeds = ReturnType<typeof seeds>;

/** Returns all operations, with all secrets as arguments. */
function operations(client: CredentialClient, { code, refresh, id, access }: Seeds) {
  const credentials = { id_token: id, access_token: access, refresh_token: refresh };
  return {
    save: (options?: RequestOptions) =>
      client.createAuthCredentialsWithResponse(credentials, options),
    exchange: (options?: RequestOptions) =>
      client.getAuthCredentialsWithResponse({ code }, options),
    refresh: (options?: RequestOptions) =>
      client.getAuthCredentialsWithResponse(
        { authFlow: "refreshTokenAuth", refreshToken: refresh },
        options,
      ),
  };
}

/** Returns faulty responses that repeat the secrets which the server has received or knows. */
function faults(echo: readonly string[]): Record<string, Reply> {
  const all = echo.join(" ");
  const word = echo[0] ?? "";
  const headers = {
    "x-saasus-trace-id": word,
    "retry-after": word,
    date: word,
    "x-echo": all,
    location: `http://127.0.0.1:9/?${new URLSearchParams({ all })}`,
  };
  const data = { list: echo, nested: { [word]: { deeper: encodeURIComponent(all) } } };
  const statuses = [301, 307, 400, 401, 403, 404, 429, 500, 503];
  const echoes = statuses.flatMap((status) =>
    echo.map((text, index): [string, Reply] => [
      `${status} that echoes secret ${index}`,
      json(status, { type: text, message: all, data }, headers),
    ])
  );
  const type = { ...headers, "content-type": "application/json" };
  return {
    ...Object.fromEntries(echoes),
    "an echo in another case": json(400, {
      type: word.toUpperCase(),
      message: all,
      data: { a: all.toLowerCase() },
    }),
    "an HTML page": {
      status: 502,
      headers: { ...headers, "content-type": "text/html" },
      body: all,
    },
    "no JSON": { status: 200, headers: type, body: `{"${all}` },
    "the wrong shape": json(
      200,
      { id_token: { [all]: all }, access_token: [all], code: {} },
      headers,
    ),
    "a tuple": json(200, echo, headers),
    "a truncated body": {
      bytes: `HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n${all}`,
      then: "close",
    },
    "a body that is too long": json(200, { id_token: all.repeat(1_000) }, headers),
    "no HTTP": { bytes: `${all}\r\n\r\n`, then: "close" },
    "a reset": "reset",
    "a close": "close",
    "no answer in time": "hang",
  };
}

/** Returns the output on the console during a run. */
async function printedDuring(run: () => Promise<void>): Promise<unknown[]> {
  const printed: unknown[] = [];
  const names = ["log", "info", "warn", "error", "debug", "trace"] as const;
  const originals = names.map((name) => console[name]);
  for (const name of names) console[name] = (...data: unknown[]) => void printed.push(...data);
  try {
    await run();
  } finally {
    names.forEach((name, index) => console[name] = originals[index] as typeof console.log);
  }
  return printed;
}

function auths({ bearer, secretKey }: Seeds): Record<string, RequestAuth> {
  return {
    bearer: bearerAuth(bearer),
    provider: bearerAuth(() => Promise.resolve(bearer)),
    signature: signatureAuth({ saasId: "saas", apiKey: "key", secretKey }),
  };
}

for (const scheme of ["bearer", "provider", "signature"]) {
  test(`No error of any operation contains a secret, with ${scheme}`, async () => {
    const seeded = seeds();
    const secrets: Record<string, string> = { ...seeded };
    const seen: unknown[] = [];
    const failures = new Set<string>();
    let fault = "";
    let echoed: readonly string[] = [];
    await using server = await startServer(({ headers, target }) => {
      const authorization = headers.get("authorization") ?? "";
      const signature = /Sig=([0-9a-f]+)/.exec(authorization)?.[1];
      if (signature !== undefined) secrets[`signature ${signature}`] = signature;
      return faults([...echoed, signature ?? authorization, target])[fault] ?? "close";
    });
    const auth = auths(seeded)[scheme] as RequestAuth;
    const client = new CredentialClient({
      auth,
      baseUrl: `${server.origin}/v1/auth`,
      headers: { "x-custom": seeded.header },
      referer: `https://app.example/callback?code=${seeded.code}#${seeded.refresh}`,
      retry: { limit: 1, delay: 0 },
      timeout: 500,
      onRetry: (event) => void seen.push(event),
      onResponse: (event) => void seen.push(event),
    });
    const printed = await printedDuring(async () => {
      const { code, refresh, id, access, bearer, secretKey, header } = seeded;
      const known = scheme === "signature" ? [secretKey, header] : [bearer, header];
      const heard = { save: [id, access, refresh], exchange: [code], refresh: [refresh] };
      for (const name of Object.keys(faults(Array(7).fill("")))) {
        fault = name;
        for (const [operation, call] of Object.entries(operations(client, seeded))) {
          echoed = [...heard[operation as keyof typeof heard], ...known];
          const timeout = name === "no answer in time" ? 50 : undefined;
          try {
            await call({ timeout });
          } catch (error) {
            assert(error instanceof CredentialError, `${operation}: ${name}: ${error}`);
            failures.add(error.code);
            seen.push(error, error.stack, error.cause);
            continue;
          }
          throw new Error(`${operation} took ${name}`);
        }
      }
    });
    assertEquals([...failures].sort(), [
      "api_error",
      "invalid_response",
      "network_error",
      "timeout",
    ]);
    assert(seen.length > 100);
    for (const value of [...seen, ...printed, client, auth]) {
      assertEquals(leaksIn(value, secrets), []);
    }
  });
}

test("No error contains a short token, key or cookie", async () => {
  const seeded = { bearer: secret(9), apiKey: secret(10), cookie: secret(8) };
  const headers = { cookie: `theme=dark; login=${seeded.cookie}` };
  const schemes = [
    bearerAuth(seeded.bearer),
    signatureAuth({ saasId: "saas", apiKey: seeded.apiKey, secretKey: secret() }),
  ];
  for (const auth of schemes) {
    for (const echoed of Object.values(seeded)) {
      const traceId = { "x-saasus-trace-id": echoed };
      await using server = await startServer(() =>
        json(400, { type: `t${echoed}`, message: echoed, data: { echoed } }, traceId)
      );
      const client = new CredentialClient({ auth, baseUrl: server.origin, headers });
      const error = await client.getAuthCredentials({ code: "c" }).catch((thrown) => thrown);
      assert(error instanceof CredentialError);
      const isSent = echoed === seeded.cookie ||
        (echoed === seeded.bearer) === (auth === schemes[0]);
      if (isSent) assertEquals(leaksIn(error, { echoed }), []);
    }
  }
});

test("No error contains a very short token or key", async () => {
  const seeded = { bearer: secret(7), apiKey: secret(6), saasId: secret(5) };
  const { bearer, ...keys } = seeded;
  const schemes = [bearerAuth(bearer), signatureAuth({ ...keys, secretKey: secret() })];
  for (const auth of [...schemes, () => bearer]) {
    const names = auth === schemes[1] ? ["apiKey", "saasId"] as const : ["bearer"] as const;
    for (const name of names) {
      const echoed = seeded[name];
      await using s = await scene(json(400, { type: "t", data: { a: `is ${echoed}.` } }), { auth });
      const error = await rejection(s.client.getAuthCredentials({ code: "c" }));
      assertInstanceOf(error, CredentialApiError);
      assertEquals([error.type, error.data], ["t", undefined]);
    }
  }
});

test("No error contains the authorization of an earlier attempt", async () => {
  const tokens = Array.from({ length: 3 }, () => secret());
  let asked = 0;
  const auth = bearerAuth(() => tokens[asked++] ?? "");
  const echo = (status: number) =>
    json(status, { data: { a: tokens[0] } }, { "x-saasus-trace-id": tokens[0] ?? "" });
  await using s = await scene([json(401, {}), json(503, {}), echo(400)], { auth });
  const error = await rejection(s.client.getAuthCredentials({ code: "c" }));
  assertInstanceOf(error, CredentialApiError);
  assertEquals([asked, error.status, error.retryCount], [3, 400, 1]);
  assertEquals(leaksIn(error, Object.fromEntries(Object.entries(tokens))), []);
});

/** Returns a JWT. */
function jwt(): string {
  const part = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, "");
  return `${part({ alg: "RS256" })}.${part({ sub: crypto.randomUUID() })}.${secret()}`;
}

test("No error contains a token that the call does not know", async () => {
  const tokens = { id_token: jwt(), access_token: jwt(), refresh_token: secret(1_100) };
  const uuid = crypto.randomUUID();
  const flows: AuthFlow[] = [
    { code: crypto.randomUUID() },
    { authFlow: "refreshTokenAuth", refreshToken: secret() },
  ];
  const bodies = [
    { data: tokens },
    { data: { nested: [{ [tokens.id_token]: 1 }] } },
    { data: { hint: `Use ${tokens.refresh_token} instead` } },
    { data: { code: uuid } },
    { type: tokens.id_token },
    { type: `t${uuid}` },
  ];
  for (const flow of flows) {
    for (const status of [400, 409, 500]) {
      for (const body of bodies) {
        const headers = { "x-saasus-trace-id": tokens.access_token };
        await using s = await scene(json(status, { message: "m", ...body }, headers), {
          retry: false,
        });
        const error = await rejection(s.client.getAuthCredentials(flow));
        assertInstanceOf(error, CredentialApiError);
        assertEquals(leaksIn(error, { ...tokens, uuid }), []);
        assertEquals([error.data, error.traceId], [undefined, undefined]);
      }
    }
  }
});

test("No trace id contains the code of the call in another encoding", async () => {
  const code: string = crypto.randomUUID();
  const hex = Array.from(code, (character) => character.charCodeAt(0).toString(16)).join("");
  const encodings = [code, code.toUpperCase(), btoa(code), btoa(`code=${code}`), hex];
  const percent = encodeURIComponent(`code=${code}`);
  for (const traceId of [...encodings, percent, btoa(code).replace(/=+$/, "")]) {
    await using s = await scene(json(400, {}, { "x-saasus-trace-id": traceId }));
    const error = await rejection(s.client.getAuthCredentials({ code }));
    assertInstanceOf(error, CredentialApiError);
    assertEquals(error.traceId, undefined, traceId);
  }
  const traceId = crypto.randomUUID();
  await using s = await scene(json(400, {}, { "x-saasus-trace-id": traceId }));
  const error = await rejection(s.client.getAuthCredentials({ code }));
  assertInstanceOf(error, CredentialApiError);
  assertEquals(error.traceId, traceId);
});

test("An error keeps data without a token", async () => {
  const data = { field: "code", reason: "not a UUID" };
  await using s = await scene(json(400, { type: "validation_error", message: "m", data }));
  const error = await rejection(s.client.getAuthCredentials({ code: crypto.randomUUID() }));
  assertInstanceOf(error, CredentialApiError);
  assertEquals([error.type, error.data], ["validation_error", data]);
});

test("No error without a response contains a secret", async () => {
  const seeded = seeds();
  const token = seeded.bearer;
  const seen: unknown[] = [];
  const clients = {
    refused: new CredentialClient({ auth: bearerAuth(token), baseUrl: await freeOrigin() }),
    "no such host": new CredentialClient({
      auth: bearerAuth(token),
      baseUrl: "https://no.invalid",
    }),
    "no TLS": new CredentialClient({
      auth: bearerAuth(token),
      baseUrl: (await freeOrigin()).replace("http", "https"),
    }),
    "a fetch that quotes": new CredentialClient({
      auth: bearerAuth(token),
      fetch: (url, init) => {
        const error = new TypeError(`fetch failed for ${url} with ${JSON.stringify(init)}`);
        return Promise.reject(Object.assign(error, { path: url, cause: new Error(String(url)) }));
      },
    }),
    "a fetch that answers what only looks like a response": new CredentialClient({
      auth: bearerAuth(token),
      fetch: (url) =>
        Promise.resolve({ status: String(url), headers: new Headers(), body: null } as never),
    }),
    "a fetch that answers nonsense": new CredentialClient({
      auth: bearerAuth(token),
      fetch: (url) => Promise.resolve(String(url) as unknown as Response),
    }),
  };
  for (const [name, client] of Object.entries(clients)) {
    for (const call of Object.values(operations(client, seeded))) {
      const error = await call({ retry: false }).catch((thrown) => thrown);
      assert(error instanceof CredentialError, name);
      assertEquals(error.code, "network_error");
      seen.push(error, client);
    }
  }
  for (const value of seen) assertEquals(leaksIn(value, { ...seeded }), []);
});

test("No error contains an invalid input", async () => {
  const seeded = seeds();
  const { bearer: token, secretKey } = seeded;
  const client = new CredentialClient({ auth: bearerAuth(token) });
  const wrong: (() => unknown)[] = [
    () => bearerAuth(`${token}\n`),
    () => signatureAuth({ saasId: `${token} `, apiKey: token, secretKey }),
    () => signatureAuth({ saasId: "s", apiKey: "k", secretKey: `${secretKey}\n` }),
    () => new CredentialClient({ auth: token as never }),
    () => new CredentialClient({ auth: bearerAuth(token), baseUrl: `https://a.example/?${token}` }),
    () => new CredentialClient({ auth: bearerAuth(token), [token]: token }),
    () => CredentialClient.fromEnv({ env: { SAASUS_SECRET_KEY: secretKey } }),
    () => CredentialClient.fromEnv({ env: { BEARER_TOKEN: `${token}\n` } }),
    () => client.getAuthCredentials({ code: token, refreshToken: token } as never),
    () => client.getAuthCredentials({ code: "c", [token]: token } as never),
    () => client.getAuthCredentials({ authFlow: token, code: token } as never),
    () => client.createAuthCredentials({ id_token: [token], access_token: token } as never),
    () => client.getAuthCredentials({ code: token }, { headers: { authorization: token } }),
    () => client.getAuthCredentials({ code: token }, { headers: { [token]: `${token}\r\n` } }),
    () => client.getAuthCredentials({ code: token }, { traceId: `${token} ` }),
    () => client.getAuthCredentials({ code: token }, { auth: () => `${token}\r\n` }),
    () => client.getAuthCredentials({ code: `${token}\ud800` }),
  ];
  for (const run of wrong) {
    const error = await Promise.resolve().then(run).catch((thrown) => thrown);
    assert(error instanceof CredentialError, String(run));
    assertEquals(error.code, "invalid_input");
    assertEquals(leaksIn(error, { ...seeded }), [], String(run));
  }
});

test("leaksIn() finds hidden secrets", () => {
  const hidden = secret();
  const holders: unknown[] = [
    new Error(hidden),
    new Error("outer", { cause: new Error(hidden) }),
    Object.defineProperty({}, "hidden", { value: hidden, enumerable: false }),
    { [Symbol(hidden)]: 1 },
    { deep: [{ list: new Map([[1, hidden]]) }] },
    new Request(`https://a.example/?q=${hidden}`),
    { part: hidden.slice(0, 20) },
  ];
  for (const holder of holders) assertNotEquals(leaksIn(holder, { hidden }), []);
});

/** Returns an origin without a server. */
async function freeOrigin(): Promise<string> {
  const server = await startServer(() => "close");
  await server[Symbol.asyncDispose]();
  return server.origin;
}
