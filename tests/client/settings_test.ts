import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { CredentialInputError } from "../../src/errors.ts";
import type { CredentialClientOptions, RequestOptions } from "../../src/client/options.ts";
import { type CallSettings, callSettings, clientSettings } from "../../src/client/settings.ts";

const auth = () => "Test x";
const failure = { message: "Cannot exchange temp code", operation: "getAuthCredentials" } as const;

function client(options: object = {}): CallSettings {
  return clientSettings({ auth, ...options } as CredentialClientOptions).call;
}

function call(options: object, defaults = client()): CallSettings {
  return callSettings(defaults, options as RequestOptions, failure);
}

test("clientSettings() fills in the defaults, for options that are undefined as well", () => {
  const undefinedOptions = Object.fromEntries(
    [
      "baseUrl",
      "timeout",
      "totalTimeout",
      "retry",
      "headers",
      "referer",
      "saasusReferer",
      "traceId",
    ]
      .concat(["fetch", "now", "onRetry", "onResponse"]).map((name) => [name, undefined]),
  );
  for (const options of [{ auth }, { auth, ...undefinedOptions }]) {
    const settings = clientSettings(options);
    assertEquals(settings.baseUrl, "https://api.saasus.io/v1/auth");
    assertEquals(settings.call.timeout, 5_000);
    assertEquals(settings.call.totalTimeout, undefined);
    assertEquals(settings.call.retry, { limit: 2, delay: 300, maxDelay: 2_000 });
    assertEquals(settings.call.headers, {});
    assertStrictEquals(settings.call.auth, auth);
    const now = settings.now();
    assert(Math.abs(now - Date.now()) < 1_000);
    assertStrictEquals(settings.fetch, undefined);
    assertEquals([settings.onRetry, settings.onResponse], [undefined, undefined]);
  }
});

test("clientSettings() takes over what is set", () => {
  const [fetch, now, onRetry, onResponse] = [
    () => new Promise<Response>(() => {}),
    () => 5,
    () => {},
    () => {},
  ];
  const settings = clientSettings({
    auth,
    baseUrl: "https://proxy.example/auth/",
    timeout: 1,
    totalTimeout: 2 ** 31 - 1,
    retry: { limit: 0, delay: 0.5, maxDelay: 0 },
    fetch,
    now,
    onRetry,
    onResponse,
  });
  assertEquals(settings.baseUrl, "https://proxy.example/auth");
  assertEquals(settings.call.timeout, 1);
  assertEquals(settings.call.totalTimeout, 2 ** 31 - 1);
  assertEquals(settings.call.retry, { limit: 0, delay: 0.5, maxDelay: 0 });
  assertStrictEquals(settings.fetch, fetch);
  assertStrictEquals(settings.now, now);
  assertStrictEquals(settings.onRetry, onRetry);
  assertStrictEquals(settings.onResponse, onResponse);
});

test("callSettings() puts a call's options over those of its client, one by one", () => {
  const defaults = client({
    timeout: 100,
    totalTimeout: 200,
    retry: { limit: 7 },
    headers: { "X-Kept": "client", "X-Changed": "client" },
    referer: "https://app.example/client?x",
    traceId: "client",
  });
  assertStrictEquals(callSettings(defaults, undefined, failure), defaults);
  assertEquals(call({}, defaults), defaults);
  const other = () => "Other x";
  const { signal } = new AbortController();
  const settings = call({
    timeout: 1,
    retry: { delay: 9 },
    headers: [["x-changed", "call"], ["x-added", "call"]],
    saasusReferer: "https://app.example/call#x",
    auth: other,
    signal,
  }, defaults);
  assertEquals([settings.timeout, settings.totalTimeout], [1, 200]);
  assertEquals(settings.retry, { limit: 7, delay: 9, maxDelay: 2_000 });
  assertEquals(settings.headers, {
    "x-kept": "client",
    "x-changed": "call",
    "x-added": "call",
    "referer": "https://app.example/client",
    "x-saasus-referer": "https://app.example/call",
    "x-saasus-trace-id": "client",
  });
  assertStrictEquals(settings.auth, other);
  assertStrictEquals(settings.signal, signal);
});

test("callSettings() takes back referers and the trace id with null, and keeps them with undefined", () => {
  const defaults = client({
    referer: "https://a.example/",
    saasusReferer: "https://b.example/",
    traceId: "t",
  });
  assertEquals(call({ referer: null, saasusReferer: null, traceId: null }, defaults).headers, {});
  assertEquals(
    call({ referer: undefined, saasusReferer: undefined, traceId: undefined }, defaults),
    defaults,
  );
});

test("callSettings() repeats nothing with retry: false, and again with a limit of a call", () => {
  const none = client({ retry: false });
  assertEquals(none.retry.limit, 0);
  assertEquals(call({ retry: false }).retry.limit, 0);
  assertEquals(call({ retry: {} }, none).retry.limit, 0);
  assertEquals(call({ retry: { limit: 1 } }, none).retry, { ...client().retry, limit: 1 });
  assertEquals(call({ retry: { limit: undefined, delay: undefined } }).retry, client().retry);
});

test("callSettings() changes neither the client's settings nor the options", () => {
  const defaults = client({ headers: { "x-a": "client" } });
  const before = structuredClone({ ...defaults, auth: undefined });
  const options = Object.freeze({
    headers: Object.freeze({ "X-A": "call" }),
    retry: Object.freeze({ limit: 9 }),
  });
  call(options, defaults);
  assertEquals({ ...defaults, auth: undefined } as unknown, before as unknown);
});

test("clientSettings() and callSettings() name each wrong option and repeat none", () => {
  const secret = crypto.randomUUID();
  const times = [0, -1, 1.5, NaN, Infinity, 2 ** 31, "5000", null, true, {}, 10n];
  const waits = [-1, NaN, Infinity, 2 ** 31, "5", null];
  const wrong: readonly (readonly [string, readonly unknown[]])[] = [
    ["timeout", times],
    ["totalTimeout", times],
    ["retry", [true, null, 2, secret]],
    ["retry.limit", [-1, 1.5, 101, NaN, Infinity, "2", null]],
    ["retry.delay", waits],
    ["retry.maxDelay", waits],
    ["headers", [secret, null, { "x-a": `${secret}\r\n` }, [["x-a", `${secret}\0`]]]],
    ["referer", [5, `${secret}\r`, `${secret}\n`, `${secret}\0`]],
    ["saasusReferer", [5, `${secret}\r`, `${secret}\n`, `${secret}\0`]],
    ["traceId", [5, "", `${secret}\r`, `${secret}\n`, `${secret}\0`, `${secret} `]],
    ["auth", [null, secret, {}, `Bearer ${secret}`]],
  ];
  for (const [path, values] of wrong) {
    for (const value of values) {
      const [outer, inner] = path.split(".");
      const options = { [String(outer)]: inner === undefined ? value : { [inner]: value } };
      for (
        const [run, message] of [[client, "Cannot create the client"], [
          call,
          failure.message,
        ]] as const
      ) {
        const error = assertThrows(() => run(options), CredentialInputError);
        assertEquals(error.issues.map((issue) => issue.path), [path], String(value));
        assert(error.message.startsWith(`${message}: "${path}": expected `));
        assert(!JSON.stringify(error).includes(secret));
      }
    }
  }
});

test("clientSettings() names each wrong option of a client alone", () => {
  const secret = crypto.randomUUID();
  const baseUrls = ["", "api.saasus.io", "http://api.saasus.io", `https://a.example/?${secret}`, 5];
  const functions = [null, 5, secret, {}];
  const wrong: readonly (readonly [string, readonly unknown[]])[] = [
    ["baseUrl", [...baseUrls, null, new URL("https://a.example"), `https://${secret}@a.example`]],
    ["fetch", functions],
    ["now", functions],
    ["onRetry", functions],
    ["onResponse", functions],
  ];
  for (const [path, values] of wrong) {
    for (const value of values) {
      const error = assertThrows(() => client({ [path]: value }), CredentialInputError);
      assertEquals(error.issues.map((issue) => issue.path), [path]);
      assert(!JSON.stringify(error).includes(secret));
    }
  }
  const { issues } = assertThrows(
    () => client({ auth: undefined, timeout: "", retry: { limit: "", delay: "" }, now: 1 }),
    CredentialInputError,
  );
  assertEquals(
    issues.map(({ path }) => path),
    ["timeout", "retry.limit", "retry.delay", "auth", "now"],
  );
});

test("callSettings() looks at each option once, so that none can change after it was checked", () => {
  const answers = [1, -5];
  const settings = call({
    headers: new Map([["x-a", "1"]]).entries(),
    retry: {
      get limit() {
        return answers.shift();
      },
    },
  });
  assertEquals(settings.headers, { "x-a": "1" });
  assertEquals(settings.retry.limit, 1);
});

test("clientSettings() and callSettings() say what an auth can be", () => {
  const expected =
    "bearerAuth(…), signatureAuth(…) or another function that returns a header's value";
  const wrong: readonly unknown[] = [null, "token", {}, Promise.resolve(auth)];
  const runs = [
    () => clientSettings({} as CredentialClientOptions),
    () => client({ auth: undefined }),
    ...wrong.flatMap((auth) => [() => client({ auth }), () => call({ auth })]),
  ];
  for (const run of runs) {
    const { issues } = assertThrows(run, CredentialInputError);
    assertEquals(issues, [{ path: "auth", expected }]);
  }
});

test("callSettings() names a wrong signal, and the operation that does not take place", () => {
  for (const signal of [0, {}, { aborted: true }, new AbortController()]) {
    const error = assertThrows(() => call({ signal }), CredentialInputError);
    assertEquals(error.issues, [{ path: "signal", expected: "an AbortSignal or null" }]);
    assertEquals(error.operation, "getAuthCredentials");
  }
});

test("callSettings() takes null for no signal, as fetch does", () => {
  assertEquals(call({ signal: null }).signal, null);
});

test("clientSettings() and callSettings() refuse surplus options without telling their names", () => {
  const name = crypto.randomUUID();
  for (const run of [client, call]) {
    for (const options of [{ [name]: 1 }, { retry: { [name]: 1 } }]) {
      const error = assertThrows(() => run(options), CredentialInputError);
      assert(error.message.includes("expected no other options than "));
      assert(!JSON.stringify(error).includes(name));
    }
  }
  // Options of a client that a call cannot change.
  for (const option of [{ baseUrl: "https://a.example" }, { fetch }, { onRetry: () => {} }]) {
    assertThrows(() => call(option), CredentialInputError, "no other options than timeout");
  }
});

test("clientSettings() and callSettings() refuse what is no options, or throws when it is read", () => {
  const secret = crypto.randomUUID();
  const get = () => {
    throw new Error(secret);
  };
  const wrong: readonly unknown[] = [null, 5, secret, () => {}];
  for (const options of wrong) {
    assertThrows(
      () => clientSettings(options as CredentialClientOptions),
      CredentialInputError,
      "Cannot create the client: expected an object",
    );
    assertThrows(() => call(options as object), CredentialInputError, "expected an object");
  }
  for (
    const [options, path] of [
      [new Proxy({ auth }, { ownKeys: get }), ""],
      [Object.defineProperty({ auth }, "timeout", { get, enumerable: true }), "timeout"],
      [
        { auth, retry: Object.defineProperty({}, "limit", { get, enumerable: true }) },
        "retry.limit",
      ],
    ] as const
  ) {
    for (const run of [clientSettings, call]) {
      const error = assertThrows(() => run(options), CredentialInputError);
      assertEquals(error.issues, [{ path, expected: "a value that can be read" }]);
      assert(!String(error.stack).includes(secret));
    }
  }
});
