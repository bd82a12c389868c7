import { abortable, deadline } from "../async.ts";
import type { SessionSettings } from "./settings.ts";

/**
 * Runs a function under the lock of a session; without it if there is none, if it is not granted in
 * time, or if the request fails. The lock is released as soon as the function has ended or the
 * signal has aborted.
 *
 * @param run The function. Its argument says whether the lock is held.
 */
export async function underLock<T>(
  { lock, lockTimeout, key }: SessionSettings,
  signal: AbortSignal,
  run: (isLocked: boolean) => Promise<T>,
): Promise<T> {
  if (lock === undefined) return await run(false);
  let running: Promise<T> | undefined;
  const waiting = new AbortController();
  const granted = new Promise<void>((resolve) => {
    // A lock that is granted too late, or once more, is released with the run or at once.
    const hold = async () => {
      if (waiting.signal.aborted || signal.aborted) return;
      running ??= abortable(run(true), signal);
      resolve();
      await Promise.allSettled([running]);
    };
    const options = { signal: waiting.signal };
    // `navigator.locks.request` throws unless it is called as a method.
    const request = async () =>
      typeof lock === "function"
        ? await lock(key, options, hold)
        : await lock.request(key, options, hold);
    request().then(() => resolve(), () => resolve());
  });
  try {
    await deadline(abortable(granted, signal), lockTimeout);
  } catch {
    // Not granted in time, or not needed any more.
  }
  if (running !== undefined) return await running;
  waiting.abort();
  signal.throwIfAborted();
  return await run(false);
}
