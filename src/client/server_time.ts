/**
 * The smallest offset, in ms, that is corrected. A `Date` has no fractions of a second, and a round
 * trip takes time.
 */
const SMALLEST_OFFSET = 30_000;

/**
 * The longest round trip, in ms, whose `Date` is used. A slow one does not tell when the server
 * wrote its `Date`.
 */
const LONGEST_TRIP = 10_000;

/**
 * The times of a request and its response on the local clock, in ms since the epoch, with the
 * response's headers.
 */
export interface ClockSample {
  /** The time at which the request was sent. */
  readonly sent: number;
  /** The time at which the response was received. */
  readonly received: number;
  /** The headers of the response. */
  readonly headers: Headers;
}

/** The clock of the server: the local clock, corrected by the `Date` headers of the responses. */
export class ServerClock {
  readonly #now: () => number;
  /** The offset of the server's clock in the last usable response, in ms. */
  #offset = 0;

  /** Creates a clock that equals `now`, in ms since the epoch, until a response corrects it. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the server's time, in ms since the epoch. An offset below 30 s is ignored. */
  now(): number {
    return this.#now() + (Math.abs(this.#offset) >= SMALLEST_OFFSET ? this.#offset : 0);
  }

  /**
   * Returns the server's time with any offset, for a request that was rejected because the minute
   * had just changed.
   */
  exact(): number {
    return this.#now() + this.#offset;
  }

  /** Returns the local time, in ms since the epoch. */
  local(): number {
    return this.#now();
  }

  /**
   * Corrects the clock, unless the response is cached (it has an `Age`), was slow or has no valid
   * `Date`.
   */
  learn({ sent, received, headers }: ClockSample): void {
    const date = parseHttpDate(headers.get("date"));
    const trip = received - sent;
    if (date === undefined || headers.has("age") || !(trip >= 0 && trip <= LONGEST_TRIP)) return;
    this.#offset = date - (sent + received) / 2;
  }
}

/**
 * Parses an HTTP date in the form `Sun, 06 Nov 1994 08:49:37 GMT`. `Date.parse` alone would accept
 * many other texts, such as the 31st of February.
 *
 * @returns The time in ms since the epoch, or `undefined`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 | RFC 9110, section 5.6.7}
 */
export function parseHttpDate(text: string | null): number | undefined {
  const time = Date.parse(text ?? "");
  return !Number.isNaN(time) && new Date(time).toUTCString() === text ? time : undefined;
}

/**
 * Returns the wait that a `Retry-After` header requests. A date is compared with the `Date` of the
 * same response, if there is one, so that a wrong local clock does not matter.
 *
 * @param headers The headers of the response.
 * @param now The time in ms since the epoch.
 * @returns The wait in ms, or `undefined` if the header is absent or invalid.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 | RFC 9110, section 10.2.3}
 */
export function retryAfterOf(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  const time = parseHttpDate(text);
  if (time === undefined) return undefined;
  return Math.max(0, time - (parseHttpDate(headers.get("date")) ?? now));
}
