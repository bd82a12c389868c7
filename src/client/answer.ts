import {
  type AnyCredentialError,
  CredentialApiError,
  CredentialResponseError,
  type Operation,
  type ValidationIssue,
} from "../errors.ts";
import { safeData, safeTraceId, safeType, type SecretSearch } from "../redaction.ts";
import { validate } from "../validation.ts";
import type { ApiRequest } from "./operations.ts";
import { retryAfterOf } from "./server_time.ts";

/** The longest body that is accepted, in bytes: 1 MiB. */
const LONGEST_BODY = 2 ** 20;

/** The fields that all errors of a call have. */
export interface ErrorContext {
  /** The operation. */
  readonly operation: Operation;
  /** The number of retries so far. */
  readonly retryCount: number;
}

/** The context in which a response is evaluated. */
export interface AnswerContext<T> {
  /** The request that was sent. */
  readonly request: ApiRequest<T>;
  /** The fields that all errors of the call have. */
  readonly errorContext: ErrorContext;
  /** Checks whether a text contains a secret of the call. */
  readonly quotesSecret: SecretSearch;
  /** The error of the first attempt whose response was lost. */
  readonly lost: AnyCredentialError | undefined;
  /** Returns the server's time, in ms since the epoch. */
  readonly now: () => number;
}

/** A response whose body was read, or cancelled because it is not needed. */
export interface Answer {
  /** The response. */
  readonly response: Response;
  /** The body, unless it was cancelled. */
  readonly text?: string;
  /**
   * The reason why the response is rejected whatever its status: a redirect, or a body over 1 MiB.
   */
  readonly problem?: string;
}

/**
 * Reads a response, and cancels a body that is not needed.
 *
 * @param response The response.
 * @param isRuntimeFetch Whether the runtime's own `fetch` returned the response.
 */
export async function readAnswer(response: Response, isRuntimeFetch: boolean): Promise<Answer> {
  if (isRedirect(response)) {
    cancelBody(response);
    return { response, problem: "a redirect, which is not followed" };
  }
  if (!isJson(response.headers)) {
    cancelBody(response);
    return { response };
  }
  const text = await readText(response, isRuntimeFetch);
  return text === undefined
    ? { response, problem: "but its body is longer than 1 MiB" }
    : { response, text };
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
    cancelBody(response);
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
      ignoreRejection(reader.cancel());
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}

/**
 * Checks whether the `Content-Length` limits the body. The response has to come from the network (a
 * response that a program created has no URL), no coding changes its length, and CORS does not hide
 * the coding.
 */
function isLengthBinding({ headers, type, url }: Response): boolean {
  return url !== "" && type !== "cors" && !headers.has("content-encoding") &&
    !headers.has("transfer-encoding");
}

/** Cancels a body, so that its connection becomes free. */
function cancelBody(response: Response): void {
  if (response.body !== null) ignoreRejection(response.body.cancel());
}

/** Cancelling fails if the connection is already broken. */
function ignoreRejection(cancelling: Promise<void>): void {
  cancelling.catch(() => {});
}

/**
 * Returns the validated body of a response. Throws an error of this package for an invalid response
 * or an error status.
 */
export function evaluateAnswer<T>(answer: Answer, context: AnswerContext<T>): T {
  const { response, text, problem } = answer;
  if (problem !== undefined) throw responseError(problem, answer, context);
  if (!response.ok) throw apiError(answer, context);
  if (text === undefined) throw responseError("but its content type is not JSON", answer, context);
  const json = parseJson(text);
  if (json === undefined) throw responseError("but its body is not JSON", answer, context);
  const result = validate(context.request.response, json.value);
  if (result.ok) return result.value;
  throw responseError("but its body does not match the API", answer, context, result.issues);
}

/** Returns the trace id of a response, unless it could contain a secret. */
export function traceIdOf<T>({ response }: Answer, context: AnswerContext<T>): string | undefined {
  return safeTraceId(response.headers.get("x-saasus-trace-id"), context.quotesSecret);
}

function apiError<T>(answer: Answer, context: AnswerContext<T>): CredentialApiError {
  const { request, errorContext, quotesSecret, lost, now } = context;
  const { response, text } = answer;
  const { status, headers } = response;
  const body = fieldsOf(parseJson(text ?? "")?.value);
  const type = safeType(body["type"], quotesSecret);
  const cause = status === 404 ? lost : undefined;
  const detail = type === undefined ? "" : ` (${type})`;
  const hint = cause && `; ${request.lostEffect} by an earlier attempt whose response was lost`;
  return new CredentialApiError(
    `${request.message}: the API answered ${status}${detail}${hint ?? ""}`,
    {
      ...errorContext,
      cause,
      status,
      type,
      data: safeData(body["data"], quotesSecret),
      traceId: traceIdOf(answer, context),
      retryAfter: retryAfterOf(headers, now()),
    },
  );
}

function responseError<T>(
  problem: string,
  answer: Answer,
  context: AnswerContext<T>,
  issues?: readonly ValidationIssue[],
): CredentialResponseError {
  const { request: { message }, errorContext } = context;
  const { status } = answer.response;
  const traceId = traceIdOf(answer, context);
  return new CredentialResponseError(
    `${message}: the API answered ${status}, ${problem}`,
    { ...errorContext, status, traceId, issues },
  );
}

/** Returns the fields of an error body, which may be incomplete. */
function fieldsOf(json: unknown): Record<string, unknown> {
  return typeof json === "object" && json !== null ? { ...json } : {};
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
