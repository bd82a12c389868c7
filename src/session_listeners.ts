import type { CredentialSessionError } from "./errors.ts";

/** What can happen to a session. */
export type SessionEventType =
  /** Somebody has signed in, here or, after the session was seen to be over, in another tab or process. */
  | "signed_in"
  /** There are new tokens, from a refresh here or from another who shares the store. */
  | "refreshed"
  /** Somebody has signed out, here or in another tab or process that shares the store. */
  | "signed_out"
  /** The service has rejected the refresh token: send the user to the login page. */
  | "ended";

/** What a listener is told. Nothing in it is secret. */
export interface SessionEvent {
  /** What has happened. */
  readonly type: SessionEventType;
  /** Why the session has `ended`; absent else. Its `cause` is the service's answer. */
  readonly error?: CredentialSessionError;
}

/**
 * Told of every change of a session, after it was made: of new tokens once they are stored, of an end at once.
 *
 * Nobody waits for it, and what it throws is dropped, so that a listener that hangs or fails holds up no refresh; it may
 * call any method of the session.
 */
export type SessionListener = (event: SessionEvent) => unknown;

/** Those who want to know. */
export class SessionListeners {
  readonly #listeners = new Set<{ readonly listener: SessionListener }>();

  /** Adds a listener, and answers what removes it. */
  add(listener: SessionListener): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Forgets all. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Tells all. */
  tell(event: SessionEvent): void {
    for (const { listener } of [...this.#listeners]) void call(listener, event);
  }
}

async function call(listener: SessionListener, event: SessionEvent): Promise<void> {
  try {
    await listener(event);
  } catch {
    // The listener's own affair.
  }
}
