import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { test } from "node:test";
import {
  bearerAuth,
  CredentialApiError,
  CredentialClient,
  CredentialNetworkError,
  CredentialResponseError,
} from "../../mod.ts";
import { rejection, secret } from "../support/fixtures.ts";

const JSON_TYPE = { "content-type": "application/json" };
const CREDENTIALS = '{"id_token":"a","access_token":"b"}';
const LIMIT = 2 ** 20;

/** Makes a call that gets this response. */
async function callWith(response: Response): Promise<unknown> {
  const client = new CredentialClient({
    auth: bearerAuth(secret()),
    retry: false,
    fetch: () => Promise.resolve(response),
  });
  return await client.getAuthCredentials({ code: "c" });
}

/** A body that is created while it is read. */
class Source {
  pulled = 0;
  cancelled = false;
  readonly stream: ReadableStream<Uint8Array>;

  constructor(chunk: (number: number) => Uint8Array | undefined, onCancel = () => {}) {
    this.stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = chunk(this.pulled++);
        if (next === undefined) controller.close();
        else controller.enqueue(next);
      },
      cancel: () => {
        this.cancelled = true;
        onCancel();
      },
    }, { highWaterMark: 0 });
  }

  response(headers: Record<string, string> = {}, status = 200): Response {
    return new Response(this.stream, { status, headers: { ...JSON_TYPE, ...headers } });
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("A response whose status is no whole number is a network error that does not quote it", async () => {
  const text = secret();
  const statuses = ["200", "401", [500], true, 200.5, Infinity, NaN, -1, new Date(5), {
    valueOf: () => 500,
    toString: () => text,
  }];
  for (const status of statuses) {
    const response = { status, ok: false, headers: new Headers(), body: null };
    const error = await rejection(callWith(response as unknown as Response));
    assertInstanceOf(error, CredentialNetworkError);
    assertEquals(error.message, "Cannot exchange temp code: no response was received");
  }
});

test("An error response without some fields or with invalid ones keeps the valid ones", async () => {
  const type = "not_found";
  const data = { a: [1] };
  const bodies: readonly (readonly [unknown, Partial<CredentialApiError>])[] = [
    [{ type, message: "m", data }, { type, data }],
    [{ type }, { type }],
    [{ type, message: 5, more: [] }, { type }],
    [{ type, data: [1, 2] }, { type }],
    [{ type, data: null }, { type }],
    [{ type, data: "text" }, { type }],
    [{ data }, { data }],
    [{ type: "two words", data }, { data }],
    [{ type: null, message: "m" }, {}],
    [{}, {}],
    [[type, data], {}],
    [type, {}],
    [null, {}],
    [5, {}],
  ];
  for (const [body, fields] of bodies) {
    const error = await rejection(callWith(Response.json(body, { status: 404 })));
    assertInstanceOf(error, CredentialApiError);
    const detail = fields.type === undefined ? "" : ` (${type})`;
    assertEquals(error.message, `Cannot exchange temp code: the API answered 404${detail}`);
    assertEquals({ ...error } as object, {
      code: "api_error",
      status: 404,
      operation: "getAuthCredentials",
      retryCount: 0,
      ...fields,
    });
  }
});

test("An error response whose body is empty or no JSON has only a status", async () => {
  const bodies: readonly (readonly [string | null, string])[] = [
    [null, "application/json"],
    ["", "application/json"],
    ["{", "application/json"],
    ['{"type":"not_found"}{', "application/json"],
    ['{"type":"not_found"}', "text/plain"],
  ];
  for (const [body, type] of bodies) {
    const response = new Response(body, { status: 500, headers: { "content-type": type } });
    const error = await rejection(callWith(response));
    assertInstanceOf(error, CredentialApiError);
    assertEquals(error.message, "Cannot exchange temp code: the API answered 500");
    assertEquals([error.status, error.type, error.data], [500, undefined, undefined]);
  }
});

test("A body that says it is too long is cancelled unread", async () => {
  const source = new Source(() => bytes("x"));
  const error = await rejection(callWith(source.response({ "content-length": `${LIMIT + 1}` })));
  assertInstanceOf(error, CredentialResponseError);
  assertMatch(error.message, /longer than 1 MiB$/);
  assertEquals([source.pulled, source.cancelled], [0, true]);
});

test("A body is counted in bytes while it is read, whatever its headers say", async () => {
  const headers = [
    {},
    ...["0", "1", "-1", "abc", "1e1"].map((length) => ({ "content-length": length })),
    { "content-length": "5", "content-encoding": "x" },
  ];
  for (const each of headers) {
    const source = new Source(() => bytes("あ".repeat(LIMIT / 16)));
    const error = await rejection(callWith(source.response(each)));
    assertInstanceOf(error, CredentialResponseError);
    assertMatch(error.message, /longer than 1 MiB$/);
    assertEquals([source.pulled, source.cancelled], [6, true]);
  }
});

test("A replaced globalThis.fetch whose responses have a URL and a false length is held to 1 MiB", async () => {
  const body = CREDENTIALS.replace("{", `{"pad":"${"x".repeat(LIMIT)}",`);
  const response = new Response(body, { headers: { ...JSON_TYPE, "content-length": "100" } });
  // Libraries that mock the network define it.
  Object.defineProperty(response, "url", { value: "https://api.saasus.io/v1/auth/credentials" });
  const { fetch } = globalThis;
  globalThis.fetch = (() => Promise.resolve(response)) as typeof fetch;
  try {
    const client = new CredentialClient({ auth: bearerAuth(secret()), retry: false });
    const error = await rejection(client.getAuthCredentials({ code: "c" }));
    assertInstanceOf(error, CredentialResponseError);
    assertMatch(error.message, /longer than 1 MiB$/);
  } finally {
    globalThis.fetch = fetch;
  }
});

test("A body whose cancelling fails or never ends does not delay the call", async () => {
  const failing = new Source(() => new Uint8Array(LIMIT + 1), () => {
    throw new Error("broken pipe");
  });
  const hanging = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(LIMIT + 1)),
    cancel: () => new Promise<void>(() => {}),
  });
  for (const response of [failing.response(), new Response(hanging, { headers: JSON_TYPE })]) {
    assertInstanceOf(await rejection(callWith(response)), CredentialResponseError);
  }
  assert(failing.cancelled);
});

test("A body is decoded as UTF-8 across chunks, without its byte order mark", async () => {
  const text = '{"id_token":"é あ \u{1F600}","access_token":"b"}';
  const whole = bytes(`\ufeff${text}`);
  for (let cut = 1; cut < whole.length; cut++) {
    const parts = [whole.subarray(0, cut), whole.subarray(cut)];
    assertEquals(await callWith(new Source((n) => parts[n]).response()), JSON.parse(text));
  }
});

test("A body that breaks off is a network error", async () => {
  const broken = new Source((number) => {
    if (number === 0) return bytes("{");
    throw new TypeError("error reading a body from connection");
  });
  const error = await rejection(callWith(broken.response()));
  assertInstanceOf(error, CredentialNetworkError);
  assertEquals(error.reason, "reset");
});

test("A body of another content type and the body of a redirect are cancelled unread", async () => {
  for (
    const [headers, status] of [[{ "content-type": "text/html" }, 200], [
      { location: "/" },
      302,
    ]] as const
  ) {
    const source = new Source(() => bytes("x"));
    const error = await rejection(callWith(source.response(headers, status)));
    assertInstanceOf(error, CredentialResponseError);
    assertEquals([source.pulled, source.cancelled], [0, true]);
  }
});

test("JSON is recognised by its content type", async () => {
  const json = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/json ; x=y",
    " APPLICATION/JSON ",
    "application/problem+json",
    "application/vnd.saasus.v1+json",
    "text/json",
  ];
  const others = [
    "text/html",
    "text/plain; format=application/json",
    "application/jsonx",
    "application/json-seq",
    "application/xjson",
    "application/json/x",
    "application/octet-stream",
    "text/html, application/json",
    "json",
  ];
  const respond = (type: string) =>
    callWith(new Response(CREDENTIALS, { headers: { "content-type": type } }));
  for (const type of json) assertEquals(await respond(type), JSON.parse(CREDENTIALS), type);
  for (const type of others) {
    assertInstanceOf(await rejection(respond(type)), CredentialResponseError, type);
  }
});
