import type { SessionLock, SessionLockManager } from "./options.ts";
import { abortable } from "../async.ts";

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
    return await abortable(run(release !== undefined), wait.signal);
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
