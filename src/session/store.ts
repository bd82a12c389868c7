import * as v from "valibot";
import { type Credentials, CredentialsSchema } from "../models.ts";
import { quotesSecret, SHORTEST_SECRET } from "../redaction.ts";
import { type Schema, validate } from "../validation.ts";
import { type HeldCredentials, restored } from "./held.ts";
import type { SessionStore } from "./options.ts";
import { TimeLimit } from "../time_limit.ts";

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
  /**
   * How long to wait for the store, in ms.
   *
   * @default {5000}
   */
  readonly timeout?: number;
}

/** A store that is out of reach may never answer: clients of databases wait for a connection to come back. */
const STORE_TIMEOUT = 5_000;

/**
 * The one entry of a session in its store. Reading and writing are done one after the other, so that a write that was
 * slow does not undo a later one: a sign-out stays a sign-out.
 *
 * All methods reject with what the store throws, or if it does not answer in time. What is late then goes on, and what
 * changes the entry goes on to keep its turn.
 */
export class SessionRecord {
  readonly #options: SessionRecordOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** How many accesses have begun that the store has not answered yet. */
  #unanswered = 0;
  /** Whether the store has answered with a promise, so that it need not be asked for an answer at once. */
  #isAsync = false;
  /** The tokens that the store was given last, and those that it held, which its errors may repeat. */
  #written: readonly string[] = [];
  #found: readonly string[] = [];

  /** Makes a record; reads nothing yet. */
  constructor(options: SessionRecordOptions) {
    this.#options = options;
  }

  /** What is stored; `null` for nothing, `undefined` for rubbish and what another version has stored. */
  async read(): Promise<HeldCredentials | null | undefined> {
    const { store, key } = this.#options;
    const stored: unknown = await this.#inTurn("read", () => store.getItem(key));
    return stored === null || stored === undefined ? null : this.#parse(stored);
  }

  /** The same at once, if the store answers at once. */
  peek(): HeldCredentials | undefined {
    const { store, key } = this.#options;
    if (this.#isAsync || this.#waiting > 0) return undefined;
    try {
      const stored = store.getItem(key);
      // Nobody is going to wait for it, so that its failure must not count as unhandled.
      if (isThenable(stored)) {
        this.#isAsync = true;
        void settled(stored);
        return undefined;
      }
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
    const tokens = Object.values(credentials);
    await this.#inTurn("write", () => {
      unwanted.throwIfAborted();
      this.#written = tokens;
      return store.setItem(key, JSON.stringify(stored));
    }, tokens);
  }

  /** Removes what is stored, if it is still what is to go. */
  async remove(isIt?: (stored: HeldCredentials) => boolean): Promise<void> {
    const { store, key } = this.#options;
    await this.#inTurn(
      "remove",
      () => isIt === undefined ? store.removeItem(key) : this.#removeIf(isIt),
    );
  }

  async #removeIf(isIt: (stored: HeldCredentials) => boolean): Promise<void> {
    const { store, key } = this.#options;
    const stored = this.#parse(await store.getItem(key));
    if (stored !== undefined && isIt(stored)) await store.removeItem(key);
  }

  async #inTurn<T>(
    kind: keyof typeof FAILURES,
    access: () => T | Promise<T>,
    tokens: readonly string[] = [],
  ): Promise<T> {
    const { timeout = STORE_TIMEOUT } = this.#options;
    const limit = new TimeLimit();
    const start = () =>
      limit.set(timeout, () => new Error(`${FAILURES[kind]}: no answer within ${timeout} ms`));
    if (this.#waiting > 0 || this.#unanswered > 0) start();
    const before = this.#queue;
    const result = before.then(() => {
      const answer = access();
      if (!isThenable(answer)) return answer;
      start();
      // Once: a query of a database's client may be sent anew by each `then`.
      const later = Promise.resolve(answer);
      void this.#count(later);
      return later;
    });
    const inTime = limit.wait(result);
    // A late read does no harm to what comes after it.
    this.#queue = kind === "read" ? settled(before.then(() => inTime)) : settled(result);
    this.#waiting++;
    try {
      return await inTime;
    } catch (thrown) {
      const known = [...tokens, ...this.#written, ...this.#found];
      throw storeFailure(thrown, known, FAILURES[kind]);
    } finally {
      this.#waiting--;
    }
  }

  async #count(answer: Promise<unknown>): Promise<void> {
    this.#unanswered++;
    await settled(answer);
    this.#unanswered--;
  }

  #parse(stored: unknown): HeldCredentials | undefined {
    const result = validate(storedCredentials, typeof stored === "string" ? json(stored) : stored);
    if (!result.ok) return undefined;
    const { credentials, receivedAt, expiresAt = Infinity } = result.value;
    this.#found = Object.values(credentials);
    return restored(credentials, { receivedAt, expiresAt }, this.#options.margin);
  }
}

/** What has failed, for each kind of access. */
const FAILURES = {
  read: "Cannot read the credentials from the store",
  write: "Cannot store the credentials",
  remove: "Cannot remove the credentials from the store",
};

/** Whether a store answers later: with a promise, or what a database's client has in its place. */
function isThenable<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof answer === "object" && answer !== null && "then" in answer &&
    typeof answer.then === "function";
}

async function settled(promise: PromiseLike<unknown>): Promise<void> {
  try {
    await promise;
  } catch {
    // Whoever waits for it is told.
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

/** Fields that a value may have from its class, and that show when it is printed. */
const INHERITED = ["message", "stack", "cause", "href", "url"];

/**
 * What a store has thrown, as it is; or, where it repeats a token, an error that says so. Errors of Redis clients carry the
 * command that failed with its arguments, and so the tokens that could not be stored.
 */
export function storeFailure(
  thrown: unknown,
  secrets: readonly string[],
  failure: string,
): unknown {
  // Shorter texts are no tokens, and are found in every error by chance.
  const tokens = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  if (tokens.length === 0 || isHarmless(textOf(thrown), tokens)) return thrown;
  const message = thrown instanceof Error ? thrown.message : undefined;
  const reason = message && isHarmless(message, tokens) ? message : "the store failed";
  return new Error(`${failure}: ${reason}`);
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
      } else if (isObject(value) && !seen.has(value)) {
        seen.add(value);
        pending.push(...partsOf(value));
      }
      if (seen.size > MOST_THROWN.values || characters > MOST_THROWN.characters) return undefined;
    }
  } catch {
    return undefined;
  }
  return lines.join("\n");
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function partsOf(value: object): unknown[] {
  if (ArrayBuffer.isView(value)) return [new TextDecoder().decode(value)];
  const names = [...Reflect.ownKeys(value), ...INHERITED];
  const parts = names.map((name): unknown => Reflect.get(value, name));
  return value instanceof Map || value instanceof Set ? [...parts, ...value] : parts;
}
