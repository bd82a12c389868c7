import { abortable } from "../async.ts";
import type { SessionLock, SessionLockManager } from "./options.ts";

/** Options for {@linkcode underLock}. */
export interface LockRequest {
  /** The source of the lock. */
  readonly lock: SessionLock | SessionLockManager;
  /** The name of the lock. */
  readonly name: string;
  /** The longest wait for the lock, in ms. */
  readonly timeout: number;
  /** The signal that ends the wait and releases the lock. */
  readonly signal: AbortSignal;
}

/** Releases a lock. */
type Release = () => void;

/**
 * Runs a function under a lock, or without the lock if it is not granted in time or the request
 * fails.
 *
 * @param run The function. Its argument says whether the lock is held.
 */
export async function underLock<T>(
  request: LockRequest,
  run: (isLocked: boolean) => Promise<T>,
): Promise<T> {
  const release = await granted(request);
  try {
    request.signal.throwIfAborted();
    // A function that hangs must not keep the lock from others once nobody waits for it.
    return await abortable(run(release !== undefined), request.signal);
  } finally {
    release?.();
  }
}

/** Waits for a lock. A lock that is granted too late, or once more, is released at once. */
async function granted(
  { lock, name, timeout, signal }: LockRequest,
): Promise<Release | undefined> {
  const waiting = new AbortController();
  const stop = () => waiting.abort();
  const timer = setTimeout(stop, timeout);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await new Promise<Release | undefined>((resolve) => {
      const proceed = () => resolve(undefined);
      waiting.signal.addEventListener("abort", proceed, { once: true });
      let isGranted = false;
      const hold = async () => {
        if (waiting.signal.aborted || isGranted) return;
        isGranted = true;
        await new Promise<void>((release) => resolve(release));
      };
      requestLock(lock, name, waiting.signal, hold).then(proceed, proceed);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

async function requestLock(
  lock: SessionLock | SessionLockManager,
  name: string,
  signal: AbortSignal,
  hold: () => Promise<void>,
): Promise<void> {
  // `navigator.locks.request` throws unless it is called as a method.
  if (typeof lock === "function") await lock(name, { signal }, hold);
  else await lock.request(name, { signal }, hold);
}
