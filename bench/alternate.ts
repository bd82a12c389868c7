/** Function that is timed. */
export type Contender = () => Promise<unknown>;

/** Options for {@linkcode alternate}. */
export interface AlternationOptions {
  /** Number of concurrent calls. */
  lanes: number;
  /** Number of calls that are timed together. */
  batch: number;
  /** Number of timed batches of each contender. */
  rounds: number;
  /** Number of calls of each contender before the first round. */
  warmUp: number;
}

/**
 * Times contenders in short batches, in a random order in each round. Other work on the machine and
 * garbage of the previous contender therefore affect all contenders equally.
 *
 * mitata times one function completely before the next, and each wave of calls waits for its
 * slowest call. Here each lane starts its next call immediately, like the callers of a server.
 *
 * @returns The time per call in µs, by contender and round.
 */
export async function alternate<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { lanes, batch, rounds, warmUp }: AlternationOptions,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let made = 0; made < warmUp; made += batch) {
    for (const name of shuffled(names)) await timeBatch(contenders[name], lanes, batch);
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names)) {
      times[name].push(await timeBatch(contenders[name], lanes, batch));
    }
  }
  return times;
}

async function timeBatch(contender: Contender, lanes: number, batch: number): Promise<number> {
  let begun = 0;
  const lane = async () => {
    while (begun++ < batch) await contender();
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: lanes }, lane));
  return (performance.now() - started) * 1_000 / batch;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
