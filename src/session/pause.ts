import { isCredentialError } from "../errors.ts";

const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 300_000;
const SHORTEST_WAIT = 1_000;

/** A failure, and the time for which it is not tried again. */
interface Failure {
  readonly token: string;
  readonly error: unknown;
  readonly since: number;
  readonly wait: number;
}

/**
 * The pause after failures with a token: 30 s growing to 5 min, or the `Retry-After` of the
 * service. Without a pause, every request of a busy application would send its own refresh during
 * an outage.
 */
export class FailurePause {
  readonly #now: () => number;
  #failures = 0;
  #last: Failure | undefined;

  /** Creates a pause that has not begun. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the failure that a token is paused for, or `undefined`. */
  failureOf(token: string): { readonly error: unknown } | undefined {
    if (this.#last?.token !== token) return undefined;
    // A clock that was set back must not turn a pause of 30 s into hours.
    return Math.abs(this.#now() - this.#last.since) < this.#last.wait ? this.#last : undefined;
  }

  /** Begins a pause after a failure with a token. */
  begin(token: string, error?: unknown): void {
    this.#failures = this.#last?.token === token ? this.#failures + 1 : 1;
    const backoff = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#failures - 1));
    this.#last = { token, error, since: this.#now(), wait: retryAfterOf(error) ?? backoff };
  }

  /** Ends the pause after a success. */
  end(): void {
    this.#last = undefined;
  }
}

function retryAfterOf(error: unknown): number | undefined {
  const isAnswer = isCredentialError(error) && error.code === "api_error";
  if (!isAnswer || error.retryAfter === undefined) return undefined;
  return Math.max(SHORTEST_WAIT, error.retryAfter);
}
