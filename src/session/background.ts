import { isCredentialError } from "../errors.ts";
import { MAX_TIMER } from "../validation.ts";

/** The shortest delay of a timer, in ms, so that no clock turns the timer into a busy loop. */
const SHORTEST_TIMER = 1_000;

/** The wait after a failed refresh, in ms. */
const RETRY_WAIT = 30_000;

/** Options for {@linkcode BackgroundRefresh}. */
export interface BackgroundRefreshOptions {
  /** Returns the time at which the next refresh is due, or `Infinity`. */
  readonly dueAt: () => number;
  /** Refreshes the login if it is due. */
  readonly refresh: () => Promise<unknown>;
  /** The local clock, in ms. */
  readonly now: () => number;
}

/** A refresh ahead of expiry, by at most one timer, which keeps no process alive. */
export class BackgroundRefresh {
  readonly #options: BackgroundRefreshOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** Creates a background refresh without a timer. */
  constructor(options: BackgroundRefreshOptions) {
    this.#options = options;
  }

  /** Loads the login, refreshes it if it is due, and sets the timer for the next refresh. */
  async start(): Promise<void> {
    const { dueAt, refresh, now } = this.#options;
    this.#timer = undefined;
    let hasFailed = false;
    try {
      await refresh();
    } catch (thrown) {
      // The next caller gets the error.
      hasFailed = !isCredentialError(thrown) || thrown.code !== "session_ended";
    }
    if (this.#timer !== undefined) return;
    const left = dueAt() - now();
    if (left === Infinity && !hasFailed) return;
    this.#set(left > 0 && left !== Infinity ? left : RETRY_WAIT);
  }

  /** Sets the timer for the login as it is now. */
  update(): void {
    this.#clear();
    const dueAt = this.#options.dueAt();
    if (dueAt !== Infinity) this.#set(dueAt - this.#options.now());
  }

  /** Stops the background refresh for good. */
  stop(): void {
    this.#isStopped = true;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #set(delay: number): void {
    if (this.#isStopped) return;
    const bounded = Math.min(MAX_TIMER, Math.max(SHORTEST_TIMER, delay));
    this.#timer = setTimeout(() => void this.start(), bounded);
    unref(this.#timer);
  }
}

/**
 * Lets the process end while the timer runs. On Deno a timer is a number; browsers need nothing.
 */
function unref(timer: unknown): void {
  const { Deno: deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref(): void }).unref();
  } else {
    deno?.unrefTimer?.(timer);
  }
}
