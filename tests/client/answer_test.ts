import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { evaluateAnswer, type Question, readAnswer } from "../../src/client/answer.ts";
import { getCall } from "../../src/client/operations.ts";
import { CredentialApiError, CredentialResponseError } from "../../src/errors.ts";
import type { Credentials } from "../../src/models.ts";

const question: Question<Credentials> = {
  call: getCall({ code: crypto.randomUUID() }),
  errorContext: { operation: "getAuthCredentials", retryCount: 1 },
  quotesSecret: () => false,
  lost: undefined,
  now: () => 0,
};

test("evaluateAnswer() tells what an error body has of type and data, whatever else is missing or wrong", async () => {
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
    const answer = await readAnswer(Response.json(body, { status: 404 }), false);
    const error = assertThrows(() => evaluateAnswer(answer, question), CredentialApiError);
    const reason = fields.type === undefined ? "" : ` (${type})`;
    assertEquals(error.message, `Cannot exchange temp code: the API answered 404${reason}`);
    assertEquals({ ...error } as object, {
      code: "api_error",
      status: 404,
      ...question.errorContext,
      ...fields,
    });
  }
});

test("evaluateAnswer() tells of an error whose body is empty or no JSON by its status alone", async () => {
  const type = "application/json";
  const bodies: readonly (readonly [string | null, string])[] = [
    [null, type],
    ["", type],
    ["{", type],
    ['{"type":"not_found"}{', type],
    ['{"type":"not_found"}', "text/plain"],
  ];
  for (const [body, contentType] of bodies) {
    const headers = { "content-type": contentType };
    const answer = await readAnswer(new Response(body, { status: 500, headers }), false);
    const error = assertThrows(() => evaluateAnswer(answer, question), CredentialApiError);
    assertEquals(error.message, "Cannot exchange temp code: the API answered 500");
    assertEquals([error.status, error.type, error.data], [500, undefined, undefined]);
  }
});

test("evaluateAnswer() refuses a redirect that a browser does not show", async () => {
  const hidden = await readAnswer(Response.error(), false);
  assertEquals(hidden.response.status, 0);
  const error = assertThrows(() => evaluateAnswer(hidden, question), CredentialResponseError);
  assertEquals(error.status, 0);
  assertEquals(error.issues, undefined);
});
