/** What an {@linkcode ExpiringMap} is made of. */
export interface ExpiringMapOptions {
  /** How many entries are held at most. The oldest goes first. */
  capacity: number;
  /** The clock: ms since the epoch. */
  now: () => number;
}

interface Entry<V> {
  readonly value: V;
  readonly expiresAt: number;
}

/** A map whose entries die of age, and which never grows beyond its capacity. */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #capacity: number;
  readonly #now: () => number;

  /** Makes an empty map. */
  constructor({ capacity, now }: ExpiringMapOptions) {
    this.#capacity = capacity;
    this.#now = now;
  }

  /** How many entries are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** Holds a value for `lifetime` ms, as the youngest entry. */
  set(key: string, value: V, lifetime: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, expiresAt: this.#now() + lifetime });
    this.#forgetOldest();
  }

  /** The value under a key, while it lives. */
  get(key: string): V | undefined {
    this.#forgetOldest();
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#lives(entry) ? entry.value : undefined;
  }

  /** The same, and removes it in the same step: of all who ask, one gets it. */
  take(key: string): V | undefined {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** Entries are in the order of their age, so that it is enough to look at the oldest. */
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
