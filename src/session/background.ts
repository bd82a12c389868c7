import { MAX_TIMER } from "../validation.ts";
import type { HeldCredentials } from "./held.ts";

/** However the clock behaves, a timer is no busy loop. */
const SHORTEST_TIMER = 1_000;

/** How long to wait after a refresh that came to nothing, in ms. */
const AFTER_FAILURE = 30_000;

/** What a {@linkcode BackgroundRefresh} is made of. */
export interface BackgroundRefreshOptions {
  /** The credentials, while there are any. */
  readonly held: () => HeldCredentials | undefined;
  /** Refreshes them if they are due. */
  readonly refresh: () => Promise<unknown>;
  /** The local clock, in ms. */
  readonly now: () => number;
}

/** Refreshes when the time has come: with one timer at the most, which keeps no process alive. */
export class BackgroundRefresh {
  readonly #options: BackgroundRefreshOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** Sets no timer yet. */
  constructor(options: BackgroundRefreshOptions) {
    this.#options = options;
  }

  /** Sets the timer for the credentials as they are now. */
  update(): void {
    this.#clear();
    const { freshUntil = Infinity } = this.#options.held() ?? {};
    if (freshUntil !== Infinity) this.#set(freshUntil - this.#options.now());
  }

  /** Ends it for good. */
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
    this.#timer = setTimeout(() => void this.#fire(), bounded);
    unref(this.#timer);
  }

  async #fire(): Promise<void> {
    const { held, refresh, now } = this.#options;
    this.#timer = undefined;
    try {
      await refresh();
    } catch {
      // Whoever asks for a token next is told.
    }
    const { freshUntil = Infinity } = held() ?? {};
    if (this.#timer !== undefined || freshUntil === Infinity) return;
    const left = freshUntil - now();
    this.#set(left > 0 ? left : AFTER_FAILURE);
  }
}

/** Lets the process end while the timer runs. On Deno a timer is a number, in browsers there is nothing to do. */
function unref(timer: unknown): void {
  const { Deno: deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    (timer as { unref(): void }).unref();
  } else {
    deno?.unrefTimer?.(timer);
  }
}
