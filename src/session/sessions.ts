import type { CredentialSessionOptions, SessionStore } from "./options.ts";
import { CredentialSession } from "./session.ts";

/** Options for {@linkcode CredentialSessions}. */
export interface CredentialSessionsOptions
  extends Omit<CredentialSessionOptions, "key" | "credentials" | "store"> {
  /** The store of all sessions. */
  store: SessionStore;
  /**
   * The beginning of each key in the store, before the id.
   *
   * @default {"saasus-session:"}
   */
  prefix?: string | undefined;
  /**
   * How old the last read of the store may be before a session reads it again, in ms.
   *
   * @default {5_000}
   */
  recheck?: number | undefined;
  /** Seconds until the store may drop a record; passed to `setItem` as `{ ttl }`. */
  ttl?: number | undefined;
}

/** The sessions of a server: one live session for each id. */
export class CredentialSessions {
  readonly #options: CredentialSessionsOptions;
  readonly #sessions = new Map<string, CredentialSession>();

  /** Creates the sessions. */
  constructor(options: CredentialSessionsOptions) {
    this.#options = options;
  }

  /** Returns the session of an id. */
  get(id: string): CredentialSession {
    const { prefix = "saasus-session:", recheck: _recheck, ttl: _ttl, ...options } = this.#options;
    const session = this.#sessions.get(id) ??
      new CredentialSession({ ...options, key: prefix + id });
    this.#sessions.set(id, session);
    return session;
  }
}
