import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { test } from "node:test";
import { CredentialEmulator, type CredentialEmulatorOptions } from "../../src/emulator/mod.ts";
import { call, decoded, exchange, refresh } from "../support/emulator_call.ts";

const ORIGIN = "http://127.0.0.1:4010";

interface Visit {
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

async function open(emulator: CredentialEmulator, { path = "/login", headers = {} }: Visit = {}) {
  return await call(emulator, new Request(`${ORIGIN}${path}`, { headers }));
}

async function submit(
  emulator: CredentialEmulator,
  fields: Record<string, string> | [string, string][],
  { path = "/login", headers = { "Sec-Fetch-Site": "same-origin" } }: Visit = {},
) {
  const body = new URLSearchParams(fields);
  return await call(emulator, new Request(`${ORIGIN}${path}`, { method: "POST", headers, body }));
}

/** Returns the code of a redirect to the callback. */
function codeIn({ status, headers }: { status: number; headers: Headers }): string {
  assertEquals(status, 303);
  return new URL(headers.get("Location") ?? "").searchParams.get("code") ?? "";
}

/** Signs in, and returns the emulator and the response to the exchange. */
async function signedIn(fields: Record<string, string>, options: CredentialEmulatorOptions = {}) {
  const emulator = new CredentialEmulator(options);
  const code = codeIn(await submit(emulator, { user: "alice@example.com", ...fields }));
  return { emulator, code, response: await exchange(emulator, code) };
}

function names(page: string): string[] {
  return [...page.matchAll(/name="user" value="([^"]*)"/g)].map(([, name = ""]) => name);
}

test("GET /login shows a page with a button for each user and a field for others", async () => {
  const emulator = new CredentialEmulator();
  for (const path of ["/", "/login"]) {
    const { status, headers, text } = await open(emulator, { path });
    assertEquals(status, 200);
    assertEquals(headers.get("Content-Type"), "text/html; charset=utf-8");
    assertEquals(headers.get("Cache-Control"), "no-store");
    assertEquals(names(text), ["alice@example.com", "bob"]);
    assertStringIncludes(text, "Sign in as alice@example.com");
    assertStringIncludes(text, '<label for="name">Email or sign-in ID</label>');
    assertEquals(/<script|<link rel="stylesheet"|src="http/.test(text), false);
    assertMatch(text, /asks for no password/);
  }
  assertEquals(emulator.requests, []);
});

test("POST /login redirects to the callback with a code for the user", async () => {
  const emulator = new CredentialEmulator();
  const response = await submit(emulator, { user: "alice@example.com" });
  const { origin, pathname, searchParams } = new URL(response.headers.get("Location") ?? "");
  assertEquals(origin + pathname, "http://localhost:3000/callback");
  assertEquals([...searchParams.keys()], ["code"]);
  const { json } = await exchange(emulator, codeIn(response));
  assertEquals(decoded(json["id_token"])["email"], "alice@example.com");
  const [request] = emulator.requests;
  assertEquals([request?.operation, request?.user, request?.status], [
    "signIn",
    "alice@example.com",
    303,
  ]);
});

test("POST /login uses callbackUrl only, and ignores URLs in the request", async () => {
  const emulator = new CredentialEmulator({
    callbackUrl: new URL("https://app.example.com/cb?a=1"),
  });
  const fields = {
    user: "bob",
    callbackUrl: "https://evil.example/",
    redirect_uri: "https://evil.example/",
  };
  const location = (await submit(emulator, fields)).headers.get("Location") ?? "";
  assertMatch(location, /^https:\/\/app\.example\.com\/cb\?a=1&code=[\w-]{36}$/);
});

test("POST /login signs in a user by name, and lists recent users first", async () => {
  const emulator = new CredentialEmulator();
  const { json } = await exchange(
    emulator,
    codeIn(await submit(emulator, { name: " carol@example.com " })),
  );
  const { sub, email } = decoded(json["id_token"]);
  assertEquals(email, "carol@example.com");
  assertEquals(
    sub,
    decoded(new CredentialEmulator().issueCredentials("carol@example.com").id_token)["sub"],
  );
  await submit(emulator, { name: "dave" });
  await submit(emulator, { name: "", user: "bob" });
  assertEquals(names((await open(emulator)).text), [
    "bob",
    "dave",
    "carol@example.com",
    "alice@example.com",
  ]);
  for (let i = 0; i < 20; i++) await submit(emulator, { name: `user-${i}` });
  assertEquals(names((await open(emulator)).text).length, 8);
});

test("GET /login?user= signs in without a page", async () => {
  const emulator = new CredentialEmulator();
  const path = "/login?user=carol%40example.com&trouble=short-id-token";
  const { json } = await exchange(emulator, codeIn(await open(emulator, { path })));
  const { email, iat, exp } = decoded(json["id_token"]);
  assertEquals([email, Number(exp) - Number(iat)], ["carol@example.com", 60]);
});

test("POST /login shows the page again for an invalid name", async () => {
  const emulator = new CredentialEmulator();
  for (const name of ["", "   ", "a\u0000b", "a\r\nb", "x".repeat(257)]) {
    const { status, text } = await submit(emulator, { name });
    assertEquals(status, 400);
    assertMatch(text, /role="alert"/);
  }
});

test("POST /login adds extra claims, and shows an error for claims that are no JSON object", async () => {
  const { response } = await signedIn({ claims: '{"locale":"en","email":"x@example.com"}' });
  const { locale, email, sub } = decoded(response.json["id_token"]);
  assertEquals([locale, email], ["en", "x@example.com"]);
  assertEquals(sub, decoded(new CredentialEmulator().issueCredentials().id_token)["sub"]);
  const large = JSON.stringify({ a: "x".repeat(5_000) });
  for (const claims of ["{", "[]", "null", "1", '"a"', large]) {
    const { status, text } = await submit(new CredentialEmulator(), { user: "bob", claims });
    assertEquals(status, 400);
    assertMatch(text, /Extra claims must be a JSON object/);
  }
});

test("POST /login can issue a used or expired code", async () => {
  for (const trouble of ["code-used", "code-expired"]) {
    assertEquals((await signedIn({ trouble })).response.status, 404, trouble);
  }
});

test("POST /login can issue no refresh token, or one that is revoked after a minute", async () => {
  const none = await signedIn({ trouble: "no-refresh-token" });
  assertEquals(Object.keys(none.response.json).sort(), ["access_token", "id_token"]);
  const { emulator, response } = await signedIn({ trouble: "refresh-token-revoked" });
  const token = String(response.json["refresh_token"]);
  assertEquals((await refresh(emulator, token)).status, 200);
  emulator.advance(60_000);
  assertEquals((await refresh(emulator, token)).status, 404);
});

test("POST /login plans a fault for the next exchange or refresh only", async () => {
  const exchanged = await signedIn({ trouble: "exchange-503" });
  assertEquals(exchanged.response.status, 503);
  const again = await exchange(exchanged.emulator, exchanged.code);
  assertEquals(again.status, 200);

  const { emulator, response } = await signedIn({ trouble: "refresh-503" });
  assertEquals(response.status, 200);
  const token = String(response.json["refresh_token"]);
  assertEquals((await refresh(emulator, token)).status, 503);
  assertEquals((await refresh(emulator, token)).status, 200);

  const dropped = new CredentialEmulator();
  const code = codeIn(await submit(dropped, { user: "bob", trouble: "exchange-dropped" }));
  await assertDropped(exchange(dropped, code));
  assertEquals(dropped.requests.at(-1)?.fault, "drop");
  assertEquals((await exchange(dropped, code)).status, 200);
});

async function assertDropped(response: Promise<unknown>): Promise<void> {
  const outcome = await response.then(() => "a response", () => "dropped");
  assertEquals(outcome, "dropped");
}

test("POST /login can enable and disable rotation for a login", async () => {
  for (const configured of [true, false]) {
    for (const rotation of ["", "on", "off"]) {
      const { emulator, response } = await signedIn({ rotation }, { rotation: configured });
      const { json } = await refresh(emulator, String(response.json["refresh_token"]));
      const rotates = rotation === "" ? configured : rotation === "on";
      assertEquals("refresh_token" in json, rotates, `${configured} ${rotation}`);
    }
  }
});

test("GET /sign-in/saml/<id> is the login page of a tenant", async () => {
  const member = { email: "carol@example.com", tenants: [{ id: "tenant 1", name: "One" }] };
  const emulator = new CredentialEmulator({ users: [member, { email: "dave@example.com" }] });
  const path = "/sign-in/saml/tenant%201";
  const { text } = await open(emulator, { path });
  assertStringIncludes(text, "<code>tenant 1</code>");
  assertStringIncludes(text, `action="${path}"`);
  assertEquals(names(text), ["carol@example.com"]);
  assertEquals(
    (await exchange(
      emulator,
      codeIn(await submit(emulator, { user: "carol@example.com" }, { path })),
    )).status,
    200,
  );
  for (const odd of ["/sign-in/saml/%", "/sign-in/saml/%3Cscript%3E", "/sign-in/saml/%22%3E"]) {
    const page = await open(emulator, { path: odd });
    assertEquals(page.status, 200);
    assert(!page.text.includes("<script"));
  }
});

test("GET /login chooses the language by Accept-Language and ?lang=", async () => {
  const emulator = new CredentialEmulator();
  const languageFor = async (accept: string, path = "/login") => {
    const { text } = await open(emulator, { path, headers: { "Accept-Language": accept } });
    return /<html lang="(\w+)">/.exec(text)?.[1];
  };
  for (const accept of ["ja", "ja-JP,en;q=0.5", "fr, JA;q=0.4, en;q=0.3", "en;q=0.1,ja"]) {
    assertEquals(await languageFor(accept), "ja", accept);
  }
  for (const accept of ["", "en-US,ja;q=0.9", "fr", "*", "ja;q=0", ";;,"]) {
    assertEquals(await languageFor(accept), "en", accept);
  }
  assertEquals(await languageFor("en", "/login?lang=ja"), "ja");
  assertEquals(await languageFor("ja", "/login?lang=en"), "en");
  const { text } = await open(emulator, { path: "/login?lang=ja" });
  assertStringIncludes(text, "alice@example.com としてログイン");
});

test("GET /login escapes names, claims and tenants", async () => {
  const markup = `"><script>alert('1')</script>&amp;<img src=x onerror=alert(1)>`;
  const emulator = new CredentialEmulator({ users: [{ signInId: markup }] });
  await submit(emulator, { name: `${markup}2` });
  const pages = [
    await open(emulator),
    await open(emulator, { path: "/requests" }),
    await submit(emulator, { name: markup, claims: `</textarea>${markup}` }),
    await open(emulator, { path: `/sign-in/saml/${encodeURIComponent(markup)}` }),
  ];
  for (const { text } of pages) {
    assertEquals(/<script|<img src=x|<\/textarea>"/.test(text), false);
    assertStringIncludes(text, "&lt;script&gt;");
  }
});

test("GET /login has a strict Content Security Policy", async () => {
  const emulator = new CredentialEmulator({ callbackUrl: "https://app.example.com/callback" });
  const { headers, text } = await open(emulator);
  const policy = headers.get("Content-Security-Policy") ?? "";
  assertStringIncludes(policy, "default-src 'none'; style-src 'sha256-");
  assertMatch(policy, /form-action 'self' [^;]*https:\/\/app\.example\.com;/);
  for (const unsafe of ["unsafe-inline", "script-src", "*;", "https:;"]) {
    assert(!policy.includes(unsafe));
  }
  assertEquals(/ style=| on\w+=/.test(text), false);
  assertEquals(headers.get("X-Content-Type-Options"), "nosniff");
});

test("POST /login and POST /reset reject requests of other sites", async () => {
  const emulator = new CredentialEmulator();
  const foreign = [
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site", Origin: ORIGIN },
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { Origin: "http://127.0.0.1:3000" },
  ];
  const own = [{}, { "Sec-Fetch-Site": "none" }, { Origin: ORIGIN }];
  for (const path of ["/login", "/reset", "/sign-in/saml/a"]) {
    for (const headers of foreign) {
      const { status } = await submit(emulator, { user: "bob" }, {
        path,
        headers: headers as Record<string, string>,
      });
      assertEquals(status, 403, `${path} ${JSON.stringify(headers)}`);
    }
    for (const headers of own) {
      const { status } = await submit(emulator, { user: "bob" }, {
        path,
        headers: headers as Record<string, string>,
      });
      assertEquals(status, 303);
    }
  }
});

test("CredentialEmulator.fetch() serves pages on loopback hosts only", async () => {
  const emulator = new CredentialEmulator();
  for (const path of ["/", "/login?user=bob", "/requests", "/sign-in/saml/a"]) {
    const { status } = await emulator.fetch(`http://evil.example${path}`);
    assertEquals(status, 403);
  }
  assertEquals(emulator.requests, []);
});

test("CredentialEmulator.fetch() adds no CORS headers to its pages", async () => {
  const emulator = new CredentialEmulator({ cors: true });
  const headers = { Origin: "https://evil.example" };
  for (const path of ["/login", "/requests", "/login?user=bob"]) {
    const response = await open(emulator, { path, headers });
    assertEquals(response.headers.get("Access-Control-Allow-Origin"), null);
  }
});

test("GET /requests lists requests, and POST /reset removes all state", async () => {
  const { emulator, code, response } = await signedIn({ name: "" });
  const tokens = Object.values(response.json).map(String);
  const { text } = await open(emulator, { path: "/requests" });
  for (
    const shown of ["signIn", "getAuthCredentials", "tempCodeAuth", "200", "alice@example.com"]
  ) {
    assertStringIncludes(text, shown);
  }
  for (const secret of [code, ...tokens]) assert(!text.includes(secret));
  const [before] = names((await open(emulator)).text);
  assertEquals(before, "alice@example.com");
  const reset = await submit(emulator, {}, { path: "/reset" });
  assertEquals([reset.status, reset.headers.get("Location")], [303, "/requests?lang=en"]);
  assertEquals(emulator.requests, []);
  assertEquals((await refresh(emulator, String(response.json["refresh_token"]))).status, 404);
  assertStringIncludes(
    (await open(emulator, { path: "/requests?lang=ja" })).text,
    "getAuthCredentials",
  );
});

test("CredentialEmulator.fetch() returns 405 for other methods of pages", async () => {
  const emulator = new CredentialEmulator();
  const wrong = [["DELETE", "/login"], ["GET", "/reset"], ["POST", "/requests"], [
    "POST",
    "/",
  ]] as const;
  for (const [method, path] of wrong) {
    const { status, headers } = await call(emulator, new Request(`${ORIGIN}${path}`, { method }));
    assertEquals(status, 405, `${method} ${path}`);
    assertNotEquals(headers.get("Allow"), null);
  }
  const head = await emulator.fetch(new Request(`${ORIGIN}/login?user=bob`, { method: "HEAD" }));
  assertEquals([head.status, head.body], [200, null]);
});
