import {
  type AnyCredentialError,
  CredentialApiError,
  type CredentialErrorOptions,
  CredentialResponseError,
  type ValidationIssue,
} from "../errors.ts";
import { safeData, safeTraceId, safeType, type SecretSearch } from "../redaction.ts";
import { validate } from "../validation.ts";
import type { ApiRequest } from "./operations.ts";
import { retryAfterOf, type ServerClock } from "./server_time.ts";

/** The longest body that is accepted, in bytes: 1 MiB. */
const LONGEST_BODY = 2 ** 20;

/** The call that a response belongs to. */
export interface AnsweredCall<T> {
  /** The request that was sent. */
  readonly request: ApiRequest<T>;
  /** The fields that all errors of the call have. */
  readonly errorOptions: CredentialErrorOptions;
  /** Checks whether a text contains a secret of the call. */
  readonly quotesSecret: SecretSearch;
  /** The error of the first attempt whose response was lost. */
  readonly lost: AnyCredentialError | undefined;
  /** The clock of the server. */
  readonly clock: ServerClock;
}

/** A response whose body was read, or cancelled because it is not needed. */
export interface Answer {
  /** The response. */
  readonly response: Response;
  /** The JSON of the body; absent if the body is not JSON or was cancelled. */
  readonly json?: unknown;
  /** The reason why the response does not match the API, whatever its JSON is. */
  readonly problem?: string | undefined;
}

/**
 * Reads a response, and cancels a body that is not needed.
 *
 * @param response The response.
 * @param isRuntimeFetch Whether the runtime's own `fetch` returned the response.
 */
export async function readAnswer(response: Response, isRuntimeFetch: boolean): Promise<Answer> {
  if (isRedirect(response)) {
    cancel(response.body);
    return { response, problem: "a redirect, which is not followed" };
  }
  if (!isJson(response.headers)) {
    cancel(response.body);
    return withoutJson(response, "its content type");
  }
  const text = await readText(response, isRuntimeFetch);
  if (text === undefined) return { response, problem: "but its body is longer than 1 MiB" };
  try {
    return { response, json: JSON.parse(text) };
  } catch {
    return withoutJson(response, "its body");
  }
}

/** An error response needs no JSON. */
function withoutJson(response: Response, part: string): Answer {
  return { response, problem: response.ok ? `but ${part} is not JSON` : undefined };
}

/** A browser returns an opaque redirect with status 0. */
function isRedirect({ type, status }: Response): boolean {
  return type === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status);
}

/** A response without a content type counts as JSON, because the API always sends JSON. */
function isJson(headers: Headers): boolean {
  const type = headers.get("content-type");
  return type === null || /^(?:application|text)\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type.trim());
}

/** Reads a body as UTF-8. Returns `undefined` as soon as the body is known to be too long. */
async function readText(response: Response, isRuntimeFetch: boolean): Promise<string | undefined> {
  const length = response.headers.get("content-length") ?? "";
  if (Number(length) > LONGEST_BODY) {
    cancel(response.body);
    return undefined;
  }
  // Reading without a stream is much faster.
  if (isRuntimeFetch && /^\d+$/.test(length) && isLengthBinding(response)) {
    const text = await response.text();
    // A program that replaced `globalThis.fetch` can give its response a URL and a false length.
    return text.length > LONGEST_BODY ? undefined : text;
  }
  if (response.body === null) return "";
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > LONGEST_BODY) {
      cancel(reader);
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/**
 * Checks whether the `Content-Length` limits the body. The response has to come from the network (a
 * response that a program created is not `basic` and has no URL), no coding changes its length, and
 * CORS does not hide the coding.
 */
function isLengthBinding(response: Response): boolean {
  const { headers, type } = response;
  // Reading the URL is slow on Deno, so it is read last.
  return !headers.has("content-encoding") && !headers.has("transfer-encoding") &&
    (type === "basic" || (type !== "cors" && response.url !== ""));
}

/** Cancels a body, so that its connection becomes free. It fails if that is already broken. */
function cancel(body: { cancel(): Promise<void> } | null): void {
  body?.cancel().catch(() => {});
}

/**
 * Returns the validated body of a response. Throws an error of this package for an invalid response
 * or an error status.
 */
export function evaluateAnswer<T>(answer: Answer, call: AnsweredCall<T>): T {
  const { response, json, problem } = answer;
  if (problem !== undefined) throw responseError(answer, call, problem);
  if (!response.ok) throw apiError(answer, call);
  const result = validate(call.request.response, json);
  if (result.ok) return result.value;
  throw responseError(answer, call, "but its body does not match the API", result.issues);
}

/** Returns the trace id of a response, unless it could contain a secret. */
export function traceIdOf<T>(
  { headers }: Response,
  { quotesSecret }: AnsweredCall<T>,
): string | undefined {
  return safeTraceId(headers.get("x-saasus-trace-id"), quotesSecret);
}

function apiError<T>({ response, json }: Answer, call: AnsweredCall<T>): CredentialApiError {
  const { request, quotesSecret, lost } = call;
  const { status, headers } = response;
  const body: Record<string, unknown> = Object(json);
  const type = safeType(body["type"], quotesSecret);
  const cause = status === 404 ? lost : undefined;
  const detail = type === undefined ? "" : ` (${type})`;
  const hint = cause && `; ${request.lostEffect} by an earlier attempt whose response was lost`;
  return new CredentialApiError(
    `${request.message}: the API answered ${status}${detail}${hint ?? ""}`,
    {
      ...call.errorOptions,
      cause,
      status,
      type,
      data: safeData(body["data"], quotesSecret),
      traceId: traceIdOf(response, call),
      retryAfter: retryAfterOf(headers, call.clock.now()),
    },
  );
}

function responseError<T>(
  { response }: Answer,
  call: AnsweredCall<T>,
  problem: string,
  issues?: readonly ValidationIssue[],
): CredentialResponseError {
  const { status } = response;
  return new CredentialResponseError(
    `${call.request.message}: the API answered ${status}, ${problem}`,
    { ...call.errorOptions, status, traceId: traceIdOf(response, call), issues },
  );
}
