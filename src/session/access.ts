import { type HeldCredentials, isFresh, isValid } from "./held.ts";
import type { IsEnough, Refresher } from "./refresh.ts";
import { type SessionState, Superseded } from "./state.ts";
import { abortable } from "../async.ts";

/** The signal of one caller; `null` as in `fetch`. */
export type CallerSignal = AbortSignal | null | undefined;

/** What a {@linkcode SessionAccess} is made of. */
export interface SessionAccessOptions {
  /** What is known. */
  readonly state: SessionState;
  /** What gets new credentials. */
  readonly refresher: Refresher;
  /** The local clock, in ms. */
  readonly now: () => number;
}

/** How callers come by valid credentials, each with a signal of its own. */
export class SessionAccess {
  readonly #options: SessionAccessOptions;

  /** Makes an access. */
  constructor(options: SessionAccessOptions) {
    this.#options = options;
  }

  /** Credentials whose ID token is valid: refreshed if it is due, or as they are if that fails and it is valid still. */
  async current(signal: CallerSignal): Promise<HeldCredentials> {
    const { state, now } = this.#options;
    try {
      return await this.renewed((held) => isFresh(held, now()), signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      const { lastSaved } = state;
      if (lastSaved !== undefined && isValid(lastSaved, now())) return lastSaved;
      throw thrown;
    }
  }

  /** Credentials that are enough, refreshed if those at hand are not. */
  async renewed(isEnough: IsEnough, signal: CallerSignal): Promise<HeldCredentials> {
    const { state, refresher, now } = this.#options;
    let isWanted = isEnough;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const held = await abortable(state.settled(), signal);
        if (isWanted(held)) return held;
        return await abortable(refresher.refresh(held, isWanted), signal);
      } catch (thrown) {
        if (!(thrown instanceof Superseded)) throw thrown;
        // Somebody has signed in or out meanwhile: what they have done counts.
        isWanted = (held) => isFresh(held, now());
      }
    }
  }
}
