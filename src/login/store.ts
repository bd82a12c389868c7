import type { SessionStore } from "../../mod.ts";

/** The largest number of logins that a store in memory keeps, and whose ends are remembered. */
const MAX_LOGINS = 10_000;

/** A map of limited size. The entry that was used least recently is removed first. */
class RecentMap<Value> {
  readonly #entries = new Map<string, Value>();

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= MAX_LOGINS) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

/** A store with the third argument of `setItem` that the drivers of `unstorage` accept. */
interface StoreWithTtl extends SessionStore {
  setItem(key: string, value: string, options?: { ttl?: number }): unknown;
}

/** Options for {@linkcode EndingStore}. */
interface EndingStoreOptions {
  /** The store. */
  readonly store: SessionStore;
  /** The clock, in ms since the epoch. */
  readonly now: () => number;
}

/** A store that passes on the time until the end of each login, also when a refresh replaces a record. */
export class EndingStore implements SessionStore {
  readonly #store: StoreWithTtl;
  readonly #now: () => number;
  readonly #ends = new RecentMap<number>();

  /** Creates a store over another one. */
  constructor({ store, now }: EndingStoreOptions) {
    this.#store = store;
    this.#now = now;
  }

  /** Remembers the end of a login, in ms since the epoch. */
  setEnd(key: string, end: number): void {
    this.#ends.set(key, end);
  }

  /** Checks whether the end of a login is known, and so whether its record was seen. */
  isKnown(key: string): boolean {
    return this.#ends.get(key) !== undefined;
  }

  /** Forgets the end of a login. */
  forget(key: string): void {
    this.#ends.delete(key);
  }

  /** Returns a record. */
  getItem(key: string): unknown {
    return this.#store.getItem(key);
  }

  /** Stores a record. */
  setItem(key: string, value: string, options?: { ttl?: number }): unknown {
    const end = this.#ends.get(key);
    const ttl = end === undefined
      ? options?.ttl
      : Math.max(Math.ceil((end - this.#now()) / 1_000), 1);
    return this.#store.setItem(key, value, ttl === undefined ? {} : { ttl });
  }

  /** Removes a record. */
  removeItem(key: string): unknown {
    return this.#store.removeItem(key);
  }
}

/** A record in memory, and the end of its time. */
interface MemoryRecord {
  readonly value: string;
  readonly end: number;
}

/** Creates a store in the memory of the process. The login that was used least recently is dropped if there are too many. */
export function memoryStore(now: () => number): SessionStore {
  const records = new RecentMap<MemoryRecord>();
  return {
    getItem: (key) => {
      const record = records.get(key);
      if (record !== undefined && record.end > now()) return record.value;
      records.delete(key);
      return null;
    },
    setItem: (key: string, value: string, { ttl = Infinity }: { ttl?: number } = {}) =>
      records.set(key, { value, end: now() + ttl * 1_000 }),
    removeItem: (key) => records.delete(key),
  };
}
