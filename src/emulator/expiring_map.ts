/** Options for {@linkcode ExpiringMap}. */
export interface ExpiringMapOptions {
  /** The maximum number of entries. The oldest goes first. */
  capacity: number;
  /** The clock, in ms since the epoch. */
  now: () => number;
}

interface Entry<V> {
  readonly value: V;
  readonly expiresAt: number;
}

/** A map with a capacity, whose entries expire. */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #capacity: number;
  readonly #now: () => number;

  /** Creates an empty map. */
  constructor({ capacity, now }: ExpiringMapOptions) {
    this.#capacity = capacity;
    this.#now = now;
  }

  /** The number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keeps a value for `lifetime` ms, as the youngest entry. */
  set(key: string, value: V, lifetime: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, expiresAt: this.#now() + lifetime });
    this.#forgetOldest();
  }

  /** Returns the value of a key, unless it has expired. */
  get(key: string): V | undefined {
    this.#forgetOldest();
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#lives(entry) ? entry.value : undefined;
  }

  /**
   * Returns the value of a key and removes the entry in one step, so that one of many callers gets
   * it.
   */
  take(key: string): V | undefined {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** Removes all entries. */
  clear(): void {
    this.#entries.clear();
  }

  /**
   * Entries with one lifetime are in the order of their age, so that it is enough to look at the
   * oldest.
   */
  #forgetOldest(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#lives(entry) && this.#entries.size <= this.#capacity) return;
      this.#entries.delete(key);
    }
  }

  #lives({ expiresAt }: Entry<V>): boolean {
    return this.#now() < expiresAt;
  }
}
