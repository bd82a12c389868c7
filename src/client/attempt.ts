import {
  type Answer,
  type ErrorContext,
  evaluateAnswer,
  type Question,
  readAnswer,
  traceIdOf,
} from "./answer.ts";
import type { ApiCall } from "./operations.ts";
import {
  type AnyCredentialError,
  CredentialInputError,
  CredentialNetworkError,
} from "../errors.ts";
import { isHeaderValue } from "../validation.ts";
import { isNotPermitted, networkErrorReason, NO_ANSWER } from "./network_error.ts";
import type { ResponseEvent } from "./options.ts";
import { quotesHidden, quotesSecret, SHORTEST_SECRET } from "../redaction.ts";
import type { ServerClock } from "./server_time.ts";
import type { CallSettings, Fetch } from "./settings.ts";

/** What all calls of one client share. */
export interface Service {
  /** The URL of the API, without a query. */
  readonly url: string;
  /** What sends requests. */
  readonly fetch: Fetch;
  /** Whether that is the runtime's own, whose answers have the length that they tell. */
  readonly isRuntimeFetch: boolean;
  /** The clock that requests are signed by. */
  readonly clock: ServerClock;
}

/** What the attempts of a call share. */
export interface CallProgress {
  /** Whether a rejected authorization may still be renewed: once in a call. */
  mayRenew: boolean;
  /** The first error of the call after which the service may have acted on the request. */
  lost: AnyCredentialError | undefined;
  /** All values of the `Authorization` header that went out: none may be repeated by an error. */
  readonly authorizations: Set<string>;
}

/** What an attempt works with. */
export interface AttemptContext<T> {
  /** The call that it is an attempt at. */
  readonly call: ApiCall<T>;
  /** The options of the call. */
  readonly settings: CallSettings;
  /** What all calls share. */
  readonly service: Service;
  /** What all attempts at the call share. */
  readonly progress: CallProgress;
  /** The number of the attempt, counted from 1. */
  readonly number: number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
  /** Told of each answer. */
  readonly onResponse?: ((event: ResponseEvent) => Promise<void>) | undefined;
}

/** A good answer of the API. */
export interface GoodAnswer<T> {
  /** What the body holds. */
  readonly data: T;
  /** The answer. */
  readonly answer: Answer;
  /** What was asked. */
  readonly question: Question<T>;
}

/**
 * What a caller's own function threw: a hook or an `auth`. It reaches the caller as it is, and is never tried again, even
 * if it looks like an error that would be.
 */
export class CallerThrew {
  /** What was thrown. */
  readonly value: unknown;

  /** Sets what was thrown apart from all that is translated. */
  constructor(value: unknown) {
    this.value = value;
  }

  /** Runs a caller's function. */
  static async guard<T>(run: () => T | Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      throw new CallerThrew(thrown);
    }
  }
}

/**
 * One attempt: asks for the authorization, sends the request and reads the answer. After a 401 the authorization is asked
 * for again, and the request sent once more if it comes out different: that renews a token and mends a clock, and never
 * repeats what is hopeless.
 *
 * Throws errors of this package and {@linkcode CallerThrew}, nothing else.
 */
export async function attempt<T>(context: AttemptContext<T>): Promise<GoodAnswer<T>> {
  const { progress } = context;
  const question = questionOf(context);
  const authorization = await authorize(context, false);
  let answer = await roundTrip(context, question, authorization);
  if (answer.response.status === 401 && progress.mayRenew) {
    // A hook that was told of the 401 may have outlasted the call.
    context.signal.throwIfAborted();
    progress.mayRenew = false;
    const renewed = await authorize(context, true);
    if (renewed !== authorization) answer = await roundTrip(context, question, renewed);
  }
  return { data: evaluateAnswer(answer, question), answer, question };
}

/** Asks for the value of the `Authorization` header. */
async function authorize<T>(context: AttemptContext<T>, rejected: boolean): Promise<string> {
  const { call: { method, query, body, failure }, settings, service } = context;
  const { clock, url } = service;
  const value: unknown = await CallerThrew.guard(() => {
    const timestamp = rejected ? clock.exact() : clock.now();
    return settings.auth({ method, url: url + query, body, timestamp, rejected });
  });
  if (isHeaderValue(value) && value.trim() !== "") return value;
  throw new CredentialInputError(failure, {
    ...errorContext(context),
    issues: [{ path: "auth", expected: "a function that returns the value of a header" }],
  });
}

function questionOf<T>(context: AttemptContext<T>): Question<T> {
  const { call, settings: { auth, headers }, service, progress } = context;
  return {
    call,
    errorContext: errorContext(context),
    quotesSecret: (text) => {
      const sent = secretHeaders(headers);
      const words = [
        ...[...progress.authorizations].flatMap(credentialsOf),
        ...sent.flatMap(wordsOf).filter(isLong),
      ];
      const secrets = [...call.secrets, ...progress.authorizations, ...sent, ...words];
      return quotesSecret(text, secrets) || quotesHidden(auth, text);
    },
    lost: progress.lost,
    now: () => service.clock.now(),
  };
}

/** The values of the headers that a caller has added; a short one, or what the API asks for, is no secret. */
function secretHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name, value]) => isLong(value) && !/^(?:x-saasus-|referer$)/.test(name))
    .map(([, value]) => value);
}

function isLong(text: string): boolean {
  return text.length >= SHORTEST_SECRET;
}

/** What an `Authorization` holds behind its scheme: a token, or the values of what it names. A short one counts as well. */
function credentialsOf(authorization: string): string[] {
  return wordsOf(authorization.replace(/^\S+\s|\w+=(?!=|$)/g, ""));
}

/** The words of a header's value: a token is quoted without the scheme before it, a cookie without its name. */
function wordsOf(value: string): string[] {
  return value.split(/[\s,;=]+/);
}

/** Sends the request, reads the answer, learns from its clock and tells of it. */
async function roundTrip<T>(
  context: AttemptContext<T>,
  question: Question<T>,
  authorization: string,
): Promise<Answer> {
  const { service: { clock }, onResponse } = context;
  const started = performance.now();
  const sent = clock.local();
  context.progress.authorizations.add(authorization);
  const answer = await receive(context, authorization);
  const { status, headers } = answer.response;
  clock.learn({ sent, received: clock.local(), headers });
  if (onResponse !== undefined) {
    const duration = performance.now() - started;
    const { call: { operation }, number } = context;
    const traceId = traceIdOf(answer, question);
    const event = { operation, attempt: number, status, duration };
    await onResponse(traceId === undefined ? event : { ...event, traceId });
  }
  return answer;
}

async function receive<T>(context: AttemptContext<T>, authorization: string): Promise<Answer> {
  try {
    const response = await send(context, authorization);
    // A fetch of the caller's may answer anything, and the status is told in messages.
    if (!Number.isInteger(response.status)) throw new TypeError("This is no Response");
    const answer = await readAnswer(response, context.service.isRuntimeFetch);
    // A fetch of the caller's may answer a call that has ended; nothing must come of that.
    context.signal.throwIfAborted();
    return answer;
  } catch (thrown) {
    if (isNotPermitted(thrown)) {
      throw new CredentialInputError(context.call.failure, {
        ...errorContext(context),
        issues: [{ path: "baseUrl", expected: "a host that may be reached (Deno: --allow-net)" }],
      });
    }
    const reason = networkErrorReason(thrown);
    throw new CredentialNetworkError(`${context.call.failure}: ${NO_ANSWER[reason]}`, {
      ...errorContext(context),
      reason,
    });
  }
}

/** Sends the URL and the body that were signed, to the byte. */
async function send<T>(context: AttemptContext<T>, authorization: string): Promise<Response> {
  const { call: { method, query, body }, settings, service, signal } = context;
  // An auth that took its time must not send anything for a call that has ended meanwhile.
  signal.throwIfAborted();
  const { fetch, url } = service;
  const headers: Record<string, string> = {
    ...settings.headers,
    accept: "application/json",
    authorization,
  };
  if (body === "") return await fetch(url + query, { method, headers, redirect: "manual", signal });
  headers["content-type"] = "application/json";
  return await fetch(url + query, { method, headers, body, redirect: "manual", signal });
}

function errorContext<T>({ call: { operation }, number }: AttemptContext<T>): ErrorContext {
  return { operation, retryCount: number - 1 };
}
