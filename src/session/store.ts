import * as v from "valibot";
import { deadline } from "../async.ts";
import { type Credentials, CredentialsSchema } from "../models.ts";
import { quotesSecret } from "../redaction.ts";
import { isObject, type Schema, validate } from "../validation.ts";
import { keyOf, type Login, recordOf, restoredLogin } from "./login_tokens.ts";
import type { SessionStore } from "./options.ts";
import type { SessionSettings } from "./settings.ts";

/** The record in the store, as JSON. */
interface StoredLogin {
  readonly v: 1;
  readonly credentials: Credentials;
  readonly receivedAt: number;
  /** Absent if unknown. */
  readonly expiresAt?: number | undefined;
}

const time = /* @__PURE__ */ v.custom<number>((value) => Number.isFinite(value));

const storedLogin: Schema<StoredLogin> = /* @__PURE__ */ v.object({
  v: /* @__PURE__ */ v.literal(1),
  credentials: CredentialsSchema,
  receivedAt: time,
  expiresAt: /* @__PURE__ */ v.optional(time),
});

/** Options for {@linkcode StoreEntry}. */
export interface StoreEntryOptions extends Pick<SessionSettings, "key" | "margin" | "ttl"> {
  /** The store. */
  readonly store: SessionStore;
  /** The time limit of a store call, in ms. */
  readonly timeout?: number;
}

/** Database clients wait for a lost connection to come back, so that a call may never return. */
const STORE_TIMEOUT = 5_000;

/**
 * The entry of one session in its store. Changes run one after another, so that a slow write does
 * not undo a later one. A change that exceeds the time limit no longer delays the others: if it
 * still happens after a later change, the later change is repeated.
 *
 * All methods reject with an error of a safe message, never with the error of the store.
 */
export class StoreEntry {
  readonly #options: StoreEntryOptions & { readonly timeout: number };
  /** The changes under way, except for those over the time limit; `undefined` if there are none. */
  #changes: Promise<void> | undefined;
  /** The last change: the login that was written, `null` for a removal, here or elsewhere. */
  #latest: Login | null = null;
  /** Whether the store returns promises, so that it cannot be read synchronously. */
  #isAsync = false;
  /** The tokens that were read and written last. */
  #secrets: readonly string[] = [];

  /** Creates an entry. Nothing is read yet. */
  constructor(options: StoreEntryOptions) {
    this.#options = { ...options, timeout: options.timeout ?? STORE_TIMEOUT };
  }

  /**
   * Reads the login; `null` if the store has no record, `undefined` for a record that cannot be
   * used.
   */
  async read(): Promise<Login | null | undefined> {
    return await this.#call("Cannot read the credentials from the store", async () => {
      await this.#changes;
      const latest = this.#latest;
      const login = this.#parse(await this.#getItem());
      // A login that was removed elsewhere must not be written again.
      if (login === null && this.#latest === latest) this.#latest = null;
      return login;
    });
  }

  /** Reads the login synchronously; `undefined` if that is not possible. */
  peek(): Login | undefined {
    const { store, key } = this.#options;
    if (this.#isAsync || this.#changes !== undefined) return undefined;
    try {
      const stored = store.getItem(key);
      if (!isThenable(stored)) return this.#parse(stored) ?? undefined;
      this.#isAsync = true;
      // Nobody awaits it: a failure must not count as unhandled.
      void Promise.allSettled([stored]);
    } catch {
      // The next call that is awaited reports it.
    }
    return undefined;
  }

  /** Writes a login, unless the signal has aborted when its turn comes. */
  async write(login: Login, signal: AbortSignal): Promise<void> {
    await this.#change("Cannot store the credentials", login, signal);
  }

  /** Removes the record; if a login is given, only if the record has its refresh token. */
  async remove(login?: Login): Promise<void> {
    if (login !== undefined) {
      const stored = await this.read();
      if (!stored || keyOf(stored) !== keyOf(login)) return;
    }
    await this.#change("Cannot remove the credentials from the store", null);
  }

  async #change(failure: string, next: Login | null, signal?: AbortSignal): Promise<void> {
    const turn = this.#inTurn(async () => {
      signal?.throwIfAborted();
      await this.#apply(next);
    });
    await this.#call(failure, () => turn);
  }

  /** Runs a function after all changes that have begun before. */
  #inTurn(run: () => Promise<void>): Promise<void> {
    const turn = (this.#changes ?? Promise.resolve()).then(run);
    const changes = this.#changes = Promise.allSettled([turn]).then(() => {
      if (this.#changes === changes) this.#changes = undefined;
    });
    return turn;
  }

  async #apply(next: Login | null): Promise<void> {
    this.#latest = next;
    await this.#inTime(this.#send(next), () => this.#repair(next));
  }

  #send(next: Login | null): unknown {
    const { store, key, ttl } = this.#options;
    if (next === null) return store.removeItem(key);
    const { credentials, receivedAt, expiresAt } = next;
    this.#keepSecret(credentials);
    const stored: StoredLogin = {
      v: 1,
      credentials,
      receivedAt,
      ...expiresAt !== Infinity && { expiresAt },
    };
    const seconds = ttl?.();
    const options = seconds === undefined ? [] : [{ ttl: seconds }] as const;
    return store.setItem(key, JSON.stringify(stored), ...options);
  }

  /** Repeats the latest change, if an earlier one took too long and has undone it. */
  #repair(done: Login | null): void {
    if (isSameRecord(this.#latest, done)) return;
    // In turn, so that no other change comes between the read and the repetition.
    this.#inTurn(async () => {
      const stored = this.#parse(await this.#getItem());
      if (isSameRecord(stored, done)) await this.#apply(this.#latest);
    }).catch(() => {});
  }

  async #getItem(): Promise<unknown> {
    return await this.#inTime(this.#options.store.getItem(this.#options.key));
  }

  /** Waits for the result of a store, with a time limit for promises. */
  async #inTime(result: unknown, onSettled = () => {}): Promise<unknown> {
    if (!isThenable(result)) return result;
    this.#isAsync = true;
    // Once: the query of a database client may be sent again by each `then`.
    const promise = Promise.resolve(result);
    promise.then(onSettled, onSettled);
    return await deadline(promise, this.#options.timeout);
  }

  async #call<T>(failure: string, call: () => Promise<T>): Promise<T> {
    const { key, timeout } = this.#options;
    try {
      // A call in the queue must not wait for the time limit of each one before it.
      return await (this.#isAsync ? deadline(call(), timeout) : call());
    } catch (thrown) {
      throw new Error(`${failure}: ${safeMessage(thrown, [key, ...this.#secrets])}`);
    }
  }

  #parse(stored: unknown): Login | null | undefined {
    if (stored === null || stored === undefined) return null;
    const result = validate(storedLogin, typeof stored === "string" ? parsed(stored) : stored);
    if (!result.ok) return undefined;
    const { credentials, receivedAt, expiresAt = Infinity } = result.value;
    this.#keepSecret(credentials);
    return restoredLogin(credentials, { receivedAt, expiresAt }, this.#options.margin);
  }

  #keepSecret(credentials: Credentials): void {
    this.#secrets = [...this.#secrets.slice(-3), ...Object.values(credentials)];
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && "then" in value;
}

function isSameRecord(one: Login | null | undefined, other: Login | null): boolean {
  return one && other ? recordOf(one) === recordOf(other) : one === other;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LONGEST_MESSAGE = 300;

/** The length from which a word with digits counts as a token or key. */
const TOKEN_LENGTH = 20;

/**
 * Returns the message of a store's error, if it contains nothing like a token. The error itself is
 * never passed on: errors of Redis clients carry the command that failed with its arguments.
 */
export function safeMessage(thrown: unknown, secrets: readonly string[]): string {
  try {
    const { message } = thrown as Error;
    if (isSafe(message) && !quotesSecret(message, secrets)) return message;
  } catch {
    // A value without a message, or a getter that throws.
  }
  return "the store failed";
}

function isSafe(message: unknown): message is string {
  if (typeof message !== "string" || message === "" || message.length > LONGEST_MESSAGE) {
    return false;
  }
  return message.split(/[\s"'`(),;]+/).every((word) =>
    word.length < TOKEN_LENGTH || /^[a-z.]+$/i.test(word)
  );
}

/** Creates a store in the memory of one session. */
export function memoryStore(): SessionStore {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key),
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
