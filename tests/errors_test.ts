import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { test } from "node:test";
import {
  type AnyCredentialError,
  CredentialApiError,
  CredentialError,
  CredentialInputError,
  CredentialNetworkError,
  CredentialResponseError,
  CredentialSessionError,
  CredentialTimeoutError,
  describeIssues,
  isCredentialError,
  SET_VARIABLE,
} from "../src/errors.ts";
import { CredentialSession } from "../src/session/session.ts";

const call = { operation: "getAuthCredentials", retryCount: 2 } as const;
const issues = [{ path: "code", expected: "a non-empty string" }];

/** Each error class with all fields, and with the required ones. */
const LEAVES:
  readonly (readonly [string, AnyCredentialError, object, AnyCredentialError, object])[] = [
    [
      "CredentialInputError",
      new CredentialInputError("Cannot do it", { ...call, issues }),
      { code: "invalid_input", issues },
      new CredentialInputError("Cannot do it", { issues: [] }),
      { code: "invalid_input", issues: [] },
    ],
    [
      "CredentialApiError",
      new CredentialApiError("Cannot do it", {
        ...call,
        status: 429,
        type: "slow_down",
        data: { a: 1 },
        traceId: "t",
        retryAfter: 0,
      }),
      {
        code: "api_error",
        status: 429,
        type: "slow_down",
        data: { a: 1 },
        traceId: "t",
        retryAfter: 0,
      },
      new CredentialApiError("Cannot do it", { status: 500 }),
      { code: "api_error", status: 500 },
    ],
    [
      "CredentialNetworkError",
      new CredentialNetworkError("Cannot do it", { ...call, reason: "dns" }),
      { code: "network_error", reason: "dns" },
      new CredentialNetworkError("Cannot do it", { reason: "other" }),
      { code: "network_error", reason: "other" },
    ],
    [
      "CredentialTimeoutError",
      new CredentialTimeoutError("Cannot do it", { ...call, timeout: 5_000 }),
      { code: "timeout", timeout: 5_000 },
      new CredentialTimeoutError("Cannot do it", { timeout: 1 }),
      { code: "timeout", timeout: 1 },
    ],
    [
      "CredentialResponseError",
      new CredentialResponseError("Cannot do it", { ...call, status: 200, issues, traceId: "t" }),
      { code: "invalid_response", status: 200, issues, traceId: "t" },
      new CredentialResponseError("Cannot do it", { status: 302 }),
      { code: "invalid_response", status: 302 },
    ],
    [
      "CredentialSessionError",
      new CredentialSessionError("Cannot do it", call),
      { code: "session_ended" },
      new CredentialSessionError("Cannot do it"),
      { code: "session_ended" },
    ],
  ];

test("Error classes set their fields and those of the call, and omit undefined fields", () => {
  for (const [name, full, fullFields, bare, bareFields] of LEAVES) {
    assertEquals({ ...full }, { ...call, ...fullFields } as unknown as typeof full, name);
    assertEquals({ ...bare }, { retryCount: 0, ...bareFields } as unknown as typeof bare, name);
    const known = ["stack", "message", "line", "column", "sourceURL", "originalLine"];
    const own = Object.getOwnPropertyNames(bare).filter((field) => !known.includes(field));
    const expected = ["retryCount", ...Object.keys(bareFields)];
    // Runtimes add hidden fields to errors, but no field of the package may be `undefined`.
    for (const field of ["operation", "type", "data", "traceId", "retryAfter", "issues", "cause"]) {
      assertEquals(own.includes(field), expected.includes(field), `${name}.${field}`);
    }
  }
});

test("Error classes extend Error and set the name of the class", () => {
  for (const [name, error] of LEAVES) {
    assertInstanceOf(error, Error);
    assertInstanceOf(error, CredentialError);
    assertEquals(error.name, name);
    assertEquals(error.constructor.name, name);
    assert(String(error).startsWith(`${name}: Cannot do it`));
  }
});

test("CredentialInputError includes its issues in the message", () => {
  const two = [...issues, { path: "", expected: "an object" }];
  assertEquals(
    new CredentialInputError("Cannot exchange temp code", { issues: two }).message,
    'Cannot exchange temp code: "code": expected a non-empty string; expected an object',
  );
});

test("toJSON() returns the name, the message, the fields and the causes", () => {
  for (const [name, full, fields] of LEAVES) {
    assertEquals(JSON.parse(JSON.stringify(full)), {
      name,
      message: full.message,
      ...call,
      ...fields,
    });
  }
  const cause = new CredentialNetworkError("No response", { ...call, reason: "reset" });
  const error = new CredentialApiError("Cannot do it", { ...call, status: 404, cause });
  assertStrictEquals(error.cause, cause);
  assertEquals(JSON.parse(JSON.stringify({ error })).error.cause, {
    name: "CredentialNetworkError",
    message: "No response",
    ...call,
    code: "network_error",
    reason: "reset",
  });
});

test("isCredentialError() recognises every error class, and nothing else", () => {
  for (const [, full, , bare] of LEAVES) assert(isCredentialError(full) && isCredentialError(bare));
  const others: readonly unknown[] = [
    undefined,
    null,
    "CredentialApiError",
    { code: "api_error", status: 404, name: "CredentialApiError" },
    Object.assign(new Error("x"), { code: "api_error", retryCount: 0 }),
    new TypeError("fetch failed"),
    new DOMException("x", "AbortError"),
    CredentialApiError,
  ];
  for (const other of others) assert(!isCredentialError(other), String(other));
});

test("describeIssues() formats all issues as one line", () => {
  assertEquals(
    describeIssues([
      { path: "code", expected: "a string" },
      { path: "", expected: "an object" },
      { path: "retry.limit", expected: "a number" },
    ]),
    '"code": expected a string; expected an object; "retry.limit": expected a number',
  );
  assertEquals(describeIssues([]), "");
});

test("describeIssues() names an environment variable that is not set", () => {
  const unset = ["SAASUS_API_KEY", "BEARER_TOKEN"].map((path) => ({
    path,
    expected: SET_VARIABLE,
  }));
  assertEquals(describeIssues(unset), "SAASUS_API_KEY is not set; BEARER_TOKEN is not set");
});

test("isCredentialError() recognises the errors of another copy of the package", async () => {
  // A query makes the runtimes load the module once more.
  const path = "../src/errors.ts?copy";
  const copy: typeof import("../src/errors.ts") = await import(path);
  assert(copy.CredentialApiError !== CredentialApiError);
  const error = new copy.CredentialApiError("Cannot do it", { status: 404 });
  assert(!(error instanceof CredentialApiError));
  assert(isCredentialError(error));
  assert(copy.isCredentialError(new CredentialApiError("Cannot do it", { status: 404 })));

  const session = new CredentialSession({
    credentials: { id_token: "a", access_token: "b", refresh_token: "c" },
    client: { getAuthCredentials: () => Promise.reject(error) },
  });
  const thrown = await session.refresh().catch((thrown) => thrown);
  assertEquals(thrown.code, "session_ended");
  assert(!session.signedIn);
});
