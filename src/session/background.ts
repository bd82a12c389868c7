import { isCredentialError } from "../errors.ts";
import { MAX_TIMER } from "../validation.ts";
import type { LoginKeeper } from "./keeper.ts";

/** The shortest delay of a timer, in ms, so that no clock turns the timer into a busy loop. */
const SHORTEST_TIMER = 1_000;

/** The wait after a failed refresh, in ms. */
const RETRY_WAIT = 30_000;

/** A refresh ahead of expiry, by at most one timer, which keeps no process alive. */
export class BackgroundRefresh {
  readonly #keeper: LoginKeeper;
  readonly #now: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** Creates a background refresh without a timer. */
  constructor(keeper: LoginKeeper, now: () => number) {
    this.#keeper = keeper;
    this.#now = now;
  }

  /** Loads the login, refreshes it if it is due, and sets the timer for the next refresh. */
  async start(): Promise<void> {
    this.#timer = undefined;
    let hasFailed = false;
    try {
      await this.#keeper.current(undefined);
    } catch (thrown) {
      // The next caller gets the error.
      hasFailed = !isCredentialError(thrown) || thrown.code !== "session_ended";
    }
    if (this.#timer !== undefined) return;
    const left = this.#keeper.dueAt - this.#now();
    if (left === Infinity && !hasFailed) return;
    this.#set(left > 0 && left !== Infinity ? left : RETRY_WAIT);
  }

  /** Sets the timer for the login as it is now. */
  update(): void {
    this.#clear();
    const { dueAt } = this.#keeper;
    if (dueAt !== Infinity) this.#set(dueAt - this.#now());
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
