import * as v from "valibot";
import { type Credentials, CredentialsSchema } from "./models.ts";
import { quotesSecret, SHORTEST_SECRET } from "./redaction.ts";
import { type Schema, validate } from "./schema.ts";
import { type HeldCredentials, restored } from "./session_held.ts";
import type { SessionStore } from "./session_options.ts";

/** What is stored, as JSON. */
interface StoredCredentials {
  readonly v: 1;
  readonly credentials: Credentials;
  readonly receivedAt: number;
  /** Absent where it is not known. */
  readonly expiresAt?: number | undefined;
}

const time = /* @__PURE__ */ v.pipe(/* @__PURE__ */ v.number(), /* @__PURE__ */ v.finite());

const storedCredentials: Schema<StoredCredentials> = /* @__PURE__ */ v.object({
  v: /* @__PURE__ */ v.literal(1),
  credentials: CredentialsSchema,
  receivedAt: time,
  expiresAt: /* @__PURE__ */ v.optional(time),
});

/** What a {@linkcode SessionRecord} is made of. */
export interface SessionRecordOptions {
  /** The store. */
  readonly store: SessionStore;
  /** The name in the store. */
  readonly key: string;
  /** How long ahead of its expiry an ID token is due for a refresh, in ms. */
  readonly margin: number | undefined;
}

/**
 * The one entry of a session in its store. Reading and writing are done one after the other, so that a write that was
 * slow does not undo a later one: a sign-out stays a sign-out.
 *
 * All methods reject with what the store throws.
 */
export class SessionRecord {
  readonly #options: SessionRecordOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Makes a record; reads nothing yet. */
  constructor(options: SessionRecordOptions) {
    this.#options = options;
  }

  /** What is stored; `null` for nothing, `undefined` for rubbish and what another version has stored. */
  async read(): Promise<HeldCredentials | null | undefined> {
    const { store, key } = this.#options;
    const stored: unknown = await this.#inTurn(() => store.getItem(key), []);
    return stored === null || stored === undefined ? null : this.#parse(stored);
  }

  /** The same at once, if the store answers at once. */
  peek(): HeldCredentials | undefined {
    const { store, key } = this.#options;
    if (this.#waiting > 0) return undefined;
    try {
      const stored = store.getItem(key);
      // Nobody is going to wait for it, so that its failure must not count as unhandled.
      if (stored instanceof Promise) stored.catch(() => {});
      return this.#parse(stored);
    } catch {
      return undefined;
    }
  }

  /** Stores credentials, unless they are not wanted any more when it is their turn. */
  async write(
    { credentials, receivedAt, expiresAt }: HeldCredentials,
    unwanted: AbortSignal,
  ): Promise<void> {
    const { store, key } = this.#options;
    const stored: StoredCredentials = {
      v: 1,
      credentials,
      receivedAt,
      expiresAt: expiresAt === Infinity ? undefined : expiresAt,
    };
    await this.#inTurn(async () => {
      unwanted.throwIfAborted();
      await store.setItem(key, JSON.stringify(stored));
    }, Object.values(credentials));
  }

  /** Removes what is stored, if it is still what is to go. */
  async remove(isIt?: (stored: HeldCredentials) => boolean): Promise<void> {
    const { store, key } = this.#options;
    await this.#inTurn(async () => {
      if (isIt !== undefined) {
        const stored = this.#parse(await store.getItem(key));
        if (stored === undefined || !isIt(stored)) return;
      }
      await store.removeItem(key);
    }, []);
  }

  async #inTurn<T>(access: () => T | Promise<T>, secrets: readonly string[]): Promise<T> {
    const result = this.#queue.then(access);
    this.#queue = result.catch(() => {});
    this.#waiting++;
    try {
      return await result;
    } catch (thrown) {
      throw storeFailure(thrown, secrets);
    } finally {
      this.#waiting--;
    }
  }

  #parse(stored: unknown): HeldCredentials | undefined {
    const result = validate(storedCredentials, typeof stored === "string" ? json(stored) : stored);
    if (!result.ok) return undefined;
    const { credentials, receivedAt, expiresAt = Infinity } = result.value;
    return restored(credentials, { receivedAt, expiresAt }, this.#options.margin);
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A store in the memory of one session. */
export function memoryStore(): SessionStore {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key),
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

/** How much of what a store throws is looked at. */
const MOST_THROWN = { values: 200, characters: 20_000 };

/**
 * What a store has thrown, as it is; or, where it repeats a token, an error that says so. Errors of Redis clients carry the
 * command that failed with its arguments, and so the tokens that could not be stored.
 */
export function storeFailure(thrown: unknown, secrets: readonly string[]): unknown {
  // Shorter texts are no tokens, and are found in every error by chance.
  const tokens = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  if (tokens.length === 0 || isHarmless(textOf(thrown), tokens)) return thrown;
  const message = thrown instanceof Error ? thrown.message : undefined;
  const reason = message && isHarmless(message, tokens) ? message : "the store failed";
  return new Error(`Cannot store the credentials: ${reason}`);
}

function isHarmless(text: string | undefined, tokens: readonly string[]): boolean {
  return text !== undefined && !quotesSecret(text, tokens);
}

/** All texts in a value, a line each; `undefined` if there are too many to look at, or it does not let itself be read. */
function textOf(thrown: unknown): string | undefined {
  const lines: string[] = [];
  const pending = [thrown];
  const seen = new Set<unknown>();
  let characters = 0;
  try {
    while (pending.length > 0) {
      const value = pending.pop();
      if (typeof value === "string") {
        lines.push(value);
        characters += value.length;
      } else if (typeof value === "object" && value !== null && !seen.has(value)) {
        seen.add(value);
        for (const name of Reflect.ownKeys(value)) pending.push(Reflect.get(value, name));
      }
      if (seen.size > MOST_THROWN.values || characters > MOST_THROWN.characters) return undefined;
    }
  } catch {
    return undefined;
  }
  return lines.join("\n");
}
