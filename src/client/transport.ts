import ky, { type KyInstance, type Options } from "ky";
import { Call, type CallContext, type CallResult } from "./call.ts";
import type { ApiRequest } from "./operations.ts";
import type { CallSettings } from "./settings.ts";

/**
 * Sends the calls of one client through one ky instance.
 *
 * ky counts the retries, waits before each, and enforces the time limits. It gets the URL without
 * the query, and a `fetch` that makes a whole attempt including the body. So an error of ky cannot
 * contain a token, and an attempt whose response body is cut off is retried like any other.
 */
export class Transport {
  readonly #context: CallContext;
  readonly #ky: KyInstance;

  /** Creates the ky instance of a client. Nothing is sent yet. */
  constructor(context: CallContext) {
    this.#context = context;
    const beforeRetry: NonNullable<NonNullable<Options["hooks"]>["beforeRetry"]> = [
      ({ options }) => (options.context["call"] as Call<unknown>).beforeRetry(),
    ];
    this.#ky = ky.create(context.onRetry === undefined ? {} : { hooks: { beforeRetry } });
  }

  /**
   * Makes a call. Rejects with an error of this package, the reason of the caller's signal, or an
   * error of the caller's functions.
   */
  async send<T>(request: ApiRequest<T>, settings: CallSettings): Promise<CallResult<T>> {
    const { signal } = settings;
    if (signal === undefined || signal === null) return await this.#send(request, settings);
    signal.throwIfAborted();
    // ky combines signals with `AbortSignal.any`. A caller's signal that lives on would collect
    // them.
    const controller = new AbortController();
    const abort = () => controller.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await this.#send(request, { ...settings, signal: controller.signal });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #send<T>(request: ApiRequest<T>, settings: CallSettings): Promise<CallResult<T>> {
    const { timeout, retry: { limit }, signal } = settings;
    const call = new Call(request, settings, this.#context);
    try {
      await this.#ky(this.#context.url, {
        method: request.method,
        timeout,
        totalTimeout: call.totalTimeout,
        retry: {
          limit,
          methods: ["get", "post"],
          shouldRetry: ({ error }) => call.shouldRetry(error),
          delay: () => call.delay,
        },
        fetch: () => call.attempt(),
        ...(this.#context.onRetry && { context: { call } }),
        ...(signal && { signal }),
      });
      return call.result;
    } catch (thrown) {
      throw call.fail(thrown);
    }
  }
}
