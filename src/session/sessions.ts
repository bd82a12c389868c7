import { CredentialInputError } from "../errors.ts";
import type { CredentialSessionsOptions } from "./options.ts";
import { CredentialSession } from "./session.ts";
import { type SessionsSettings, sessionsSettings, withDefaults } from "./settings.ts";

/** The number of sessions that are kept in memory. */
const MAX_SESSIONS = 5_000;

/**
 * The sessions of a server that has many users: one live session for each id, so that any number of
 * concurrent requests of one user make one refresh, and an outage of the service is noticed by one
 * request per pause.
 *
 * - **Shared by all processes.** The logins are in the store. A sign-out or a refresh in another
 *   process is noticed within `recheck`, because a session reads the store again before it returns
 *   a token if the last read is older. If the store is down, a valid token remains in use.
 * - **Bounded.** 5,000 sessions are kept in memory. Beyond that, the least recently used one is
 *   dropped; its login stays in the store. An id without a login is not kept.
 *
 * @example The API of a web application
 * ```ts
 * import {
 *   type CredentialClient,
 *   CredentialSessions,
 * } from "@saasus-sdk/credential";
 * import { createStorage } from "unstorage";
 *
 * function tokens(client: CredentialClient) {
 *   // In production, with a driver for Redis or another database.
 *   const store = createStorage();
 *   const sessions = new CredentialSessions({ client, store });
 *   return (id: string) => sessions.get(id).getIdToken();
 * }
 * ```
 *
 * @category Session
 */
export class CredentialSessions {
  readonly #settings: SessionsSettings;
  /** The least recently used first. */
  readonly #sessions = new Map<string, CredentialSession>();

  /**
   * Creates the sessions. Nothing is sent, stored or read yet.
   *
   * @param options The client and the store are required.
   * @throws {CredentialInputError} If an option is invalid.
   */
  constructor(options: CredentialSessionsOptions) {
    this.#settings = sessionsSettings(options);
  }

  /**
   * Returns the session of an id. Whoever has the id has the login: use at least 128 random bits,
   * such as `crypto.randomUUID()`, and a new id for each sign-in.
   *
   * @param id The id of the session. In the store, it follows `prefix`.
   * @param options `expiresAt` is the end of the login, in ms since the epoch: the record's `ttl`
   * is at most the time left. It counts when the session is created.
   * @returns The one live session of the id in this process.
   * @throws {CredentialInputError} If the id is not a non-empty string.
   *
   * @example Sign in and out
   * ```ts
   * import type { CredentialSessions } from "@saasus-sdk/credential";
   *
   * async function signIn(sessions: CredentialSessions, code: string) {
   *   const id = crypto.randomUUID();
   *   await sessions.get(id).signIn(code);
   *   return id; // for a cookie with HttpOnly and Secure
   * }
   *
   * async function signOut(sessions: CredentialSessions, id: string) {
   *   await sessions.get(id).signOut();
   * }
   * ```
   */
  get(id: string, options?: { expiresAt?: number | undefined }): CredentialSession {
    const session = this.#sessions.get(id) ?? this.#create(id, options?.expiresAt);
    // The most recently used last.
    this.#sessions.delete(id);
    this.#keep(id, session);
    return session;
  }

  #create(id: string, expiresAt: number | undefined): CredentialSession {
    if (typeof id !== "string" || id === "") {
      throw new CredentialInputError("Cannot get the session", {
        issues: [{ path: "id", expected: "a non-empty string" }],
      });
    }
    const { prefix, ttl, ...settings } = this.#settings;
    const session = new CredentialSession(withDefaults({
      ...settings,
      key: prefix + id,
      ttl: () => remainingTtl(ttl, expiresAt, settings.now()),
      onPresence: (isPresent) => {
        if (isPresent && !this.#sessions.has(id)) this.#keep(id, session);
        else if (!isPresent && this.#sessions.get(id) === session) this.#sessions.delete(id);
      },
    }));
    return session;
  }

  #keep(id: string, session: CredentialSession): void {
    this.#sessions.set(id, session);
    if (this.#sessions.size > MAX_SESSIONS) this.#dropOldest();
  }

  #dropOldest(): void {
    for (const [id, session] of this.#sessions) {
      this.#sessions.delete(id);
      // Its timer would keep it in memory for good.
      if (this.#settings.backgroundRefresh) session[Symbol.dispose]();
      return;
    }
  }
}

/** Returns the smaller of two limits of a record's lifetime, in s. */
function remainingTtl(
  ttl: number | undefined,
  expiresAt: number | undefined,
  now: number,
): number | undefined {
  if (expiresAt === undefined) return ttl;
  // Redis rejects 0.
  return Math.max(1, Math.min(ttl ?? Infinity, Math.ceil((expiresAt - now) / 1000)));
}
