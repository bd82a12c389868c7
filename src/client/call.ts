import { TimeoutError } from "ky";
import { abortable } from "../async.ts";
import {
  type AnyCredentialError,
  CredentialInputError,
  CredentialNetworkError,
  CredentialTimeoutError,
  isCredentialError,
} from "../errors.ts";
import { quotesHidden, quotesSecret, secretsOfHeaders } from "../redaction.ts";
import { isHeaderValue } from "../validation.ts";
import {
  type Answer,
  type AnswerContext,
  type ErrorContext,
  evaluateAnswer,
  readAnswer,
  traceIdOf,
} from "./answer.ts";
import { isNotPermitted, networkErrorReason, NO_RESPONSE } from "./network_error.ts";
import type { ApiRequest } from "./operations.ts";
import type { ResponseEvent, RetryEvent } from "./options.ts";
import { isResponseLost, retryDelay } from "./retry.ts";
import type { ServerClock } from "./server_time.ts";
import type { CallSettings, Fetch } from "./settings.ts";

/** The parts of a client that all its calls share. */
export interface CallContext {
  /** The URL of the API, without a query. */
  readonly url: string;
  /** Sends requests. */
  readonly fetch: Fetch;
  /** Whether `fetch` is the runtime's own. */
  readonly isRuntimeFetch: boolean;
  /** Options that all requests are sent with. */
  readonly requestInit: RequestInit;
  /** The clock of the server. */
  readonly clock: ServerClock;
  /** Called before each retry. */
  readonly onRetry: ((event: RetryEvent) => unknown) | undefined;
  /** Called after each response. */
  readonly onResponse: ((event: ResponseEvent) => unknown) | undefined;
}

/** The result of a successful call. */
export interface CallResult<T> {
  /** The validated body. */
  readonly data: T;
  /** The response. */
  readonly response: Response;
  /** Returns the trace id of the response. Searching it for secrets takes time. */
  readonly traceId: () => string | undefined;
  /** The number of retries. */
  readonly retryCount: number;
}

/**
 * Marks an error of the caller's `auth` or hook. It rejects the call unchanged, and the call is not
 * retried.
 */
class CallerError {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/**
 * One call on its way: its attempts and their common state. ky decides when to call which method:
 *
 * 1. {@linkcode Call.prototype.attempt} authorizes and sends the request, and evaluates the
 *    response.
 * 2. If it fails, {@linkcode Call.prototype.shouldRetry} decides about a retry, and `delay` is its
 *    wait.
 * 3. {@linkcode Call.prototype.beforeRetry} calls `onRetry`, and the next attempt starts.
 */
export class Call<T> {
  readonly #request: ApiRequest<T>;
  readonly #settings: CallSettings;
  readonly #context: CallContext;
  readonly #totalTimeout: number;
  readonly #started = performance.now();
  /** All sent values of the `Authorization` header. An error must not contain them. */
  readonly #authorizations = new Set<string>();
  /** The number of the current attempt, counted from 1. */
  #attempt = 0;
  /** Aborts the request of the current attempt. */
  #abort = () => {};
  /** The time limit that expires first, in ms. */
  #limit: number;
  /** The hook that is being awaited. */
  #hook: "onResponse" | "onRetry" | undefined;
  /** Whether a 401 may still renew the authorization. */
  #mayRenew = true;
  /** The error of the first attempt whose response was lost. */
  #lost: AnyCredentialError | undefined;
  #retry: { readonly delay: number; readonly error: AnyCredentialError } | undefined;
  #result: Omit<CallResult<T>, "retryCount"> | undefined;

  /**
   * Prepares a call. Nothing is sent yet. The signal in `settings` must not be used for other
   * calls.
   */
  constructor(request: ApiRequest<T>, settings: CallSettings, context: CallContext) {
    this.#request = request;
    this.#settings = settings;
    this.#context = context;
    this.#totalTimeout = this.#limit = settings.totalTimeout ?? request.totalTimeout;
    settings.signal?.addEventListener("abort", () => this.#abort(), { once: true });
  }

  /** The time limit of the whole call, in ms. */
  get totalTimeout(): number {
    return this.#totalTimeout;
  }

  /** The wait before the next attempt, in ms. */
  get delay(): number {
    return this.#retry?.delay ?? 0;
  }

  /** The result of the last attempt. */
  get result(): CallResult<T> {
    if (this.#result === undefined) throw this.#networkError(undefined);
    return { ...this.#result, retryCount: this.#attempt - 1 };
  }

  /**
   * Makes one attempt.
   *
   * The request gets a signal of its own. With ky's signal alone, Node would not abort a request
   * after a garbage collection.
   */
  async attempt(): Promise<Response> {
    const { timeout, signal } = this.#settings;
    this.#attempt++;
    this.#limit = timeout < this.#remaining() ? timeout : this.#totalTimeout;
    const controller = new AbortController();
    this.#abort = () => controller.abort();
    // A function of the caller could ignore the signal.
    return await abortable(this.#exchange(controller.signal), signal);
  }

  /** Decides whether the call is retried, and after which wait. */
  shouldRetry(thrown: unknown): boolean {
    this.#abort();
    const error = this.#knownError(thrown);
    // While a hook runs, a response has been received, and the code or token must not be sent
    // again.
    const isOver = this.#hook !== undefined || this.#settings.signal?.aborted;
    if (error === undefined || isOver) return false;
    const state = { attempt: this.#attempt, remaining: this.#remaining(), random: Math.random() };
    const delay = retryDelay(error, state, this.#settings.retry);
    if (delay === undefined) return false;
    if (isResponseLost(error)) this.#lost ??= error;
    this.#retry = { delay, error };
    this.#limit = this.#totalTimeout;
    return true;
  }

  /** Calls `onRetry`. */
  async beforeRetry(): Promise<void> {
    const { onRetry } = this.#context;
    const retry = this.#retry;
    if (onRetry === undefined || retry === undefined) return;
    const event = { operation: this.#request.operation, attempt: this.#attempt, ...retry };
    await abortable(this.#runHook("onRetry", () => onRetry(event)), this.#settings.signal);
  }

  /** Ends the call, and returns what it rejects with. */
  fail(thrown: unknown): unknown {
    this.#abort();
    const { signal } = this.#settings;
    if (signal?.aborted) return signal.reason;
    if (thrown instanceof CallerError) return thrown.thrown;
    return this.#knownError(thrown) ?? this.#networkError(undefined);
  }

  /** Sends the request, and once more after a 401 if `auth` then returns another value. */
  async #exchange(signal: AbortSignal): Promise<Response> {
    const authorization = await this.#authorize(false);
    let answer = await this.#send(authorization, signal);
    if (answer.response.status === 401 && this.#mayRenew) {
      this.#mayRenew = false;
      const renewed = await this.#authorize(true);
      if (renewed !== authorization) answer = await this.#send(renewed, signal);
    }
    const context = this.#answerContext();
    const data = evaluateAnswer(answer, context);
    const { response } = answer;
    this.#result = { data, response, traceId: () => traceIdOf(answer, context) };
    return response;
  }

  async #authorize(rejected: boolean): Promise<string> {
    const { clock, url } = this.#context;
    const { method, query, body, message } = this.#request;
    let value: unknown;
    try {
      const timestamp = rejected ? clock.exact() : clock.now();
      value = await this.#settings.auth({ method, url: url + query, body, timestamp, rejected });
    } catch (thrown) {
      throw new CallerError(thrown);
    }
    if (isHeaderValue(value) && value.trim() !== "") return value;
    throw new CredentialInputError(message, {
      ...this.#errorContext(),
      issues: [{ path: "auth", expected: "a function that returns the value of a header" }],
    });
  }

  /** Sends the request once, corrects the clock, and calls `onResponse`. */
  async #send(authorization: string, signal: AbortSignal): Promise<Answer> {
    // The call may have ended while `auth` ran.
    signal.throwIfAborted();
    const { clock } = this.#context;
    this.#authorizations.add(authorization);
    const started = performance.now();
    const sent = clock.local();
    const answer = await this.#fetch(authorization, signal);
    const { headers } = answer.response;
    clock.learn({ sent, received: clock.local(), headers });
    if (this.#context.onResponse !== undefined) {
      await this.#reportResponse(answer, performance.now() - started);
      // The call may have ended while the hook ran.
      signal.throwIfAborted();
    }
    return answer;
  }

  /** Sends the signed URL and body unchanged, and reads the response. */
  async #fetch(authorization: string, signal: AbortSignal): Promise<Answer> {
    const { fetch, isRuntimeFetch, url, requestInit } = this.#context;
    const { method, query, body } = this.#request;
    const headers: Record<string, string> = {
      ...this.#settings.headers,
      accept: "application/json",
      authorization,
    };
    if (body !== "") headers["content-type"] = "application/json";
    const init = { ...requestInit, method, headers, redirect: "manual", signal } as const;
    try {
      const response = await fetch(url + query, body === "" ? init : { ...init, body });
      // A `fetch` of the caller could return anything, and a message contains the status.
      const isResponse = Number.isInteger(response.status) &&
        (response.status > 0 || response.type === "opaqueredirect");
      if (!isResponse) throw new TypeError("No response");
      const answer = await readAnswer(response, isRuntimeFetch);
      // A `fetch` of the caller could ignore the signal.
      signal.throwIfAborted();
      return answer;
    } catch (thrown) {
      throw this.#networkError(thrown);
    }
  }

  async #reportResponse(answer: Answer, duration: number): Promise<void> {
    const { onResponse } = this.#context;
    if (onResponse === undefined) return;
    const { operation } = this.#request;
    const { status } = answer.response;
    const traceId = traceIdOf(answer, this.#answerContext());
    const event = { operation, attempt: this.#attempt, status, duration };
    await this.#runHook(
      "onResponse",
      () => onResponse(traceId === undefined ? event : { ...event, traceId }),
    );
  }

  async #runHook(name: "onResponse" | "onRetry", run: () => unknown): Promise<void> {
    this.#hook = name;
    try {
      await run();
    } catch (thrown) {
      throw new CallerError(thrown);
    }
    this.#hook = undefined;
  }

  /**
   * Returns an error of this package unchanged and a timeout of ky as ours; `undefined` for
   * anything else.
   */
  #knownError(thrown: unknown): AnyCredentialError | undefined {
    if (isCredentialError(thrown)) return thrown;
    if (!(thrown instanceof TimeoutError)) return undefined;
    const timeout = this.#limit;
    const awaited = this.#hook === undefined ? "response" : `end of ${this.#hook}`;
    return new CredentialTimeoutError(
      `${this.#request.message}: no ${awaited} within ${timeout} ms`,
      { ...this.#errorContext(), timeout },
    );
  }

  #networkError(thrown: unknown): AnyCredentialError {
    const { message } = this.#request;
    if (this.#context.isRuntimeFetch && isNotPermitted(thrown)) {
      return new CredentialInputError(message, {
        ...this.#errorContext(),
        issues: [{
          path: "baseUrl",
          expected: "a host that the program may access (Deno: --allow-net)",
        }],
      });
    }
    const reason = networkErrorReason(thrown);
    return new CredentialNetworkError(`${message}: ${NO_RESPONSE[reason]}`, {
      ...this.#errorContext(),
      reason,
    });
  }

  #answerContext(): AnswerContext<T> {
    return {
      request: this.#request,
      errorContext: this.#errorContext(),
      quotesSecret: (text) => this.#quotesSecret(text),
      lost: this.#lost,
      now: () => this.#context.clock.now(),
    };
  }

  #errorContext(): ErrorContext {
    const { operation } = this.#request;
    return { operation, retryCount: Math.max(0, this.#attempt - 1) };
  }

  #quotesSecret(text: string): boolean {
    const { auth, headers } = this.#settings;
    const secrets = [
      ...this.#request.secrets,
      ...secretsOfHeaders(this.#authorizations, headers),
    ];
    return quotesSecret(text, secrets) || quotesHidden(auth, text);
  }

  #remaining(): number {
    return this.#totalTimeout - (performance.now() - this.#started);
  }
}
