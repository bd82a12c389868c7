import * as v from "valibot";
import { deadline } from "../async.ts";
import { type Credentials, CredentialsSchema } from "../models.ts";
import { quotesSecret } from "../redaction.ts";
import { type Schema, validate } from "../validation.ts";
import { keyOf, type Login, restoredLogin } from "./login_tokens.ts";
import type { SessionStore } from "./options.ts";

/** The record in the store, as JSON. */
interface StoredLogin {
  readonly v: 1;
  readonly credentials: Credentials;
  readonly receivedAt: number;
  /** Absent if unknown. */
  readonly expiresAt?: number | undefined;
}

const time = /* @__PURE__ */ v.custom<number>(Number.isFinite);

const storedLogin: Schema<StoredLogin> = /* @__PURE__ */ v.object({
  v: /* @__PURE__ */ v.literal(1),
  credentials: CredentialsSchema,
  receivedAt: time,
  expiresAt: /* @__PURE__ */ v.optional(time),
});

/** Options for {@linkcode StoreEntry}. */
export interface StoreEntryOptions {
  /** The store. */
  readonly store: SessionStore;
  /** The key in the store. */
  readonly key: string;
  /** The time before expiry at which an ID token is due for a refresh, in ms. */
  readonly margin?: number | undefined;
  /** Returns the seconds until the store may drop a record. */
  readonly ttl?: (() => number | undefined) | undefined;
  /**
   * The time limit of a store call, in ms.
   *
   * @default {5000}
   */
  readonly timeout?: number | undefined;
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
  readonly #options: StoreEntryOptions;
  /** Settles when no change is under way, except for those over the time limit. */
  #changes: Promise<unknown> = Promise.resolve();
  #changing = 0;
  /** The number of calls under way, in the queue or in the store. */
  #calls = 0;
  /** The result of the last change, unless another session has changed the entry since. */
  #latest: Login | null | undefined;
  /** Whether the store returns promises, so that it cannot be read synchronously. */
  #isAsync = false;
  /** The tokens that were read and written last. */
  #secrets: readonly string[] = [];

  /** Creates an entry. Nothing is read yet. */
  constructor(options: StoreEntryOptions) {
    this.#options = options;
  }

  /**
   * Reads the login; `null` if the store has no record, `undefined` for a record that cannot be
   * used.
   */
  async read(): Promise<Login | null | undefined> {
    const { store, key } = this.#options;
    const stored = await this.#call("Cannot read the credentials from the store", async () => {
      await this.#changes;
      return await this.#inTime(() => store.getItem(key));
    });
    const login = this.#parse(stored);
    if (!isSameRecord(login, this.#latest)) this.#latest = undefined;
    return login;
  }

  /** Reads the login synchronously; `undefined` if that is not possible. */
  peek(): Login | undefined {
    const { store, key } = this.#options;
    if (this.#isAsync || this.#changing > 0) return undefined;
    try {
      const stored = store.getItem(key);
      if (!isThenable(stored)) return this.#parse(stored) ?? undefined;
      this.#isAsync = true;
      // Nobody awaits it: a failure must not count as unhandled.
      void settled(stored);
    } catch {
      // The next call that is awaited reports it.
    }
    return undefined;
  }

  /** Writes a login, unless the signal has aborted when its turn comes. */
  async write(login: Login, signal: AbortSignal): Promise<void> {
    try {
      await this.#change("Cannot store the credentials", login, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown;
    }
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
    const turn = this.#changes.then(async () => {
      signal?.throwIfAborted();
      this.#latest = next;
      await this.#inTime(() => this.#apply(next), (late) => void settled(this.#repair(late, next)));
    });
    this.#changing++;
    this.#changes = settled(turn).then(() => this.#changing--);
    await this.#call(failure, () => turn);
  }

  #apply(next: Login | null): unknown {
    const { store, key, ttl } = this.#options;
    if (next === null) return store.removeItem(key);
    const { credentials, receivedAt, expiresAt } = next;
    this.#secrets = [...this.#secrets.slice(-3), ...Object.values(credentials)];
    const stored: StoredLogin = {
      v: 1,
      credentials,
      receivedAt,
      ...expiresAt !== Infinity && { expiresAt },
    };
    const seconds = ttl?.();
    const text = JSON.stringify(stored);
    return seconds === undefined
      ? store.setItem(key, text)
      : store.setItem(key, text, { ttl: seconds });
  }

  /** Repeats the latest change, if a change that exceeded the time limit has undone it. */
  async #repair(late: PromiseLike<unknown>, done: Login | null): Promise<void> {
    await settled(late);
    const latest = this.#latest;
    if (latest === undefined || isSameRecord(latest, done)) return;
    const stored = await this.#inTime(() => this.#options.store.getItem(this.#options.key));
    if (this.#latest !== latest || !isSameRecord(this.#parse(stored), done)) return;
    await this.#change("Cannot repeat a change", latest);
  }

  /** Waits for a store call. `onLate` gets a call that exceeds the time limit. */
  async #inTime<T>(
    access: () => T | PromiseLike<T>,
    onLate?: (late: Promise<T>) => void,
  ): Promise<T> {
    const { timeout = STORE_TIMEOUT } = this.#options;
    const result = access();
    if (!isThenable(result)) return result;
    this.#isAsync = true;
    // Once: the query of a database client may be sent again by each `then`.
    const promise = Promise.resolve(result);
    let isDone = false;
    const done = () => isDone = true;
    promise.then(done, done);
    try {
      return await deadline(promise, timeout);
    } catch (thrown) {
      if (!isDone) onLate?.(promise);
      throw thrown;
    }
  }

  async #call<T>(failure: string, access: () => Promise<T>): Promise<T> {
    const { timeout = STORE_TIMEOUT } = this.#options;
    const isQueued = this.#calls++ > 0;
    try {
      return await (isQueued ? deadline(access(), timeout) : access());
    } catch (thrown) {
      throw new Error(`${failure}: ${safeMessage(thrown, [this.#options.key, ...this.#secrets])}`);
    } finally {
      this.#calls--;
    }
  }

  #parse(stored: unknown): Login | null | undefined {
    if (stored === null || stored === undefined) return null;
    const result = validate(storedLogin, typeof stored === "string" ? parsed(stored) : stored);
    if (!result.ok) return undefined;
    const { credentials, receivedAt, expiresAt = Infinity } = result.value;
    this.#secrets = [...this.#secrets.slice(-3), ...Object.values(credentials)];
    return restoredLogin(credentials, { receivedAt, expiresAt }, this.#options.margin);
  }
}

function isSameRecord(one: Login | null | undefined, other: Login | null | undefined): boolean {
  if (!one || !other) return one === other;
  return one.receivedAt === other.receivedAt && keyOf(one) === keyOf(other);
}

/** Checks for a promise, or the thenable query of a database client. */
function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

async function settled(promise: PromiseLike<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // Whoever awaits the promise itself handles it.
  }
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
