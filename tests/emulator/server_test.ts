import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { test } from "node:test";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_SIGNATURE,
  type EmulatorServer,
  serveEmulator,
  type ServeEmulatorOptions,
} from "../../src/emulator/mod.ts";
import { serviceOf } from "../../src/emulator/emulator.ts";
import { CredentialInputError } from "../../src/errors.ts";
import { signatureAuth } from "../../src/auth/signature_auth.ts";
import { BEARER, someTokens } from "../support/emulator_call.ts";
import { converse, requestText } from "../support/emulator_socket.ts";

const TARGET = "/v1/auth/credentials";

async function served(
  options: CredentialEmulatorOptions & ServeEmulatorOptions,
  use: (server: EmulatorServer, emulator: CredentialEmulator) => Promise<void>,
): Promise<void> {
  const { keepAlive = false, ...emulated } = options;
  const emulator = new CredentialEmulator(emulated);
  const server = await serveEmulator(emulator, { keepAlive });
  try {
    await use(server, emulator);
  } finally {
    await server.close();
  }
}

async function signature(method: string, url: string, body: string): Promise<string> {
  const timestamp = Date.now();
  return await signatureAuth(EMULATOR_SIGNATURE)({ method, url, body, timestamp, rejected: false });
}

function exchangeText(port: number, code: string): string {
  const headers = { Host: `127.0.0.1:${port}`, ...BEARER };
  return requestText("GET", `${TARGET}?code=${code}`, headers);
}

test("serveEmulator() serves both operations on loopback", async () => {
  await served({}, async ({ url, port }) => {
    assertEquals(url, `http://127.0.0.1:${port}/v1/auth`);
    const tokens = { ...someTokens(), id_token: "é😀" };
    const saved = await fetch(`${url}/credentials`, {
      method: "POST",
      headers: BEARER,
      body: JSON.stringify(tokens),
    });
    assertEquals(saved.status, 201);
    const { code } = await saved.json();
    const exchanged = await fetch(`${url}/credentials?code=${code}`, { headers: BEARER });
    assertEquals(exchanged.status, 200);
    assertEquals(await exchanged.json(), tokens);
  });
});

test("serveEmulator() verifies signatures of the raw request line, Host and body", async () => {
  await served({}, async ({ port }) => {
    const queries = [
      "code=it's",
      "code=it%27s",
      "code=%7e~%2F/%2f+%20",
      'code={"a":[1]}|^`',
      "code=",
      "",
      "code=a&code=?/?",
    ];
    for (const query of queries) {
      for (const host of [`127.0.0.1:${port}`, "Api.SaaSus.io", "localhost:80"]) {
        const target = query === "" ? TARGET : `${TARGET}?${query}`;
        const sign = async (url: string) => ({
          Host: host,
          Authorization: await signature("GET", url, ""),
        });
        const right = await sign(`http://${host}${target}`);
        const { status } = await converse(port, requestText("GET", target, right));
        assertEquals([400, 404].includes(status), true, `${query} ${status}`);
        const wrong = await sign(`http://${host}${target}x`);
        assertEquals((await converse(port, requestText("GET", target, wrong))).status, 401);
      }
    }
  });
});

test("serveEmulator() verifies signatures of a body in several chunks", async () => {
  await served({}, async ({ port }) => {
    const body = `\t${JSON.stringify({ ...someTokens(), note: "é😀" })}\r\n`;
    const host = `127.0.0.1:${port}`;
    const headers = {
      Host: host,
      Authorization: await signature("POST", `http://${host}${TARGET}`, body),
      "Content-Length": String(new TextEncoder().encode(body).length),
    };
    const head = requestText("POST", TARGET, headers);
    const { status } = await converse(port, head, body.slice(0, 50), body.slice(50));
    assertEquals(status, 201);
  });
});

test("serveEmulator() accepts the absolute form of a request target", async () => {
  await served({}, async ({ port }, emulator) => {
    const url = `http://api.example${TARGET}?code=${emulator.issueCode()}`;
    const Authorization = await signature("GET", url, "");
    const text = requestText("GET", url, { Host: "api.example", Authorization });
    assertEquals((await converse(port, text)).status, 200);
  });
});

test("serveEmulator() closes each connection after its response", async () => {
  await served({}, async ({ port }, emulator) => {
    const { status, head } = await converse(port, exchangeText(port, emulator.issueCode()));
    assertEquals(status, 200);
    assertStringIncludes(head, "connection: close");
  });
});

test("serveEmulator() handles many requests on one connection with keepAlive", async () => {
  await served({ keepAlive: true }, async ({ port }) => {
    const last = exchangeText(port, "b").replace("\r\n", "\r\nConnection: close\r\n");
    const { body } = await converse(port, exchangeText(port, "a"), last);
    assertStringIncludes(body, "HTTP/1.1 404");
  });
});

test("serveEmulator() drops the connection without a response, before or after handling", async () => {
  await served({}, async ({ port, url }, emulator) => {
    for (const [when, status] of [["before_handling", 200], ["after_handling", 404]] as const) {
      const code = emulator.issueCode();
      emulator.faults = [{ kind: "drop", when }];
      const { head, body } = await converse(port, exchangeText(port, code));
      assertEquals(head + body, "");
      assertEquals((await converse(port, exchangeText(port, code))).status, status);
    }
    emulator.faults = [{ kind: "drop" }];
    await assertRejects(() => fetch(`${url}/credentials?code=a`, { headers: BEARER }), TypeError);
    assertEquals(emulator.faults, []);
  });
});

test("serveEmulator() truncates the body and closes the connection", async () => {
  for (const keepAlive of [false, true]) {
    await served({ keepAlive }, async ({ port, url }, emulator) => {
      const tokens = someTokens();
      emulator.faults = [{ kind: "truncate" }, { kind: "truncate" }];
      const code = emulator.issueCode(tokens);
      const { status, head, body } = await converse(port, exchangeText(port, code));
      const whole = JSON.stringify(tokens);
      assertEquals(status, 200);
      assertStringIncludes(head, `content-length: ${whole.length}`);
      assert(body !== "" && body !== whole && whole.startsWith(body));
      await assertRejects(
        async () => await (await fetch(`${url}/credentials?code=a`, { headers: BEARER })).text(),
        TypeError,
      );
    });
  }
});

test("serveEmulator() sends the statuses, headers and bodies of faults", async () => {
  await served({}, async ({ port }, emulator) => {
    emulator.faults = [
      { kind: "status", status: 503, headers: { "Retry-After": "1" } },
      { kind: "status", status: 204 },
      { kind: "status", status: 200, body: "<h1>It works!</h1>" },
    ];
    const busy = await converse(port, exchangeText(port, "a"));
    assertEquals(busy.status, 503);
    assertStringIncludes(busy.head, "retry-after: 1");
    assertStringIncludes(busy.body, '{"type":"service_unavailable"');
    const empty = await converse(port, exchangeText(port, "a"));
    assertEquals([empty.status, empty.body], [204, ""]);
    assertStringIncludes((await converse(port, exchangeText(port, "a"))).body, "<h1>");
  });
});

test("serveEmulator() sends the Date of the emulator's clock", async () => {
  await served({ now: () => 0 }, async ({ port }) => {
    const { head } = await converse(port, exchangeText(port, "a"));
    assertEquals(head.match(/^date: .*$/gm), ["date: thu, 01 jan 1970 00:00:00 gmt"]);
  });
});

test("serveEmulator() returns 413 for a body that is too large", async () => {
  await served({}, async ({ port, url }) => {
    const headers = { Host: "a", ...BEARER, "Transfer-Encoding": "chunked" };
    const chunk = `186a0\r\n${"x".repeat(100_000)}\r\n`;
    const messages = [...Array(50).fill(chunk), "0\r\n\r\n"];
    const chunked = await converse(port, requestText("POST", TARGET, headers), ...messages);
    assertEquals(chunked.status, 413);
    const body = "x".repeat(5_000_000);
    const response = await fetch(`${url}/credentials`, { method: "POST", headers: BEARER, body });
    assertEquals(response.status, 413);
    assertEquals((await response.json()).type, "payload_too_large");
  });
});

test("serveEmulator() closes the connection if a response cannot be sent, and continues", async () => {
  await served({}, async ({ url }, emulator) => {
    const service = serviceOf(emulator);
    const handle = service.handle.bind(service);
    let status = 99;
    service.handle = async (request) => {
      const response = await handle(request);
      return response.kind === "dropped" ? response : { ...response, status };
    };
    await assertRejects(() => fetch(`${url}/credentials`), TypeError);
    status = 401;
    const response = await fetch(`${url}/credentials`);
    assertEquals(response.status, 401);
    await response.body?.cancel();
  });
});

test("serveEmulator() returns valid URLs if it listens on all addresses", async () => {
  for (const hostname of ["", "0.0.0.0", "localhost"]) {
    const server = await serveEmulator(new CredentialEmulator(), { hostname });
    const host = hostname === "localhost" ? "localhost" : "127.0.0.1";
    assertEquals(server.url, `http://${host}:${server.port}/v1/auth`);
    assertEquals(server.loginUrl, `http://${host}:${server.port}/login`);
    const response = await fetch(server.loginUrl);
    assertEquals(response.status, 200);
    await response.body?.cancel();
    await server.close();
  }
});

test("serveEmulator() serves pages on its own host name and on loopback hosts only", async () => {
  await served({}, async ({ port }) => {
    const statusFor = async (method: string, target: string, Host: string) =>
      (await converse(port, requestText(method, target, { Host }))).status;
    for (const host of ["localhost", "127.0.0.1", "[::1]:80", `app.localhost:${port}`]) {
      assertEquals(await statusFor("GET", "/login", host), 200, host);
    }
    for (
      const host of [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "10.0.0.1",
        "",
        "a b",
      ]
    ) {
      for (
        const [method, target] of [
          ["GET", "/"],
          ["GET", "/login?user=a"],
          ["POST", "/login"],
          ["GET", "/requests"],
          ["POST", "/reset"],
          ["GET", "/sign-in/saml/a"],
        ] as const
      ) {
        const status = await statusFor(method, target, host);
        assertEquals(status === 403 || status === 400, true, `${host} ${target} ${status}`);
      }
    }
  });
  const server = await serveEmulator(new CredentialEmulator(), { hostname: "0.0.0.0" });
  const text = (Host: string) => requestText("GET", "/login", { Host });
  assertEquals((await converse(server.port, text("192.0.2.1:80"))).status, 200);
  assertEquals((await converse(server.port, text("evil.example"))).status, 403);
  await server.close();
});

test("serveEmulator() rejects invalid options", async () => {
  for (
    const options of [{ port: -1 }, { port: 1.5 }, { hostname: 1 }, { keepAlive: 1 }, { a: 1 }]
  ) {
    await assertRejects(
      () => serveEmulator(new CredentialEmulator(), options as ServeEmulatorOptions),
      CredentialInputError,
    );
  }
});

test("serveEmulator() returns 500 if a fault function throws, and continues", async () => {
  await served({}, async ({ port }, emulator) => {
    emulator.faults = () => {
      throw new Error("oops");
    };
    const { status, body } = await converse(port, exchangeText(port, "a"));
    assertEquals(status, 500);
    assertEquals(JSON.parse(body), {
      type: "internal_server_error",
      message: "The emulator failed: oops",
      data: {},
    });
    emulator.faults = [];
    assertEquals((await converse(port, exchangeText(port, "a"))).status, 404);
  });
});

test("serveEmulator() does not handle a delayed request whose client disconnects", async () => {
  const arrived = Promise.withResolvers<void>();
  const faults = () => {
    arrived.resolve();
    return { kind: "delay", ms: 60_000 } as const;
  };
  await served({ faults }, async ({ url }, emulator) => {
    const leaving = new AbortController();
    const options = { headers: BEARER, signal: leaving.signal };
    const response = fetch(`${url}/credentials?code=${emulator.issueCode()}`, options);
    await arrived.promise;
    leaving.abort();
    await assertRejects(() => response);
    while (emulator.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const [request] = emulator.requests;
    assertEquals([request?.fault, request?.status], ["delay", undefined]);
  });
});

test("EmulatorServer.close() closes open connections, and can be called again", async () => {
  const arrived = Promise.withResolvers<void>();
  const emulator = new CredentialEmulator({
    faults: () => {
      arrived.resolve();
      return { kind: "delay", ms: 60_000 };
    },
  });
  const server = await serveEmulator(emulator);
  const response = fetch(`${server.url}/credentials?code=a`, { headers: BEARER });
  const rejected = assertRejects(() => response, TypeError);
  await arrived.promise;
  await server.close();
  await rejected;
  await server.close();
  await server[Symbol.asyncDispose]();
  await assertRejects(() => fetch(server.url), TypeError);
});

test("serveEmulator() rejects if the port is in use or invalid", async () => {
  await served({}, async ({ port }, emulator) => {
    const error = await assertRejects(() => serveEmulator(emulator, { port }), Error);
    assertEquals((error as { code?: string }).code, "EADDRINUSE");
    await assertRejects(() => serveEmulator(emulator, { port: 65_536 }), CredentialInputError);
  });
});

interface BunServer {
  readonly port: number;
  stop(closeConnections: boolean): Promise<void>;
}

const { Bun, Deno } = globalThis as unknown as {
  Bun?: { serve(options: CredentialEmulator & { port: number }): BunServer };
  Deno?: typeof globalThis.Deno;
};

test("CredentialEmulator.fetch() is a valid handler of the runtime's server", {
  skip: Bun === undefined && Deno === undefined,
}, async () => {
  const emulator = new CredentialEmulator();
  const use = async (port: number) => {
    const url = `http://127.0.0.1:${port}${TARGET}?code=${emulator.issueCode()}`;
    const Authorization = await signature("GET", url, "");
    const response = await fetch(url, { headers: { Authorization } });
    assertEquals(response.status, 200);
    assertEquals(Object.keys(await response.json()).length, 3);
  };
  if (Deno !== undefined) {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, emulator.fetch);
    await use(server.addr.port);
    await server.shutdown();
  } else if (Bun !== undefined) {
    const server = Bun.serve(Object.assign(emulator, { port: 0 }));
    await use(server.port);
    await server.stop(true);
  }
});
