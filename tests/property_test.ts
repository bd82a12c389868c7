import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import {
  type AuthFlow,
  AuthFlowSchema,
  bearerAuth,
  CredentialClient,
  CredentialError,
  CredentialsSchema,
  isCredentialError,
  signatureAuth,
} from "../mod.ts";
import { validate } from "../src/validation.ts";
import { someCredentials } from "./support/fixtures.ts";

const RUNS = { numRuns: 1_000 };

/** Arbitrary values, most of which resemble valid ones. */
const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  }),
  fc.record({
    authFlow: fc.oneof(
      fc.constantFrom("tempCodeAuth", "refreshTokenAuth", undefined),
      fc.anything(),
    ),
    code: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
    refreshToken: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
    id_token: fc.oneof(fc.string(), fc.anything()),
    access_token: fc.oneof(fc.string(), fc.anything()),
    refresh_token: fc.oneof(fc.string(), fc.constantFrom(null, undefined), fc.anything()),
    [Symbol.iterator]: fc.anything(),
  }, { requiredKeys: [] }),
  fc.constant(
    new Proxy({}, {
      get() {
        throw new Error("get");
      },
      ownKeys() {
        throw new Error("ownKeys");
      },
    }),
  ),
  fc.func(fc.anything()),
);

/** Returns the result of a call or its error, and rethrows errors that are not of the package. */
async function outcome<T>(run: () => T | Promise<T>): Promise<T | CredentialError> {
  try {
    return await run();
  } catch (thrown) {
    if (!isCredentialError(thrown)) throw thrown;
    assert(thrown.message.length < 2_000);
    return thrown;
  }
}

test("CredentialClient returns a result or an input error for any arguments, and sends only valid ones", async () => {
  let sent = 0;
  const client = new CredentialClient({
    auth: bearerAuth("token"),
    fetch: (_, init) => {
      sent++;
      const body = init?.method === "POST" ? { code: "c" } : someCredentials();
      return Promise.resolve(Response.json(body));
    },
  });
  await fc.assert(
    fc.asyncProperty(anyValue, async (input) => {
      sent = 0;
      const got = await outcome(() => client.getAuthCredentials(input as AuthFlow));
      assertEquals(sent, validate(AuthFlowSchema, input).ok ? 1 : 0);
      assert(sent === 1 || (got instanceof CredentialError && got.code === "invalid_input"));
      sent = 0;
      const saved = await outcome(() => client.createAuthCredentials(input as never));
      assertEquals(sent, validate(CredentialsSchema, input).ok ? 1 : 0);
      assert(sent === 1 || (saved instanceof CredentialError && saved.code === "invalid_input"));
    }),
    RUNS,
  );
});

test("CredentialClient works or throws an error of the package for any options", async () => {
  const setting = fc.oneof(
    anyValue,
    fc.string({ unit: "binary" }),
    fc.webUrl(),
    fc.double(),
    fc.dictionary(fc.string(), fc.string()),
    fc.array(fc.tuple(fc.string(), fc.string())),
  );
  const callSettings = {
    timeout: fc.oneof(fc.nat(), fc.double()),
    totalTimeout: fc.oneof(fc.nat(), fc.double()),
    retry: fc.oneof(
      fc.record({ limit: fc.double(), delay: fc.double(), maxDelay: fc.double() }),
      setting,
    ),
    headers: setting,
    referer: setting,
    saasusReferer: setting,
    traceId: setting,
    auth: setting,
    signal: setting,
  };
  const settings = fc.record({ ...callSettings, baseUrl: setting }, { requiredKeys: [] });
  const fetch = () => Promise.resolve(Response.json(someCredentials()));
  await fc.assert(
    fc.asyncProperty(
      settings,
      fc.record(callSettings, { requiredKeys: [] }),
      async (ofClient, ofCall) => {
        const { auth = bearerAuth("token"), ...rest } = ofClient;
        // Errors of a custom `auth` function are not errors of the package.
        if (typeof auth === "function" || typeof ofCall.auth === "function") return;
        const good = new CredentialClient({ auth: bearerAuth("token"), fetch });
        await outcome(() => good.getAuthCredentials({ code: "c" }, ofCall as object));
        await outcome(() => {
          const client = new CredentialClient({ ...rest, auth: auth as never, fetch } as never);
          return client.getAuthCredentials({ code: "c" });
        });
      },
    ),
    RUNS,
  );
});

test("CredentialClient.fromEnv() returns a client or an input error for any environment", async () => {
  const names = [
    "SAASUS_SAAS_ID",
    "SAASUS_API_KEY",
    "SAASUS_SECRET_KEY",
    "SAASUS_API_URL_BASE",
    "SAASUS_BASE_URL",
    "BEARER_TOKEN",
  ];
  const value = fc.oneof(fc.string({ unit: "binary" }), fc.webUrl(), fc.constantFrom("", "key"));
  const env = fc.record(Object.fromEntries(names.map((name) => [name, value])), {
    requiredKeys: [],
  });
  await fc.assert(
    fc.asyncProperty(env, async (env) => {
      const made = await outcome(() => CredentialClient.fromEnv({ env }));
      assert(made instanceof CredentialClient || made.code === "invalid_input");
    }),
    RUNS,
  );
});

test("CredentialClient returns valid credentials or an error of the package for any response", async () => {
  const json = fc.oneof(
    fc.json(),
    fc.record({
      id_token: fc.anything(),
      access_token: fc.anything(),
      refresh_token: fc.anything(),
    })
      .map((value) => JSON.stringify(value, (_, item) => typeof item === "bigint" ? 1 : item)),
    fc.record({
      type: fc.string(),
      message: fc.string(),
      data: fc.dictionary(fc.string(), fc.jsonValue()),
    })
      .map((value) => JSON.stringify(value)),
    fc.constantFrom(
      "",
      "{",
      "[".repeat(100_000),
      '"',
      "\u0000",
      '{"id_token":"i","access_token":"a"}',
    ),
  );
  const header = fc.string({
    unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  });
  const type = fc.constantFrom(
    "application/json",
    "text/html",
    "application/json; charset=utf-16",
    "",
  );
  const anyResponse = fc.record({
    status: fc.integer({ min: 200, max: 599 }),
    body: fc.oneof(json, fc.uint8Array({ maxLength: 100 })),
    type: fc.oneof(type, header),
    headers: fc.record({
      "retry-after": fc.oneof(header, fc.nat().map(String)),
      date: header,
      age: header,
      "x-saasus-trace-id": header,
      location: header,
      "content-length": fc.oneof(header, fc.nat().map(String)),
    }, { requiredKeys: [] }),
  });
  await fc.assert(
    fc.asyncProperty(anyResponse, async ({ status, body, type, headers }) => {
      const fetch = () => {
        const isEmpty = [204, 205, 304].includes(status);
        const init = { status, headers: { ...headers, "content-type": type } };
        return Promise.resolve(new Response(isEmpty ? null : body as BodyInit, init));
      };
      const auth = bearerAuth("token");
      const client = new CredentialClient({ auth, fetch, retry: { delay: 0 }, totalTimeout: 500 });
      const got = await outcome(() => client.getAuthCredentials({ code: "c" }));
      if (got instanceof CredentialError) {
        JSON.stringify(got);
        const isGood = status >= 200 && status < 300;
        const isRedirect = [301, 302, 303, 307, 308].includes(status);
        // Invalid responses that `fetch` itself rejects cause a network error.
        const expected = isGood || isRedirect
          ? ["invalid_response"]
          : ["api_error", "invalid_response"];
        assert([...expected, "network_error"].includes(got.code), `${status} caused ${got.code}`);
      } else {
        assert(status < 300);
        assert(got.id_token.length > 0 && got.access_token.length > 0);
      }
    }),
    RUNS,
  );
});

test("CredentialClient rejects with an error of the package for any behaviour of fetch", async () => {
  const fetches = fc.oneof(
    fc.anything().map((value) => () => Promise.resolve(value)),
    fc.anything().map((value) => () => Promise.reject(value)),
    fc.anything().map((value) => () => value),
    fc.anything().map((value) => () => {
      throw value;
    }),
    fc.record({
      status: fc.anything(),
      ok: fc.anything(),
      headers: fc.anything(),
      body: fc.anything(),
    })
      .map((value) => () => Promise.resolve(value)),
  );
  await fc.assert(
    fc.asyncProperty(fetches, async (fetch) => {
      const client = new CredentialClient({ auth: bearerAuth("token"), fetch: fetch as never });
      const got = await outcome(() => client.getAuthCredentials({ code: "c" }, { retry: false }));
      assert(got instanceof CredentialError);
    }),
    RUNS,
  );
});

test("signatureAuth() returns the HMAC of an independent implementation for any URL and body", async () => {
  const word = fc.string({
    unit: fc.integer({ min: 33, max: 126 }).map((c) => String.fromCharCode(c)),
    minLength: 1,
  });
  const request = fc.record({
    saasId: word,
    apiKey: word,
    secretKey: fc.string({ unit: "grapheme", minLength: 1 }).filter((text) =>
      /^\P{Cc}+$/u.test(text)
    ),
    method: fc.constantFrom("GET", "POST", "get", "Post"),
    url: fc.webUrl({ withQueryParameters: true, withFragments: true }),
    body: fc.string({ unit: "grapheme" }),
    timestamp: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  });
  await fc.assert(
    fc.asyncProperty(
      request,
      async ({ saasId, apiKey, secretKey, method, url, body, timestamp }) => {
        const value = await signatureAuth({ saasId, apiKey, secretKey })({
          method,
          url,
          body,
          timestamp,
          rejected: false,
        });
        const [, minute] = /^(.*:..):/.exec(new Date(timestamp).toISOString()) ?? [];
        const wire = url.slice(url.indexOf("//") + 2).split("#")[0];
        const text = minute?.replaceAll(/\D/g, "") + apiKey + method.toUpperCase() + wire + body;
        const signature = createHmac("sha256", secretKey).update(text).digest("hex");
        assertEquals(value, `SAASUSSIGV1 Sig=${signature}, SaaSID=${saasId}, APIKey=${apiKey}`);
      },
    ),
    RUNS,
  );
});

test("CredentialClient signs the URL that it sends for any token and base URL", async () => {
  const token = fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.isWellFormed());
  const baseUrl = fc.webUrl({ validSchemes: ["https"] });
  await fc.assert(
    fc.asyncProperty(token, baseUrl, async (code, baseUrl) => {
      const urls: string[] = [];
      const client = new CredentialClient({
        baseUrl,
        auth: ({ url }) => {
          urls.push(url);
          return "Bearer x";
        },
        fetch: (url) => {
          urls.push(new Request(url).url);
          return Promise.resolve(Response.json(someCredentials()));
        },
      });
      await client.getAuthCredentials({ code });
      assertEquals(urls[0], urls[1]);
      assertEquals(new URL(urls[1] ?? "").searchParams.get("code"), code);
    }),
    RUNS,
  );
});
