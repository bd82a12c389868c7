import { untilAborted } from "./until_aborted.ts";

/**
 * Takes a lock, as `navigator.locks.request` does: calls back once it is granted, and holds it until the promise that the
 * callback answers has settled. `signal` ends the wait for it.
 *
 * A lock is not needed to keep a login: it spares the requests of those who would lose the race. One that hangs or fails is
 * done without.
 *
 * @example One refresh at a time for the sessions of a process
 * ```ts
 * import type { SessionLock } from "@saasus-sdk/credential";
 *
 * const tails = new Map<string, Promise<void>>();
 * const lock: SessionLock = (name, { signal }, callback) => {
 *   const before = tails.get(name) ?? Promise.resolve();
 *   const mine = before.then(async () => {
 *     if (!signal.aborted) await callback();
 *   });
 *   tails.set(name, mine.catch(() => {}));
 *   return mine;
 * };
 * ```
 */
export type SessionLock = (
  name: string,
  options: SessionLockOptions,
  callback: () => Promise<void>,
) => unknown;

/** What a lock is asked for with. */
export interface SessionLockOptions {
  /** Ends the wait for the lock. */
  signal: AbortSignal;
}

/** What has locks to take, as `navigator.locks` does. */
export interface SessionLockManager {
  /** Takes a lock. */
  request(name: string, options: SessionLockOptions, callback: () => Promise<void>): unknown;
}

/** How a lock is waited for. */
export interface LockWait {
  /** What to take the lock with. */
  readonly lock: SessionLock | SessionLockManager;
  /** The name of the lock. */
  readonly name: string;
  /** How long to wait for it, in ms. */
  readonly timeout: number;
  /** Ends the wait, and the wish to do anything. */
  readonly signal: AbortSignal;
}

/** Gives a lock back. */
type Release = () => void;

/**
 * Does something under a lock; or without it, if it is not granted in time or cannot be had.
 *
 * @param run What to do. It is told whether it has the lock.
 */
export async function underLock<T>(
  wait: LockWait,
  run: (isLocked: boolean) => Promise<T>,
): Promise<T> {
  const release = await granted(wait);
  try {
    wait.signal.throwIfAborted();
    // What hangs must not keep the lock from others once nobody wants it any more.
    return await untilAborted(run(release !== undefined), wait.signal);
  } finally {
    release?.();
  }
}

/** Waits for a lock. One that is granted after the wait has ended is given back at once, so that none is orphaned. */
async function granted(
  { lock, name, timeout, signal }: LockWait,
): Promise<Release | undefined> {
  const waiting = new AbortController();
  const stop = () => waiting.abort();
  const timer = setTimeout(stop, timeout);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await new Promise<Release | undefined>((resolve) => {
      const goOnWithout = () => resolve(undefined);
      waiting.signal.addEventListener("abort", goOnWithout, { once: true });
      const hold = () =>
        new Promise<void>((release) => {
          if (waiting.signal.aborted) release();
          else resolve(release);
        });
      request(lock, name, waiting.signal, hold).then(goOnWithout, goOnWithout);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function request(
  lock: SessionLock | SessionLockManager,
  name: string,
  signal: AbortSignal,
  hold: () => Promise<void>,
): Promise<void> {
  // `navigator.locks.request` throws if it is not called as a method.
  if (typeof lock === "function") await lock(name, { signal }, hold);
  else await lock.request(name, { signal }, hold);
}
