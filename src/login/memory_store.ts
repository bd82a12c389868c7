import type { SessionStore } from "../../mod.ts";

/** The largest number of logins in memory. */
const MAX_LOGINS = 10_000;

/** A record in memory. */
interface MemoryRecord {
  readonly value: string;
  /** The time at which the record expires, in ms since the epoch. */
  readonly end: number;
}

/**
 * Creates a store in the memory of the process. It drops the login that was used least recently if
 * there are too many.
 *
 * @param now The clock, in ms since the epoch.
 */
export function memoryStore(now: () => number): SessionStore {
  const records = new Map<string, MemoryRecord>();
  const setRecord = (key: string, record: MemoryRecord) => {
    records.delete(key);
    records.set(key, record);
  };
  return {
    getItem: (key) => {
      const record = records.get(key);
      if (record === undefined) return null;
      if (record.end <= now()) {
        records.delete(key);
        return null;
      }
      setRecord(key, record);
      return record.value;
    },
    setItem: (key, value, { ttl = Infinity } = {}) => {
      setRecord(key, { value, end: now() + ttl * 1_000 });
      const [oldest] = records.keys();
      if (records.size > MAX_LOGINS && oldest !== undefined) records.delete(oldest);
    },
    removeItem: (key) => void records.delete(key),
  };
}
