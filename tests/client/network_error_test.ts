import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { NetworkErrorReason } from "../../src/errors.ts";
import { isNotPermitted, networkError } from "../../src/client/network_error.ts";

function reasonOf(thrown: unknown): NetworkErrorReason {
  return networkError(thrown, "Cannot do it", {}).reason;
}

type Link = readonly [message: string, code?: string, name?: string];

/** An error as runtimes throw it, with the errors that caused it behind it. */
function thrown([message, code, name]: Link, ...causes: readonly Link[]): Error {
  const [next, ...rest] = causes;
  const error = new TypeError(message, next && { cause: thrown(next, ...rest) });
  return Object.assign(error, code && { code }, name && { name });
}

const denoUrl =
  "error sending request for url (https://api.saasus.io/v1/auth/credentials?code=tls)";
const bunClosed =
  "ECONNRESET: The socket connection was closed unexpectedly. For more information, " +
  "pass `verbose: true` in the second argument to fetch()";

/** What Deno throws without `--allow-net`. */
const notCapable = thrown([
  'Requires net access to "ssl.example.com:443", run again with the --allow-net flag',
  "",
  "NotCapable",
]);

/** What was recorded of Deno 2.9, Bun 1.4 and Node 20 to 24. */
const RECORDED: Readonly<Record<NetworkErrorReason, readonly Error[]>> = {
  refused: [
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): tcp connect error: Connection refused (os error 111)`,
    ]),
    thrown([
      "ECONNREFUSED: Unable to connect. Is the computer able to access the url?",
      "ECONNREFUSED",
    ]),
    thrown(["Unable to connect. Is the computer able to access the url?", "ConnectionRefused"]),
    thrown(["fetch failed"], ["connect ECONNREFUSED 127.0.0.1:34417", "ECONNREFUSED"]),
    new TypeError("fetch failed", {
      cause: new AggregateError([
        thrown(["connect ECONNREFUSED ::1:9", "ECONNREFUSED"]),
        thrown(["connect ECONNREFUSED 127.0.0.1:9", "ECONNREFUSED"]),
      ]),
    }),
  ],
  reset: [
    thrown(["fetch failed"], ["Connection reset by peer (os error 104)"]),
    thrown(["fetch failed"], [
      "error sending request from 127.0.0.1:50910 for http://127.0.0.1:38055/ (127.0.0.1:38055): " +
      "client error (SendRequest): connection closed before message completed",
    ]),
    thrown(["error reading a body from connection"]),
    thrown(["fetch failed"], [
      "peer closed connection without sending TLS close_notify: " +
      "https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof",
    ]),
    thrown(["fetch failed"], [`${denoUrl}: client error (Connect): tls handshake eof`]),
    thrown([bunClosed, "ECONNRESET"]),
    thrown(["The socket connection was closed unexpectedly", "ConnectionClosed"]),
    thrown(["fetch failed"], ["read ECONNRESET", "ECONNRESET"]),
    thrown(["fetch failed"], ["write EPIPE", "EPIPE"]),
    thrown(["fetch failed"], [
      "Client network socket disconnected before secure TLS connection was established",
      "ECONNRESET",
    ]),
    thrown(["fetch failed"], ["other side closed", "UND_ERR_SOCKET", "SocketError"]),
    thrown(["fetch failed"], ["closed", "UND_ERR_SOCKET", "SocketError"]),
    thrown(["other side closed"]),
    thrown(["terminated"]),
    thrown(["terminated"], ["other side closed", "UND_ERR_SOCKET", "SocketError"]),
  ],
  dns: [
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): dns error: failed to lookup address information: ` +
      "Name or service not known",
    ]),
    thrown(["getaddrinfo ENOTFOUND api.saasus.invalid", "ENOTFOUND"]),
    thrown(["fetch failed"], ["getaddrinfo ENOTFOUND tls.refused.invalid", "ENOTFOUND"]),
    thrown(["fetch failed"], ["getaddrinfo EAI_AGAIN certificate.example", "EAI_AGAIN"]),
    thrown(["fetch failed"], ["getaddrinfo EAI_FAIL api.saasus.invalid", "EAI_FAIL"]),
  ],
  tls: [
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): received fatal alert: ProtocolVersion`,
    ]),
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): invalid peer certificate: UnknownIssuer`,
    ]),
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): invalid peer certificate: certificate not valid for name ` +
      '"127.0.0.1"; certificate is only valid for DnsName("localhost")',
    ]),
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): received corrupt message of type InvalidContentType`,
    ]),
    thrown(["self signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]),
    thrown([
      'ERR_TLS_CERT_ALTNAME_INVALID fetching "https://127.0.0.1:39405/". For more information, pass ' +
      "`verbose: true` in the second argument to fetch()",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ]),
    thrown([
      "EPROTO: The TLS handshake failed. Does the server speak TLS on this port?",
      "EPROTO",
    ]),
    thrown(["fetch failed"], ["self-signed certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"]),
    thrown(["fetch failed"], [
      "Hostname/IP does not match certificate's altnames: Host: dns.example. is not in the cert's " +
      "altnames: DNS:reset.example",
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ]),
    thrown(["fetch failed"], [
      "805C83416A7F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:",
      "ERR_SSL_WRONG_VERSION_NUMBER",
    ]),
    thrown(["fetch failed"], [
      "unable to get local issuer",
      "UNABLE_TO_VERIFY_LEAF_CERT_SIGNATURE",
    ]),
  ],
  other: [
    thrown(["fetch failed"]),
    thrown(["Failed to fetch"]),
    thrown(["NetworkError when attempting to fetch resource."]),
    thrown(["Load failed"]),
    thrown(["The outcome of the request is uncertain"]),
    thrown(["fetch failed"], [
      `${denoUrl}: client error (Connect): tcp connect error: No route to host (os error 113)`,
    ]),
    thrown(["fetch failed"], ["connect EHOSTUNREACH 2001:db8::1:443", "EHOSTUNREACH"]),
    thrown(["fetch failed"], [
      "Response does not match the HTTP/1.1 protocol (Expected HTTP/)",
      "HPE_INVALID_CONSTANT",
      "HTTPParserError",
    ]),
    thrown(["fetch failed"], [
      "Connect Timeout Error (attempted address: tls.example.com:443, timeout: 10000ms)",
      "UND_ERR_CONNECT_TIMEOUT",
    ]),
    notCapable,
  ],
};

test("networkError() recognises the errors of Deno, Bun, Node and browsers", () => {
  for (const [reason, errors] of Object.entries(RECORDED)) {
    for (const error of errors) {
      const cause = error.cause as Error | undefined;
      assertEquals<string>(reasonOf(error), reason, cause?.message ?? error.message);
    }
  }
});

test("networkError() ignores words in URLs", () => {
  const words = [
    "tls",
    "ssl",
    "certificate",
    "dns+error",
    "ECONNRESET",
    "ECONNREFUSED",
    "terminated",
  ];
  for (const word of words) {
    const url = `https://${word}.example/${word}?code=${word}&${word}`;
    const connect = `error sending request for url (${url}): client error (Connect)`;
    for (const message of [`fetching "${url}" failed`, connect, `${url}: ${url}`]) {
      assertEquals(reasonOf(thrown(["fetch failed"], [message])), "other");
    }
    assertEquals(
      reasonOf(thrown([`${connect}: Connection refused (os error 111)`])),
      "refused",
    );
  }
});

test("networkError() is fast for a long message, such as a page of HTML", () => {
  const started = performance.now();
  for (const part of ["a", "a.", "aaaaaaaa.", '"', "http://"]) {
    assertEquals(reasonOf(new Error(part.repeat(100_000))), "other");
  }
  assert(performance.now() - started < 2_000);
});

test("networkError() returns other if a getter throws", () => {
  const get = () => {
    throw new Error("ECONNRESET NotCapable");
  };
  const fields = ["name", "code", "message", "cause", "errors"];
  const hostile: readonly unknown[] = [
    ...fields.map((field) => Object.defineProperty({}, field, { get })),
    new Proxy({}, { get }),
    new Error("NotCapable ECONNRESET", { cause: new Proxy({}, { get }) }),
  ];
  for (const value of hostile) assertEquals(reasonOf(value), "other");
});

test("isNotPermitted() recognises the error class of Deno, and not its name", () => {
  const { Deno: deno } = globalThis as { Deno?: { errors: Record<string, new () => Error> } };
  const type = deno?.errors["NotCapable"];
  if (type !== undefined) assert(isNotPermitted(new type()));
  assert(!isNotPermitted(notCapable));
  assert(!isNotPermitted({ name: "NotCapable" }));
  assert(!isNotPermitted("NotCapable"));
});

test("networkError() returns nothing of the error but the reason", () => {
  const secret = crypto.randomUUID();
  const loop = new Error(secret);
  loop.cause = loop;
  const deep = Array.from({ length: 1_000 }).reduce<Error>(
    (cause) => new Error(secret, { cause }),
    new Error("ECONNRESET"),
  );
  const strange: readonly unknown[] = [
    undefined,
    null,
    secret,
    5,
    Symbol(secret),
    () => secret,
    {},
    [],
    { message: { secret }, code: [secret], cause: secret, errors: secret },
    { errors: [] },
    { errors: [null] },
    new Error(secret, { cause: null }),
    Object.create(null),
    loop,
    deep,
  ];
  for (const value of strange) assertEquals(reasonOf(value), "other");
  assertEquals(reasonOf({ code: "ECONNRESET" }), "reset");
});

/** Returns the error of `fetch` for a server that handles the connection with `respond`. */
async function failureOf(scheme: string, respond: (socket: Socket) => void): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => respond(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  if (scheme === "") await new Promise((resolve) => server.close(resolve));
  try {
    const response = await fetch(`${scheme || "http"}://127.0.0.1:${port}/?code=x`);
    await response.text();
  } catch (error) {
    return error;
  } finally {
    server.close();
  }
  throw new Error("It was answered");
}

test("networkError() recognises the errors of this runtime", async () => {
  const cutBody = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
  const cutChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
  const cut = (start: string) => (socket: Socket) => {
    socket.write(start, () => setTimeout(() => socket.destroy(), 20));
  };
  const failures: readonly (readonly [NetworkErrorReason, string, (socket: Socket) => void])[] = [
    ["refused", "", () => {}],
    ["reset", "http", (socket) => socket.destroy()],
    ["reset", "http", (socket) => socket.resetAndDestroy()],
    ["reset", "http", cut(cutBody)],
    ["reset", "http", cut(cutChunks)],
    ["tls", "https", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ];
  for (const [reason, scheme, respond] of failures) {
    const error = await failureOf(scheme, respond);
    assertNotEquals(error, undefined);
    assertEquals(reasonOf(error), reason, String(error));
  }
});
