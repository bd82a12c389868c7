/** The time that something may take. Whoever waits is let go at once when it is over, whatever is still going on. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #over: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins without a limit. */
  constructor() {
    this.#over = new Promise((_, reject) => this.#fail = reject);
  }

  /** Ends what goes on. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Sets the limit, from now on, in the place of the one that was set. */
  set(ms: number, errorOf: () => Error): void {
    clearTimeout(this.#timer);
    if (this.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#fail(errorOf());
      this.end();
    }, ms);
  }

  /** Waits for work, and no longer than the limit. */
  async wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([this.#over, work]);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** Ends the work, since nobody waits for it any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
