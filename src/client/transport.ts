import ky, { type KyInstance } from "ky";
import { Call, type CallContext } from "./call.ts";
import type { ApiRequest } from "./operations.ts";
import { ServerClock } from "./server_time.ts";
import type { CallSettings, ClientSettings } from "./settings.ts";

/**
 * Sends the calls of one client through one ky instance.
 *
 * ky counts the retries, waits before each, and enforces the time limits. It gets the URL without
 * the query, and a `fetch` that makes a whole attempt including the body. So an error of ky cannot
 * contain a token, and an attempt whose response body is cut off is retried like any other. For ky,
 * every request is a GET, which it retries.
 */
export class Transport {
  readonly #context: CallContext;
  readonly #ky: KyInstance = ky.create();

  /** Creates the ky instance of a client. Nothing is sent yet. */
  constructor({ now, ...settings }: ClientSettings) {
    this.#context = { ...settings, clock: new ServerClock(now) };
  }

  /**
   * Makes a call, and returns it once it has succeeded. Rejects with an error of this package, the
   * reason of the caller's signal, or an error of the caller's functions.
   */
  async send<T>(request: ApiRequest<T>, settings: CallSettings): Promise<Call<T>> {
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

  async #send<T>(request: ApiRequest<T>, settings: CallSettings): Promise<Call<T>> {
    const { timeout, retry: { limit }, signal } = settings;
    const { url, onRetry } = this.#context;
    const call = new Call(request, settings, this.#context);
    try {
      await this.#ky(url, {
        timeout,
        totalTimeout: call.totalTimeout,
        retry: {
          limit,
          shouldRetry: ({ error }) => call.shouldRetry(error),
          delay: () => call.delay,
        },
        fetch: () => call.attempt(),
        ...(onRetry && { hooks: { beforeRetry: [() => call.beforeRetry()] } }),
        ...(signal && { signal }),
      });
      return call;
    } catch (thrown) {
      throw call.fail(thrown);
    }
  }
}
