import ky, { isTimeoutError } from "ky";
import type { ErrorContext } from "./answer.ts";
import type { ApiCall } from "./operations.ts";
import {
  attempt,
  CallerThrew,
  type CallProgress,
  type GoodAnswer,
  type Service,
} from "./attempt.ts";
import {
  type AnyCredentialError,
  CredentialNetworkError,
  CredentialTimeoutError,
  isCredentialError,
} from "../errors.ts";
import { NO_ANSWER } from "./network_error.ts";
import type { ResponseEvent, RetryEvent } from "./options.ts";
import { isAnswerLost, retryDelay } from "./retry.ts";
import type { CallSettings } from "./settings.ts";
import { TimeLimit } from "../time_limit.ts";
import { abortable } from "../async.ts";

/** What the transport of one client is made of. */
export interface Transport extends Service {
  /** Told before each retry. */
  readonly onRetry?: ((event: RetryEvent) => unknown) | undefined;
  /** Told of each answer. */
  readonly onResponse?: ((event: ResponseEvent) => unknown) | undefined;
}

/** What a call came to. */
export interface Outcome<T> extends GoodAnswer<T> {
  /** How often the call was repeated. */
  readonly retryCount: number;
}

/**
 * Makes a call with as many attempts as it takes and its settings allow.
 *
 * Retries are ky's: it counts them, waits before each, and keeps the time of each and of them all. It is given the URL
 * without its query, and a `fetch` that makes a whole attempt, down to the last byte of the body. So ky never holds a token
 * that what it throws could tell, and a body that is cut off is a failed attempt like any other.
 *
 * Throws errors of this package, the reason of the caller's signal, or what a caller's function threw.
 */
export async function send<T>(
  call: ApiCall<T>,
  settings: CallSettings,
  transport: Transport,
): Promise<Outcome<T>> {
  return await new CallRun(call, settings, transport).outcome();
}

class CallRun<T> {
  readonly #call: ApiCall<T>;
  readonly #settings: CallSettings;
  readonly #transport: Transport;
  readonly #totalTimeout: number;
  readonly #started = performance.now();
  readonly #progress: CallProgress = { mayRenew: true, lost: undefined, authorizations: new Set() };
  #attempts = 0;
  /** The hook that is waited for, and not the service. */
  #hook: "onRetry" | "onResponse" | undefined;
  #retry: { readonly delay: number; readonly error: AnyCredentialError } | undefined;
  #good: GoodAnswer<T> | undefined;

  constructor(call: ApiCall<T>, settings: CallSettings, transport: Transport) {
    this.#call = call;
    this.#settings = settings;
    this.#transport = transport;
    this.#totalTimeout = settings.totalTimeout ?? call.totalTimeout;
  }

  async outcome(): Promise<Outcome<T>> {
    const { signal } = this.#settings;
    try {
      signal?.throwIfAborted();
      await abortable(this.#request(), signal);
      if (this.#good !== undefined) return { ...this.#good, retryCount: this.#attempts - 1 };
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (thrown instanceof CallerThrew) throw thrown.value;
      throw this.#translated(thrown) ?? this.#unknownError();
    }
    throw this.#unknownError();
  }

  async #request(): Promise<void> {
    try {
      await this.#attempt(this.#settings.signal);
    } catch (failure) {
      if (this.#settings.retry.limit === 0 || !this.#shouldRetry(failure)) throw failure;
      await this.#retryAfter(failure);
    }
  }

  /**
   * Hands the call over to ky, which begins with the failure that it has met already, and that is worth a retry. Most calls
   * need no second attempt, and the machinery for one costs as much as a third of a call (bench/README.md), so that ky takes
   * over only where the first has failed.
   */
  async #retryAfter(failure: unknown): Promise<void> {
    const { retry: { limit }, signal } = this.#settings;
    let isFirst = true;
    await ky(this.#transport.url, {
      method: this.#call.method,
      timeout: false,
      totalTimeout: this.#remaining(),
      fetch: async (request) => {
        if (!isFirst) return await this.#attempt((request as Request).signal);
        isFirst = false;
        throw failure;
      },
      retry: {
        limit,
        methods: ["get", "post"],
        shouldRetry: ({ error }) => error === failure || this.#shouldRetry(error),
        delay: () => this.#retry?.delay ?? 0,
      },
      hooks: { beforeRetry: [() => this.#beforeRetry()] },
      ...(signal && { signal }),
    });
  }

  /** Makes an attempt that takes no longer than it may. */
  async #attempt(signal: AbortSignal | null | undefined): Promise<Response> {
    const number = ++this.#attempts;
    const { onResponse } = this.#transport;
    const time = new TimeLimit();
    const end = () => time.end();
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
    let left = this.#settings.timeout;
    let since = performance.now();
    this.#limitAttempt(time, left);
    try {
      const good = await time.wait(attempt({
        call: this.#call,
        settings: this.#settings,
        service: this.#transport,
        progress: this.#progress,
        number,
        signal: time.signal,
        onResponse: onResponse && (async (event) => {
          // The answer is there. A hook that takes its time must not have it asked for again.
          left -= performance.now() - since;
          time.set(this.#remaining(), () => this.#timeoutError());
          await this.#callHook("onResponse", () => onResponse(event));
          since = performance.now();
          this.#limitAttempt(time, left);
        }),
      }));
      this.#good = good;
      return good.answer.response;
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  /** Limits an attempt to what is left of its time, or of the whole call's if that is less. */
  #limitAttempt(time: TimeLimit, left: number): void {
    const remaining = this.#remaining();
    const told = left < remaining ? this.#settings.timeout : this.#totalTimeout;
    time.set(Math.min(left, remaining), () => this.#timeoutError(told));
  }

  /** The one place that decides whether there is another attempt; how long it waits is {@linkcode retryDelay}'s. */
  #shouldRetry(thrown: unknown): boolean {
    const error = this.#translated(thrown);
    const isOver = this.#hook !== undefined || this.#settings.signal?.aborted;
    if (error === undefined || isOver) return false;
    const delay = retryDelay(error, {
      attempt: this.#attempts,
      remaining: this.#remaining(),
      random: Math.random(),
    }, this.#settings.retry);
    if (delay === undefined) return false;
    if (isAnswerLost(error)) this.#progress.lost ??= error;
    this.#retry = { delay, error };
    return true;
  }

  async #beforeRetry(): Promise<void> {
    const { onRetry } = this.#transport;
    const retry = this.#retry;
    if (onRetry === undefined || retry === undefined) return;
    const { operation } = this.#call;
    const event = { operation, attempt: this.#attempts, ...retry };
    await this.#callHook("onRetry", () => onRetry(event));
  }

  async #callHook(
    name: "onRetry" | "onResponse",
    call: () => unknown,
  ): Promise<void> {
    this.#hook = name;
    await CallerThrew.guard(call);
    this.#hook = undefined;
  }

  /** The errors of this package as they are, and those of ky as ours; `undefined` for anything else. */
  #translated(thrown: unknown): AnyCredentialError | undefined {
    if (isCredentialError(thrown)) return thrown;
    return isTimeoutError(thrown) ? this.#timeoutError() : undefined;
  }

  #timeoutError(timeout = this.#totalTimeout): CredentialTimeoutError {
    const awaited = this.#hook === undefined ? "answer" : `end of ${this.#hook}`;
    return new CredentialTimeoutError(
      `${this.#call.failure}: no ${awaited} within ${timeout} ms`,
      { ...this.#errorContext, timeout },
    );
  }

  #unknownError(): CredentialNetworkError {
    return new CredentialNetworkError(`${this.#call.failure}: ${NO_ANSWER.other}`, {
      ...this.#errorContext,
      reason: "other",
    });
  }

  get #errorContext(): ErrorContext {
    return { operation: this.#call.operation, retryCount: Math.max(0, this.#attempts - 1) };
  }

  #remaining(): number {
    return this.#totalTimeout - (performance.now() - this.#started);
  }
}
