import { type HeldCredentials, keyOf } from "./session_held.ts";

/** How many are remembered. */
const MOST = 20;

/** The logins that are over: replaced by a rotation, rejected or signed out. What a store still has of them counts for nothing. */
export class SpentLogins {
  /** The oldest first. */
  readonly #keys = new Set<string>();

  /** Remembers one, and forgets the oldest if there are too many. */
  add(held: HeldCredentials): void {
    this.#keys.add(keyOf(held));
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** Forgets one, since it is used again. */
  delete(held: HeldCredentials): void {
    this.#keys.delete(keyOf(held));
  }

  /** Whether it is one of them. */
  has(held: HeldCredentials): boolean {
    return this.#keys.has(keyOf(held));
  }
}
