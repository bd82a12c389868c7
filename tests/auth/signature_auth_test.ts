import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { CredentialInputError } from "../../src/errors.ts";
import type { AuthRequest } from "../../src/auth/request_auth.ts";
import type { ValidationIssue } from "../../src/errors.ts";
import { signatureAuth, type SignatureAuthOptions } from "../../src/auth/signature_auth.ts";

const timestamp = Date.UTC(2021, 8, 1, 12, 34, 56, 789);
const request: AuthRequest = {
  method: "GET",
  url: "https://api.saasus.io/v1/auth/userinfo",
  body: "",
  timestamp,
  rejected: false,
};
const options: SignatureAuthOptions = { saasId: "saasID", apiKey: "apiKey", secretKey: "secret" };

/** The header's value by another way than that of the package, of a text that is written out. */
function expected(text: string, { saasId, apiKey, secretKey }: SignatureAuthOptions = options) {
  const signature = createHmac("sha256", secretKey).update(text, "utf8").digest("hex");
  return `SAASUSSIGV1 Sig=${signature}, SaaSID=${saasId}, APIKey=${apiKey}`;
}

test("signatureAuth() returns the known signature", async () => {
  assertEquals(
    await signatureAuth(options)(request),
    "SAASUSSIGV1 Sig=a041e74fb58621f9e2e25453573b6009a93f457a33df970a7d8a5637a593708b, " +
      "SaaSID=saasID, APIKey=apiKey",
  );
});

test("signatureAuth() signs the exact host, port, path and query, without scheme and fragment", async () => {
  const signed: readonly (readonly [string, string])[] = [
    ["https://api.saasus.io", "api.saasus.io"],
    ["https://api.saasus.io/", "api.saasus.io/"],
    ["https://api.saasus.io:8443/v1/auth", "api.saasus.io:8443/v1/auth"],
    ["http://127.0.0.1:4010/v1/auth/credentials", "127.0.0.1:4010/v1/auth/credentials"],
    ["http://[::1]:4010/x", "[::1]:4010/x"],
    ["https://h/p?b=2&a=1", "h/p?b=2&a=1"],
    ["https://h/p?a=1&b=2", "h/p?a=1&b=2"],
    ["https://h/p?a=1&a=1", "h/p?a=1&a=1"],
    ["https://h/p?", "h/p?"],
    ["https://h/p?code=a%2Fb%20c%27d%e3%81%82", "h/p?code=a%2Fb%20c%27d%e3%81%82"],
    ["https://h/p?code=a/b+c'd", "h/p?code=a/b+c'd"],
    ["https://h/%7Euser/~user//x/./..", "h/%7Euser/~user//x/./.."],
    ["https://h/p?next=https://other/x", "h/p?next=https://other/x"],
    ["https://h//double", "h//double"],
    ["https://h/p?q=あ", "h/p?q=あ"],
    ["https://h/p?q=1#part", "h/p?q=1"],
    ["https://h/p#a?b#c\nd", "h/p"],
    ["HTTPS://Host/P", "Host/P"],
  ];
  const auth = signatureAuth(options);
  for (const [url, text] of signed) {
    assertEquals(await auth({ ...request, url }), expected(`202109011234apiKeyGET${text}`), url);
  }
});

test("signatureAuth() signs the method in upper case and the body in UTF-8", async () => {
  const auth = signatureAuth(options);
  const url = "https://h/p";
  const bodies = ["", "{}", '{"id_token":"トークン","x":"é\u{1F600}"}', "\r\n\0 ", "#x?y//z"];
  for (const method of ["GET", "post", "Post", "delete"]) {
    for (const body of bodies) {
      assertEquals(
        await auth({ ...request, method, url, body }),
        expected(`202109011234apiKey${method.toUpperCase()}h/p${body}`),
      );
    }
  }
});

test("signatureAuth() signs the minute in UTC", async () => {
  const auth = signatureAuth(options);
  const minutes: readonly (readonly [number, string])[] = [
    [Date.UTC(2021, 8, 1, 12, 34), "202109011234"],
    [Date.UTC(2021, 8, 1, 12, 34, 59, 999), "202109011234"],
    [Date.UTC(2021, 8, 1, 12, 35), "202109011235"],
    [Date.UTC(2024, 11, 31, 23, 59, 59, 999.9), "202412312359"],
    [Date.UTC(2025, 0, 1), "202501010000"],
    [Date.UTC(2024, 1, 29, 1, 2), "202402290102"],
    [0, "197001010000"],
    [-1, "196912312359"],
  ];
  for (const [time, minute] of minutes) {
    assertEquals(
      await auth({ ...request, timestamp: time }),
      expected(`${minute}apiKeyGETapi.saasus.io/v1/auth/userinfo`),
    );
  }
});

test("signatureAuth() accepts any key, and signs it but does not return it", async () => {
  const keys = [
    "k",
    " s p a c e ",
    "鍵é\u{1F511}",
    "x".repeat(63),
    "x".repeat(64),
    "x".repeat(500),
  ];
  for (const key of keys) {
    const secretKey = key + crypto.randomUUID();
    const parts = { saasId: crypto.randomUUID(), apiKey: "~!{}=,", secretKey };
    const value = await signatureAuth(parts)(request);
    assertEquals(value, expected("202109011234~!{}=,GETapi.saasus.io/v1/auth/userinfo", parts));
    assertMatch(value, /^SAASUSSIGV1 Sig=[0-9a-f]{64}, SaaSID=\S+, APIKey=\S+$/);
    assert(!value.includes(secretKey));
  }
});

test("signatureAuth() keeps no state between requests, and no reference to its options", async () => {
  const mine = { ...options };
  const auth = signatureAuth(mine);
  Object.assign(mine, { saasId: "other", apiKey: "other", secretKey: "other" });
  const urls = Array.from({ length: 20 }, (_, index) => `h/${index}`);
  const values = await Promise.all(
    urls.map((url, index) => auth({ ...request, url: `https://${url}`, rejected: index % 2 > 0 })),
  );
  assertEquals(values, urls.map((url) => expected(`202109011234apiKeyGET${url}`)));
});

test("signatureAuth() names every missing or invalid part, and does not quote it", () => {
  const hidden = crypto.randomUUID();
  const controls = ["\r", "\n", "\0", "\r\nX-Evil: 1", "\t", "\x7f", "\x85"];
  const wrong: readonly (readonly [keyof SignatureAuthOptions, readonly unknown[]])[] = [
    ["saasId", [...controls, " ", "é"]],
    ["apiKey", [...controls, " ", "é"]],
    ["secretKey", controls],
  ];
  for (const [path, endings] of wrong) {
    const values = ["", undefined, null, 5, [hidden], ...endings.map((end) => `${hidden}${end}`)];
    for (const value of values) {
      const error = assertThrows(
        () => signatureAuth({ ...options, [path]: value }),
        CredentialInputError,
      );
      assertEquals(error.issues.map((issue) => issue.path), [path]);
      assert(!JSON.stringify(error).includes(hidden) && !String(error.stack).includes(hidden));
    }
  }
  for (const none of [{}, []]) {
    const error = assertThrows(
      () => signatureAuth(none as unknown as SignatureAuthOptions),
      CredentialInputError,
    );
    assertEquals(error.issues.map(({ path }) => path), ["saasId", "apiKey", "secretKey"]);
  }
});

test("signatureAuth() rejects other values than objects and getters that throw, and does not quote them", () => {
  const hidden = crypto.randomUUID();
  const get = () => {
    throw new Error(hidden);
  };
  const unreadable = "a value that can be read";
  const cases: readonly (readonly [readonly unknown[], readonly ValidationIssue[]])[] = [
    [[undefined, null, hidden, 5, () => hidden], [{ path: "", expected: "an object" }]],
    [
      [Object.defineProperty({ ...options }, "secretKey", { get })],
      [{ path: "secretKey", expected: unreadable }],
    ],
    [
      [new Proxy(options, { get })],
      ["saasId", "apiKey", "secretKey"].map((path) => ({ path, expected: unreadable })),
    ],
  ];
  for (const [values, issues] of cases) {
    for (const value of values) {
      const error = assertThrows(
        () => signatureAuth(value as SignatureAuthOptions),
        CredentialInputError,
      );
      assertEquals(error.issues, issues);
      assert(!JSON.stringify(error).includes(hidden) && !String(error.stack).includes(hidden));
    }
  }
});

test("signatureAuth() rejects an invalid time", async () => {
  for (const time of [NaN, Infinity, 8.65e15, "now", undefined] as number[]) {
    const error = await assertRejects(
      async () => await signatureAuth(options)({ ...request, timestamp: time }),
      CredentialInputError,
    );
    assertEquals(error.issues.map(({ path }) => path), ["timestamp"]);
  }
});

test("signatureAuth() does not show its secret to an inspection", async () => {
  const secretKey = crypto.randomUUID();
  const auth = signatureAuth({ ...options, secretKey });
  for (let round = 0; round < 2; round++) {
    const shown = inspect(auth, { showHidden: true, depth: 9 }) + String(auth) +
      JSON.stringify(Object.getOwnPropertyDescriptors(auth));
    assert(!shown.includes(secretKey));
    await auth(request);
  }
});
