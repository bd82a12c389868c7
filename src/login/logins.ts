import { type CredentialSession, CredentialSessions } from "../../mod.ts";
import { deadline } from "../async.ts";
import type { SessionCookie } from "./cookies.ts";
import type { LoginSettings } from "./options.ts";
import { EndingStore, memoryStore } from "./store.ts";

/** The beginning of each key in the store, before the id. */
const PREFIX = "saasus-session:";

/** The time limit of a read of the store, in ms. */
const STORE_TIMEOUT = 5_000;

/** The logins of an application, each under the hash of its session cookie. */
export class Logins {
  readonly #sessions: CredentialSessions;
  readonly #store: EndingStore;

  /** Creates the logins. */
  constructor(settings: LoginSettings) {
    const { client, now, lifetime, recheck, lock, margin, endsSession, origins, fetch } = settings;
    this.#store = new EndingStore({ store: settings.store ?? memoryStore(now), now });
    this.#sessions = new CredentialSessions({
      client,
      store: this.#store,
      prefix: PREFIX,
      ttl: Math.ceil(lifetime / 1_000),
      recheck,
      lock,
      margin,
      endsSession,
      origins,
      fetch,
      now,
    });
  }

  /**
   * Returns the session of a cookie if the store has a record of it. A cookie without a record takes no room among the
   * sessions, so that invented cookies cannot displace those of users.
   */
  async find(cookie: SessionCookie): Promise<CredentialSession | undefined> {
    const id = await idOf(cookie);
    if (!this.#store.isKnown(PREFIX + id)) {
      if (!await this.#isStored(id)) return undefined;
      this.#store.setEnd(PREFIX + id, cookie.end);
    }
    return this.#sessions.get(id);
  }

  /** Checks whether the store has a record of a cookie. */
  async has(cookie: SessionCookie): Promise<boolean> {
    return await this.#isStored(await idOf(cookie));
  }

  /** Exchanges a code, and stores the login under a cookie. */
  async create(cookie: SessionCookie, code: string): Promise<CredentialSession> {
    const id = await idOf(cookie);
    this.#store.setEnd(PREFIX + id, cookie.end);
    const session = this.#sessions.get(id);
    try {
      await session.signIn(code);
      return session;
    } catch (error) {
      this.#store.forget(PREFIX + id);
      throw error;
    }
  }

  /** Removes the record of a cookie. */
  async remove(cookie: SessionCookie): Promise<void> {
    const session = await this.find(cookie);
    if (session === undefined) return;
    await session.signOut();
    await this.release(cookie);
  }

  /** Forgets that the store has a record of a cookie. The next request with the cookie reads the store. */
  async release(cookie: SessionCookie): Promise<void> {
    this.#store.forget(PREFIX + await idOf(cookie));
  }

  async #isStored(id: string): Promise<boolean> {
    try {
      const record: unknown = await deadline(this.#read(id), STORE_TIMEOUT);
      return record !== null && record !== undefined;
    } catch {
      // The store's own error may repeat anything.
      throw new Error("Cannot read the login from the store");
    }
  }

  async #read(id: string): Promise<unknown> {
    return await this.#store.getItem(PREFIX + id);
  }
}

/** Returns the id of a login: the hash of its cookie, so that a look into the store signs nobody in. */
async function idOf({ value }: SessionCookie): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
