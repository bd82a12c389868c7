import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { test } from "node:test";
import {
  bearerAuth,
  CredentialClient,
  type CredentialClientOptions,
  CredentialInputError,
  type RequestOptions,
} from "../../mod.ts";
import { apiError, ok, rejection, scene, secret, someCredentials } from "../support/fixtures.ts";

const auth = () => "Test x";

/** Creates a client whose options can be invalid. */
function create(options: object): CredentialClient {
  return new CredentialClient({ auth, ...options } as CredentialClientOptions);
}

/** Returns the error for an option of a client and for the same option of a call. */
async function errorsFor(options: object): Promise<CredentialInputError[]> {
  const client = create({ fetch: () => Promise.reject(new Error("sent")) });
  const ofCall = await rejection(
    client.getAuthCredentials({ code: "c" }, options as RequestOptions),
  );
  assertInstanceOf(ofCall, CredentialInputError);
  assert(ofCall.message.startsWith("Cannot exchange temp code: "));
  assertEquals(ofCall.operation, "getAuthCredentials");
  const ofClient = assertThrows(() => create(options), CredentialInputError);
  assert(ofClient.message.startsWith("Cannot create the client: "));
  return [ofClient, ofCall];
}

/** Returns the URL that a client with this base URL sends a request to. */
async function sentUrl(baseUrl: string): Promise<string | undefined> {
  const urls: string[] = [];
  const client = create({
    baseUrl,
    fetch: (url: string) => {
      urls.push(url);
      return Promise.resolve(Response.json(someCredentials()));
    },
  });
  await client.getAuthCredentials({ code: "c" });
  return urls[0]?.replace("/credentials?code=c&auth-flow=tempCodeAuth", "");
}

test("An invalid option of a client or a call is named, and its value is not quoted", async () => {
  const value = secret();
  const times = [0, -1, 1.5, NaN, Infinity, 2 ** 31, "5000", null, true, {}, 10n];
  const waits = [-1, NaN, Infinity, 2 ** 31, "5", null];
  const bad = ["\r", "\n", "\r\nX-Evil: 1", "\0", "\x01", "\x7f", "\u0100", "\u{1F600}"];
  const invalid: readonly (readonly [string, readonly unknown[]])[] = [
    ["timeout", times],
    ["totalTimeout", times],
    ["retry", [true, null, 2, value]],
    ["retry.limit", [-1, 1.5, 101, NaN, Infinity, "2", null]],
    ["retry.delay", waits],
    ["retry.maxDelay", waits],
    ["headers", [
      value,
      null,
      5,
      [value],
      [["x-a"]],
      { "x-a": 5 },
      { "x-a": undefined },
      { "": value },
      { "x a": value },
      { authorization: value },
      [["Authorization", value]],
      { "content-length": "5" },
      { host: value },
      ...bad.map((end) => ({ "x-a": value + end })),
      ...bad.map((end) => [["x-a", value + end]]),
      ...bad.map((end) => ({ [value + end]: "a" })),
    ]],
    ["referer", [5, ...bad.map((end) => value + end)]],
    ["saasusReferer", [5, ...bad.map((end) => value + end)]],
    ["traceId", [5, "", `${value} `, ...bad.map((end) => value + end)]],
    ["auth", [null, value, {}, `Bearer ${value}`, Promise.resolve(auth)]],
  ];
  for (const [path, values] of invalid) {
    for (const each of values) {
      const [outer, inner] = path.split(".");
      const options = { [String(outer)]: inner === undefined ? each : { [inner]: each } };
      for (const error of await errorsFor(options)) {
        assertEquals(error.issues.map((issue) => issue.path), [path]);
        assert(error.message.includes(`: "${path}": expected `));
        assert(!JSON.stringify(error).includes(value));
      }
    }
  }
});

test("An invalid option that only a client has is named, and its value is not quoted", () => {
  const value = secret();
  const functions = [null, 5, value, {}];
  const invalid: readonly (readonly [string, readonly unknown[]])[] = [
    ["baseUrl", [5, null, new URL("https://a.example"), `https://${value}@a.example`]],
    ["fetch", functions],
    ["now", functions],
    ["onRetry", functions],
    ["onResponse", functions],
  ];
  for (const [path, values] of invalid) {
    for (const each of values) {
      const error = assertThrows(() => create({ [path]: each }), CredentialInputError);
      assertEquals(error.issues.map((issue) => issue.path), [path]);
      assert(!JSON.stringify(error).includes(value));
    }
  }
});

test("Unknown options are rejected, and their names are not quoted", async () => {
  const name = secret();
  for (const options of [{ [name]: 1 }, { retry: { [name]: 1 } }]) {
    for (const error of await errorsFor(options)) {
      assert(error.message.includes("expected no other options than "));
      assert(!JSON.stringify(error).includes(name));
    }
  }
  // Options of a client that a call cannot change.
  for (const option of [{ baseUrl: "https://a.example" }, { fetch }, { onRetry: () => {} }]) {
    const error = await rejection(create({}).getAuthCredentials({ code: "c" }, option as object));
    assertInstanceOf(error, CredentialInputError);
  }
});

test("An option whose getter throws is named, and its error is not quoted", async () => {
  const value = secret();
  const get = () => {
    throw new Error(value);
  };
  const expected = "a value that can be read";
  const withGetter = Object.defineProperty({ auth }, "timeout", { get, enumerable: true });
  const client = assertThrows(() => new CredentialClient(withGetter), CredentialInputError);
  const call = await rejection(create({}).getAuthCredentials({ code: "c" }, withGetter));
  assertInstanceOf(call, CredentialInputError);
  for (const error of [client, call]) {
    assertEquals(error.issues, [{ path: "timeout", expected }]);
    assert(!String(error.stack).includes(value));
  }
  const proxy = new Proxy({ auth }, { ownKeys: get });
  const error = assertThrows(() => new CredentialClient(proxy), CredentialInputError);
  assertEquals(error.issues, [{ path: "", expected }]);
});

test("Options that are undefined have their defaults", async () => {
  const names = ["timeout", "totalTimeout", "retry", "headers", "referer", "saasusReferer"];
  const options = Object.fromEntries(names.concat(["traceId"]).map((name) => [name, undefined]));
  await using s = await scene(apiError(503), {
    ...options,
    ...Object.fromEntries(
      ["now", "onRetry", "onResponse", "fetch"].map((name) => [name, undefined]),
    ),
    retry: { limit: undefined, delay: 0 },
  });
  await rejection(s.client.getAuthCredentials({ code: "c" }, options));
  assertEquals(s.server.requests.length, 3);
});

test("null removes the referers and the trace id of the client, undefined keeps them", async () => {
  await using s = await scene(ok(), {
    referer: "https://a.example/",
    saasusReferer: "https://b.example/",
    traceId: "t",
  });
  await s.client.getAuthCredentials({ code: "c" }, {
    referer: undefined,
    saasusReferer: undefined,
    traceId: undefined,
  });
  await s.client.getAuthCredentials({ code: "c" }, {
    referer: null,
    saasusReferer: null,
    traceId: null,
  });
  const names = ["referer", "x-saasus-referer", "x-saasus-trace-id"];
  const sent = s.server.requests.map(({ headers }) => names.map((name) => headers.get(name)));
  assertEquals(sent, [["https://a.example/", "https://b.example/", "t"], [null, null, null]]);
});

test("headers can be a record, pairs or Headers, and names are case-insensitive", async () => {
  const shapes: RequestOptions["headers"][] = [
    { "X-One": "1", "x-TWO": "zwei, dé ü\t!" },
    [["X-One", "1"], ["X-Two", "zwei, dé ü\t!"]],
    new Headers({ "x-one": "1", "x-two": "zwei, dé ü\t!" }),
  ];
  const sent: Record<string, string>[] = [];
  const client = new CredentialClient({
    auth,
    headers: Object.freeze({ "X-ONE": "client" }),
    fetch: (_, init) => {
      sent.push(init?.headers as Record<string, string>);
      return Promise.resolve(Response.json(someCredentials()));
    },
  });
  for (const headers of shapes) await client.getAuthCredentials({ code: "c" }, { headers });
  await client.getAuthCredentials({ code: "c" });
  const common = { accept: "application/json", authorization: "Test x" };
  const expected = { ...common, "x-one": "1", "x-two": "zwei, dé ü\t!" };
  assertEquals(sent, [expected, expected, expected, { ...common, "x-one": "client" }]);
});

test("referer is an input error in a browser, which does not let a page set it", async (t) => {
  const { Request: original } = globalThis;
  t.after(() => Object.assign(globalThis, { Request: original }));
  class BrowserRequest extends original {
    constructor(input: string, init?: RequestInit) {
      super(input, init);
      this.headers.delete("referer");
    }
  }
  Object.assign(globalThis, { Request: BrowserRequest });
  for (const error of await errorsFor({ referer: "https://a.example/" })) {
    assertEquals(error.issues.map(({ path }) => path), ["referer"]);
    assert(error.message.endsWith('use "saasusReferer"'));
  }
  const inits: (RequestInit | undefined)[] = [];
  const client = new CredentialClient({
    auth,
    referer: null,
    saasusReferer: "https://a.example/",
    fetch: (_, init) => {
      inits.push(init);
      return Promise.resolve(Response.json(someCredentials()));
    },
  });
  await client.getAuthCredentials({ code: "c" });
  assertEquals([inits[0]?.cache, inits[0]?.referrerPolicy], ["no-store", "no-referrer"]);
});

test("baseUrl is normalised, so that the signed URL is the sent one", async () => {
  const urls: readonly (readonly [string, string])[] = [
    ["https://api.saasus.io", "https://api.saasus.io"],
    ["https://api.saasus.io/v1/auth///", "https://api.saasus.io/v1/auth"],
    ["https://api.saasus.io//v1//auth", "https://api.saasus.io/v1/auth"],
    ["HTTPS://API.SaaSus.IO:443/V1", "https://api.saasus.io/V1"],
    ["https://api.saasus.io:8443/", "https://api.saasus.io:8443"],
    ["https://api.saasus.io/a/./b/../c", "https://api.saasus.io/a/c"],
    ["https://exämple.com/äb'c%2f", "https://xn--exmple-cua.com/%C3%A4b'c%2f"],
  ];
  for (const [url, normal] of urls) {
    assertEquals(await sentUrl(url), normal);
    assertEquals(await sentUrl(normal), normal);
  }
});

test("baseUrl can be http: on loopback hosts only", async () => {
  const loopback = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "saasus.localhost",
    "127.0.0.1",
    "127.255.3.4",
    "127.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
  ];
  const others = [
    "api.saasus.io",
    "localhost.example",
    "mylocalhost",
    "127.0.0.1.example",
    "128.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "[::]",
    "[::2]",
    "[fe80::1]",
  ];
  for (const host of loopback) {
    const url = `http://${host}:4010/v1/auth`;
    assertEquals(await sentUrl(url), new URL(url).href);
  }
  for (const host of others) {
    assertThrows(() => create({ baseUrl: `http://${host}:4010/v1` }), CredentialInputError);
    assertEquals(await sentUrl(`https://${host}/x`), `https://${host}/x`);
  }
});

test("baseUrl is rejected without https:, with a query, a user, or white space", () => {
  const invalid = [
    "",
    "api.saasus.io/v1/auth",
    "/v1/auth",
    "//api.saasus.io/v1",
    "https://",
    "https://api.saasus.io/v1?",
    "https://api.saasus.io/v1?code=1",
    "https://api.saasus.io/v1#",
    "https://user@api.saasus.io/v1",
    "https://user:password@api.saasus.io/v1",
    "https://:password@api.saasus.io/v1",
    "https://api.saasus.io:99999/v1",
    "ftp://localhost/v1",
    "ws://localhost/v1",
    "file:///etc/passwd",
    "data:application/json,{}",
    "javascript:alert(1)",
    ...[" ", "\t", "\r", "\n", "\0", "\x7f", "\x85", "\xa0", "\u2028", "\u3000"].flatMap(
      (space) => [
        `${space}https://api.saasus.io/v1`,
        `https://api.saasus.io/v1${space}`,
        `https://api.saasus.io/v1${space}/auth`,
        `htt${space}ps://api.saasus.io/v1`,
      ],
    ),
  ];
  for (const baseUrl of invalid) {
    const error = assertThrows(() => create({ baseUrl }), CredentialInputError);
    assertEquals(error.issues.map(({ path }) => path), ["baseUrl"]);
  }
});

test("An empty path segment in baseUrl is signed as it is sent over a socket", async () => {
  await using s = await scene(ok());
  const urls: string[] = [];
  const client = new CredentialClient({
    baseUrl: `${s.server.origin}//v1//auth/`,
    auth: ({ url }) => {
      urls.push(new URL(url).pathname);
      return bearerAuth("t")({ method: "GET", url, body: "", timestamp: 0, rejected: false });
    },
  });
  await client.getAuthCredentials({ code: "c" });
  const sent = s.server.requests.map(({ target }) => target.split("?")[0] ?? "");
  assertEquals(sent, urls);
});
