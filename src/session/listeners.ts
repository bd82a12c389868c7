import type { SessionEvent, SessionListener } from "./options.ts";

/** Those who want to know. */
export class SessionListeners {
  readonly #listeners = new Set<{ readonly listener: SessionListener }>();

  /** Adds a listener, and returns what removes it. */
  add(listener: SessionListener): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Forgets all. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Tells all. */
  tell(event: SessionEvent): void {
    for (const { listener } of [...this.#listeners]) void call(listener, event);
  }
}

async function call(listener: SessionListener, event: SessionEvent): Promise<void> {
  try {
    await listener(event);
  } catch {
    // The listener's own affair.
  }
}
