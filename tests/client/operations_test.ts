import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { type ApiRequest, getRequest, saveRequest } from "../../src/client/operations.ts";
import type { AuthFlow } from "../../src/models.ts";
import { CredentialInputError } from "../../src/errors.ts";
import {
  AuthorizationTempCodeSchema,
  type Credentials,
  CredentialsSchema,
  RefreshedCredentialsSchema,
} from "../../src/models.ts";

const [id, access, refresh] = [1, 2, 3].map(() => crypto.randomUUID()) as [string, string, string];
const BASE = "https://api.saasus.io/v1/auth/credentials";

function codeCall(code: string): ApiRequest<Credentials> {
  return getRequest({ code });
}

function refreshCall(refreshToken: string): ApiRequest<Credentials> {
  return getRequest({ authFlow: "refreshTokenAuth", refreshToken });
}

test("saveRequest() posts the known tokens within 30 s", () => {
  const credentials = { id_token: id, access_token: access, refresh_token: refresh };
  const call = saveRequest({ ...credentials, scope: "x" } as Credentials);
  assertEquals([call.operation, call.method, call.query], ["createAuthCredentials", "POST", ""]);
  assertEquals(call.body, JSON.stringify(credentials));
  assertEquals(call.totalTimeout, 30_000);
  assertEquals(call.secrets, [id, access, refresh]);
  assertStrictEquals(call.response, AuthorizationTempCodeSchema);
  const two = { id_token: id, access_token: access };
  assertEquals(saveRequest({ ...two, refresh_token: null } as unknown as Credentials).secrets, [
    id,
    access,
  ]);
  assertEquals(saveRequest(two).body, JSON.stringify(two));
});

test("getRequest() exchanges a code within 10 s, with and without authFlow", () => {
  for (const flow of [{ code: id }, { authFlow: "tempCodeAuth", code: id }] as AuthFlow[]) {
    const call = getRequest(flow);
    assertEquals([call.operation, call.method, call.body], ["getAuthCredentials", "GET", ""]);
    assertEquals(call.query, `?code=${id}&auth-flow=tempCodeAuth`);
    assertEquals(call.totalTimeout, 10_000);
    assertEquals(call.secrets, [id]);
    assertEquals(call.message, "Cannot exchange temp code");
    assertStrictEquals(call.response, CredentialsSchema);
  }
});

test("getRequest() refreshes within 30 s, and accepts a response without a refresh token", () => {
  const call = refreshCall(refresh);
  assertEquals([call.operation, call.method, call.body], ["getAuthCredentials", "GET", ""]);
  assertEquals(call.query, `?auth-flow=refreshTokenAuth&refresh-token=${refresh}`);
  assertEquals(call.totalTimeout, 30_000);
  assertEquals(call.secrets, [refresh]);
  assertEquals(call.message, "Cannot refresh credentials");
  assertStrictEquals(call.response, RefreshedCredentialsSchema);
});

test("getRequest() encodes every character as the URL parser leaves it", () => {
  const tokens = [
    ...Array.from({ length: 0x2_00 }, (_, unit) => String.fromCharCode(unit)),
    "\u2028",
    "\uffff",
    "あ",
    "\u{1F600}",
    "a'b\"c<d>e#f&g=h+i%j%27k?l/m\\n|o^p`q{r}s[t]u;v,w:x@y$z!~*().-_",
    "%",
    "%zz",
    " ",
  ];
  for (const token of tokens) {
    for (const [call, name] of [[codeCall, "code"], [refreshCall, "refresh-token"]] as const) {
      const { query } = call(token);
      const url = new URL(BASE + query);
      assertEquals(url.href, BASE + query);
      assertEquals(url.searchParams.get(name), token);
      assertEquals([...url.searchParams.keys()].length, 2);
      assert(/^[\x21-\x7e]+$/.test(query));
    }
  }
  assertEquals(codeCall("a'b c").query, "?code=a%27b%20c&auth-flow=tempCodeAuth");
});

test("saveRequest() and getRequest() reject invalid input without quoting it", () => {
  const wrongCredentials: readonly unknown[] = [
    undefined,
    null,
    {},
    { id_token: id },
    { id_token: id, access_token: "" },
    { id_token: id, access_token: access, refresh_token: "" },
  ];
  for (const input of wrongCredentials) {
    const error = assertThrows(() => saveRequest(input as Credentials), CredentialInputError);
    assertEquals([error.operation, error.retryCount], ["createAuthCredentials", 0]);
    assert(error.message.startsWith("Cannot save credentials: "));
    assert(!JSON.stringify(error).includes(id) && !JSON.stringify(error).includes(access));
  }
  const wrongFlows: readonly unknown[] = [
    undefined,
    {},
    { code: id, refreshToken: refresh },
    { authFlow: "refreshTokenAuth", code: id },
    { authFlow: id, code: id },
    { code: `${id}\ud800` },
  ];
  for (const input of wrongFlows) {
    const error = assertThrows(() => getRequest(input as AuthFlow), CredentialInputError);
    assertEquals(error.operation, "getAuthCredentials");
    assert(error.message.startsWith("Cannot get credentials: "));
    assert(!JSON.stringify(error).includes(id) && !JSON.stringify(error).includes(refresh));
  }
});
