import { parseHttpDate } from "./http_date.ts";

/** Below this many ms, a difference is noise: a `Date` has no fractions of a second, and answers take their time. */
const TOLERANCE = 30_000;

/** A round trip of more ms than this says too little about the moment in which the server wrote its `Date`. */
const LONGEST_TRIP = 10_000;

/** An answer's headers, and when its request went out and they came in, in ms since the epoch on the local clock. */
export interface ClockSample {
  /** When the request went out. */
  readonly sent: number;
  /** When the answer came in. */
  readonly received: number;
  /** The headers of the answer. */
  readonly headers: Headers;
}

/** The local clock, corrected by what the server's answers say of the time. Signatures hold the minute, and must agree. */
export class ServerClock {
  readonly #now: () => number;
  /** By how much the server was ahead in its last answer that said so, in ms. */
  #offset = 0;
  /** The last `Date` there was, as it was sent and as it was read: most answers have the same, as it has no fractions. */
  #text: string | null = null;
  #date: number | undefined;

  /** Makes a clock that runs as `now` does, in ms since the epoch, until a sample corrects it. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The time in ms since the epoch, as the server sees it. */
  now(): number {
    return this.#now() + (Math.abs(this.#offset) >= TOLERANCE ? this.#offset : 0);
  }

  /** The same by the server's last `Date` alone, noise and all: what a signature needs that was refused near a full minute. */
  exact(): number {
    return this.#now() + this.#offset;
  }

  /** The time in ms since the epoch, as the local clock has it. */
  local(): number {
    return this.#now();
  }

  /** Learns from an answer. A cached one (it has an `Age`), a slow one and one without a proper `Date` teach nothing. */
  learn({ sent, received, headers }: ClockSample): void {
    const text = headers.get("date");
    if (text !== this.#text) this.#date = parseHttpDate(text);
    this.#text = text;
    const date = this.#date;
    const trip = received - sent;
    if (date === undefined || headers.has("age") || !(trip >= 0 && trip <= LONGEST_TRIP)) return;
    this.#offset = date - (sent + received) / 2;
  }
}
