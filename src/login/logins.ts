import { type CredentialSession, CredentialSessions, type SessionStore } from "../../mod.ts";
import { deadline } from "../async.ts";
import type { SessionCookie } from "./cookies.ts";
import { memoryStore } from "./memory_store.ts";
import type { LoginSettings } from "./settings.ts";

/** The beginning of each key in the store, before the id. */
const PREFIX = "saasus-session:";

/** The time limit of a read of the store, in ms. */
const STORE_TIMEOUT = 5_000;

/** The logins of an application, each under the hash of its session cookie. */
export class Logins {
  readonly #store: SessionStore;
  readonly #sessions: CredentialSessions;

  /** Creates the logins. */
  constructor(settings: LoginSettings) {
    const { client, now, recheck, lock, margin, endsSession, origins, fetch } = settings;
    this.#store = settings.store ?? memoryStore(now);
    this.#sessions = new CredentialSessions({
      client,
      store: this.#store,
      prefix: PREFIX,
      recheck,
      lock,
      margin,
      endsSession,
      origins,
      fetch,
      now,
    });
  }

  /** Returns the session of a cookie. It has a login if the store has a record. */
  async get(cookie: SessionCookie): Promise<CredentialSession> {
    return this.#sessions.get(await idOf(cookie), { expiresAt: cookie.end });
  }

  /** Checks whether the store has a record of a cookie. */
  async has(cookie: SessionCookie): Promise<boolean> {
    const key = PREFIX + await idOf(cookie);
    const read = async (): Promise<unknown> => await this.#store.getItem(key);
    const record = await deadline(read(), STORE_TIMEOUT);
    return record !== null && record !== undefined;
  }
}

/**
 * Returns the id of a login: the hash of its cookie, so that a look into the store signs nobody in.
 */
async function idOf({ value }: SessionCookie): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
