import { type KyInstance, TimeoutError } from "ky";
import { abortable } from "../async.ts";
import {
  type AnyCredentialError,
  CredentialInputError,
  CredentialTimeoutError,
  isCredentialError,
} from "../errors.ts";
import { quotesHidden, quotesSecret, type SecretSearch, secretsOfHeaders } from "../redaction.ts";
import { isHeaderValue } from "../validation.ts";
import { type Answer, type AnsweredCall, evaluateAnswer, readAnswer, traceIdOf } from "./answer.ts";
import { isNotPermitted, networkError } from "./network_error.ts";
import type { ApiRequest } from "./operations.ts";
import type { ApiResponse, RetryEvent } from "./options.ts";
import { isResponseLost, retryDelay } from "./retry.ts";
import type { ServerClock } from "./server_time.ts";
import type { CallSettings, ClientSettings } from "./settings.ts";

/** The parts of a client that all its calls share. */
export interface CallContext extends ClientSettings {
  /** The ky instance that carries all calls. */
  readonly ky: KyInstance;
  /** The clock of the server. */
  readonly clock: ServerClock;
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

/** Runs a function of the caller. */
async function runCaller(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (thrown) {
    throw new CallerError(thrown);
  }
}

/**
 * One call on its way: its attempts and their common state.
 *
 * ky counts the retries, waits before each, and enforces the time limits. It gets the URL without
 * the query, and a `fetch` that makes a whole attempt including the body. So an error of ky cannot
 * contain a token, and an attempt whose response body is cut off is retried like any other. For ky,
 * every request is a GET, which it retries.
 */
export class Call<T> implements AnsweredCall<T> {
  readonly request: ApiRequest<T>;
  readonly clock: ServerClock;
  lost: AnyCredentialError | undefined;
  /** The response of the attempt that succeeded. */
  response!: Response;
  /** The validated body of the response. */
  data!: T;
  readonly #settings: CallSettings;
  readonly #context: CallContext;
  readonly #totalTimeout: number;
  readonly #started = performance.now();
  /** All sent values of the `Authorization` header. An error must not contain them. */
  readonly #authorizations = new Set<string>();
  /** The number of the current attempt, counted from 1. */
  #attempts = 0;
  /** The signal of the whole call, if the caller gave one. */
  #signal: AbortSignal | undefined;
  /** Aborts the request of the current attempt. */
  #abort = () => {};
  /** The time limit that expires first, in ms. */
  #limit: number;
  /** The hook that is being awaited. */
  #hook: "onResponse" | "onRetry" | undefined;
  /** Whether a 401 may still renew the authorization. */
  #mayRenew = true;
  /** The retry that is due. */
  #retry!: RetryEvent;

  /** Prepares a call. Nothing is sent yet. */
  constructor(request: ApiRequest<T>, settings: CallSettings, context: CallContext) {
    this.request = request;
    this.clock = context.clock;
    this.#settings = settings;
    this.#context = context;
    this.#totalTimeout = this.#limit = settings.totalTimeout ?? request.totalTimeout;
  }

  /**
   * Makes the call, and returns it once it has succeeded. Rejects with an error of this package,
   * the reason of the caller's signal, or an error of the caller's functions.
   */
  async send(): Promise<this> {
    const { timeout, retry: { limit }, signal } = this.#settings;
    const { ky, url, onRetry } = this.#context;
    signal?.throwIfAborted();
    // ky combines signals with `AbortSignal.any`. A caller's signal that lives on would collect
    // them.
    const controller = signal && new AbortController();
    const abort = () => {
      this.#abort();
      controller?.abort(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#signal = controller?.signal;
    try {
      await ky(url, {
        timeout,
        totalTimeout: this.#totalTimeout,
        retry: {
          limit,
          shouldRetry: ({ error }) => this.#shouldRetry(error),
          delay: () => this.#retry.delay,
        },
        fetch: () => this.#attempt(),
        ...(onRetry && {
          hooks: { beforeRetry: [() => this.#runHook("onRetry", () => onRetry(this.#retry))] },
        }),
        ...(controller && { signal: controller.signal }),
      });
      return this;
    } catch (thrown) {
      throw this.#failure(thrown);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Returns the result with the parts of the response that are for the caller. */
  toResponse(): ApiResponse<T> {
    const { data, response } = this;
    const { status, headers } = response;
    const traceId = traceIdOf(response, this);
    const { retryCount } = this.errorOptions;
    return { data, status, headers, ...(traceId !== undefined && { traceId }), retryCount };
  }

  /**
   * Makes one attempt.
   *
   * The request gets a signal of its own. With ky's signal alone, Node would not abort a request
   * after a garbage collection.
   */
  async #attempt(): Promise<Response> {
    const { timeout } = this.#settings;
    this.#attempts++;
    this.#limit = timeout < this.#remaining() ? timeout : this.#totalTimeout;
    const controller = new AbortController();
    this.#abort = () => controller.abort();
    // A function of the caller could ignore the signal.
    return await abortable(this.#exchange(controller.signal), this.#signal);
  }

  /** Decides whether the call is retried, and after which wait. */
  #shouldRetry(thrown: unknown): boolean {
    this.#abort();
    const error = this.#knownError(thrown);
    // While a hook runs, a response has been received, and the code or token must not be sent
    // again.
    const isOver = this.#hook !== undefined || this.#signal?.aborted;
    if (error === undefined || isOver) return false;
    const attempt = this.#attempts;
    const state = { attempt, remaining: this.#remaining(), random: Math.random() };
    const delay = retryDelay(error, state, this.#settings.retry);
    if (delay === undefined) return false;
    if (isResponseLost(error)) this.lost ??= error;
    this.#retry = { operation: this.request.operation, attempt, delay, error };
    this.#limit = this.#totalTimeout;
    return true;
  }

  /** Ends the call, and returns what it rejects with. */
  #failure(thrown: unknown): unknown {
    this.#abort();
    const signal = this.#signal;
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
    this.data = evaluateAnswer(answer, this);
    return this.response = answer.response;
  }

  async #authorize(rejected: boolean): Promise<string> {
    const { method, query, body } = this.request;
    const url = this.#context.url + query;
    const value = await runCaller(() => {
      const timestamp = rejected ? this.clock.exact() : this.clock.now();
      return this.#settings.auth({ method, url, body, timestamp, rejected });
    });
    if (isHeaderValue(value) && value.trim() !== "") return value;
    throw this.#inputError("auth", "a function that returns the value of a header");
  }

  /** Sends the request once, corrects the clock, and calls `onResponse`. */
  async #send(authorization: string, signal: AbortSignal): Promise<Answer> {
    // The call may have ended while `auth` ran.
    signal.throwIfAborted();
    this.#authorizations.add(authorization);
    const started = performance.now();
    const sent = this.clock.local();
    const answer = await this.#fetch(authorization, signal);
    const { headers, status } = answer.response;
    this.clock.learn({ sent, received: this.clock.local(), headers });
    const { onResponse } = this.#context;
    if (onResponse !== undefined) {
      const duration = performance.now() - started;
      const traceId = traceIdOf(answer.response, this);
      const { operation } = this.request;
      const event = { operation, attempt: this.#attempts, status, duration };
      await this.#runHook(
        "onResponse",
        () => onResponse(traceId === undefined ? event : { ...event, traceId }),
      );
      // The call may have ended while the hook ran.
      signal.throwIfAborted();
    }
    return answer;
  }

  /** Sends the signed URL and body unchanged, and reads the response. */
  async #fetch(authorization: string, signal: AbortSignal): Promise<Answer> {
    const { fetch, url, requestInit } = this.#context;
    const { method, query, body } = this.request;
    const headers: Record<string, string> = {
      ...this.#settings.headers,
      accept: "application/json",
      authorization,
    };
    if (body !== "") headers["content-type"] = "application/json";
    const init = { ...requestInit, method, headers, redirect: "manual", signal } as const;
    try {
      const send = fetch ?? globalThis.fetch;
      const response = await send(url + query, body === "" ? init : { ...init, body });
      // A `fetch` of the caller could return anything, and a message contains the status.
      const { status, type } = response;
      const isResponse = Number.isInteger(status) && (status > 0 || type === "opaqueredirect");
      if (!isResponse) throw new TypeError("No response");
      const answer = await readAnswer(response, fetch === undefined);
      // A `fetch` of the caller could ignore the signal.
      signal.throwIfAborted();
      return answer;
    } catch (thrown) {
      throw this.#networkError(thrown);
    }
  }

  async #runHook(name: "onResponse" | "onRetry", run: () => unknown): Promise<void> {
    this.#hook = name;
    await abortable(runCaller(run), this.#signal);
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
      `${this.request.message}: no ${awaited} within ${timeout} ms`,
      { ...this.errorOptions, timeout },
    );
  }

  #networkError(thrown: unknown): AnyCredentialError {
    return this.#context.fetch === undefined && isNotPermitted(thrown)
      ? this.#inputError("baseUrl", "permission to access it (Deno: --allow-net)")
      : networkError(thrown, this.request.message, this.errorOptions);
  }

  #inputError(path: string, expected: string): CredentialInputError {
    const issues = [{ path, expected }];
    return new CredentialInputError(this.request.message, { ...this.errorOptions, issues });
  }

  get errorOptions(): { operation: ApiRequest<T>["operation"]; retryCount: number } {
    return {
      operation: this.request.operation,
      retryCount: Math.max(0, this.#attempts - 1),
    };
  }

  readonly quotesSecret: SecretSearch = (text) => {
    const { auth, headers } = this.#settings;
    const secrets = [...this.request.secrets, ...secretsOfHeaders(this.#authorizations, headers)];
    return quotesSecret(text, secrets) || quotesHidden(auth, text);
  };

  #remaining(): number {
    return this.#totalTimeout - (performance.now() - this.#started);
  }
}
