import { type AnyCredentialError, isCredentialError } from "../errors.ts";
import { keyOf, type Login, receivedLogin } from "./login_tokens.ts";
import type { SessionSettings } from "./settings.ts";

const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 300_000;
const SHORTEST_WAIT = 1_000;

/** The result of a refresh: a login with new tokens, or the error that ends the session. */
export type RefreshResult =
  | { readonly login: Login; readonly rejection?: undefined }
  | { readonly login?: undefined; readonly rejection: AnyCredentialError };

/** Requests new tokens from the service, and pauses after a failure. */
export class Refresher {
  readonly #settings: SessionSettings;
  readonly #pause: FailurePause;

  /** Creates a refresher. Nothing is sent yet. */
  constructor(settings: SessionSettings) {
    this.#settings = settings;
    this.#pause = new FailurePause(settings.now);
  }

  /** Throws the last error with the token of a login while its pause lasts. */
  throwIfPaused(login: Login): void {
    const failure = this.#pause.failureOf(keyOf(login));
    if (failure !== undefined) throw failure.error;
  }

  /** Requests new tokens. Returns the error if it ends the session, and throws any other. */
  async request(login: Login, refreshToken: string, signal: AbortSignal): Promise<RefreshResult> {
    const { client, endsSession, now, margin } = this.#settings;
    this.throwIfPaused(login);
    try {
      const flow = { authFlow: "refreshTokenAuth", refreshToken } as const;
      const credentials = await client.getAuthCredentials(flow, { signal });
      signal.throwIfAborted();
      this.#pause.end();
      const receipt = { receivedAt: now(), source: "refresh", margin, refreshToken } as const;
      return { login: receivedLogin(credentials, receipt) };
    } catch (error) {
      signal.throwIfAborted();
      this.#pause.begin(keyOf(login), error);
      if (isCredentialError(error) && endsSession(error)) return { rejection: error };
      throw error;
    }
  }
}

/** A failure, and the time for which it is not tried again. */
interface Failure {
  readonly key: string;
  readonly error: unknown;
  readonly since: number;
  readonly wait: number;
}

/**
 * The pause after failures: 30 s growing to 5 min, or the `Retry-After` of the service. Without a
 * pause, every request of a busy application would send its own refresh during an outage.
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
  failureOf(key: string): { readonly error: unknown } | undefined {
    if (this.#last?.key !== key) return undefined;
    // A clock that was set back must not turn a pause of 30 s into hours.
    return Math.abs(this.#now() - this.#last.since) < this.#last.wait ? this.#last : undefined;
  }

  /** Begins a pause after a failure with a token. */
  begin(key: string, error?: unknown): void {
    this.#failures = this.#last?.key === key ? this.#failures + 1 : 1;
    const backoff = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#failures - 1));
    this.#last = { key, error, since: this.#now(), wait: retryAfterOf(error) ?? backoff };
  }

  /** Ends the pause after a success. */
  end(): void {
    this.#last = undefined;
  }
}

function retryAfterOf(error: unknown): number | undefined {
  if (!isCredentialError(error) || error.code !== "api_error") return undefined;
  return error.retryAfter === undefined ? undefined : Math.max(SHORTEST_WAIT, error.retryAfter);
}
