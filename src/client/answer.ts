import type { ApiCall } from "./operations.ts";
import {
  type AnyCredentialError,
  CredentialApiError,
  CredentialResponseError,
  type Operation,
  type ValidationIssue,
} from "../errors.ts";
import { retryAfterOf } from "./http_date.ts";
import { safeData, safeTraceId, safeType, type SecretFinder } from "../redaction.ts";
import { discard, isJson, readText } from "./response_body.ts";
import { validate } from "../validation.ts";

/** The longest body that is read, in bytes: 1 MiB. */
const LONGEST_BODY = 2 ** 20;

/** What every error tells of its call. */
export interface ErrorContext {
  /** The operation. */
  readonly operation: Operation;
  /** How often the call had been repeated. */
  readonly retryCount: number;
}

/** What was asked, as far as it matters for the answer. */
export interface Question<T> {
  /** The call that is answered. */
  readonly call: ApiCall<T>;
  /** What every error about the answer tells of the call. */
  readonly errorContext: ErrorContext;
  /** Finds what an error must not repeat: tokens of the call, and the headers that went out with it. */
  readonly quotesSecret: SecretFinder;
  /** The first error of the call after which the service may have acted on the request. */
  readonly lost: AnyCredentialError | undefined;
  /** The time in ms since the epoch, as the server sees it. */
  readonly now: () => number;
}

/** An answer that has been read as far as it is wanted. */
export interface Answer {
  /** The response, its body read or let go. */
  readonly response: Response;
  /** The body; absent where it was not read. */
  readonly text?: string;
  /** Why it is refused, whatever its status: a redirect, or a body over 1 MiB. */
  readonly refusal?: string;
}

/**
 * Reads an answer, and no more of it than is needed.
 *
 * @param trustsLength Whether the answer has the length that it tells.
 */
export async function readAnswer(response: Response, trustsLength: boolean): Promise<Answer> {
  if (isRedirect(response.status)) {
    discard(response);
    return { response, refusal: "a redirect, which is not followed" };
  }
  if (!isJson(response.headers)) {
    discard(response);
    return { response };
  }
  const text = await readText(response, LONGEST_BODY, { trustsLength });
  return text === undefined
    ? { response, refusal: "but its body is longer than 1 MiB" }
    : { response, text };
}

/** What the API promises, out of an answer. Throws the error that any other answer is. */
export function evaluateAnswer<T>(answer: Answer, question: Question<T>): T {
  const { response, text, refusal } = answer;
  if (refusal !== undefined) throw badAnswer(refusal, answer, question);
  if (!response.ok) throw apiError(answer, question);
  if (text === undefined) {
    throw badAnswer("but its content type is not JSON", answer, question);
  }
  const json = parseJson(text);
  if (json === undefined) throw badAnswer("but its body is not JSON", answer, question);
  const result = validate(question.call.answer, json.value);
  if (result.ok) return result.value;
  throw badAnswer("but its body is not what the API promises", answer, question, result.issues);
}

/** The trace id of an answer. It is read only where it is wanted, since the search for secrets in it takes its time. */
export function traceIdOf<T>({ response }: Answer, question: Question<T>): string | undefined {
  return safeTraceId(response.headers.get("x-saasus-trace-id"), question.quotesSecret);
}

function apiError<T>(answer: Answer, question: Question<T>): CredentialApiError {
  const { call, errorContext, quotesSecret, lost, now } = question;
  const { response, text } = answer;
  const { status, headers } = response;
  const body = fieldsOf(parseJson(text ?? "")?.value);
  const type = safeType(body["type"], quotesSecret);
  const cause = status === 404 ? lost : undefined;
  const word = type === undefined ? "" : ` (${type})`;
  const doubt = cause && `; ${call.spent} by an earlier attempt whose answer was lost`;
  return new CredentialApiError(
    `${call.failure}: the API answered ${status}${word}${doubt ?? ""}`,
    {
      ...errorContext,
      cause,
      status,
      type,
      data: safeData(body["data"], quotesSecret),
      traceId: traceIdOf(answer, question),
      retryAfter: retryAfterOf(headers, now()),
    },
  );
}

function badAnswer<T>(
  problem: string,
  answer: Answer,
  question: Question<T>,
  issues?: readonly ValidationIssue[],
): CredentialResponseError {
  const { call, errorContext } = question;
  const { status } = answer.response;
  const traceId = traceIdOf(answer, question);
  return new CredentialResponseError(
    `${call.failure}: the API answered ${status}, ${problem}`,
    { ...errorContext, status, traceId, issues },
  );
}

/** 0 is what a browser shows of a redirect that it was told not to follow. */
function isRedirect(status: number): boolean {
  return [0, 301, 302, 303, 307, 308].includes(status);
}

/** Field by field, so that a body that lacks one still tells the others. */
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
