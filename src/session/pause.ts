import { isCredentialError } from "../errors.ts";

const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 5 * 60_000;
const SHORTEST_WAIT = 1_000;

/**
 * The time after a failure in which nothing is sent: 30 s growing to 5 min, or what the service asks for. Without it, every
 * request of a busy application would send a refresh of its own through an outage.
 */
export class FailurePause {
  readonly #now: () => number;
  #failures = 0;
  #pause: {
    readonly key: string;
    readonly error: unknown;
    readonly since: number;
    readonly wait: number;
  } | undefined;

  /** Begins without a pause. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The failure that a token is paused for, if it is. */
  failureOf(key: string): { readonly error: unknown } | undefined {
    if (this.#pause?.key !== key) return undefined;
    const { since, wait } = this.#pause;
    // A clock that was set back must not make a pause of 30 s one of hours.
    return Math.abs(this.#now() - since) < wait ? this.#pause : undefined;
  }

  /** Takes note of a failure with a token. */
  begin(key: string, error: unknown): void {
    this.#failures = this.#pause?.key === key ? this.#failures + 1 : 1;
    const wait = retryAfterOf(error) ??
      Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#failures - 1));
    this.#pause = { key, error, since: this.#now(), wait };
  }

  /** Takes note of a success. */
  end(): void {
    this.#pause = undefined;
  }
}

function retryAfterOf(error: unknown): number | undefined {
  if (!isCredentialError(error) || error.code !== "api_error") return undefined;
  const { retryAfter } = error;
  return retryAfter === undefined ? undefined : Math.max(SHORTEST_WAIT, retryAfter);
}
