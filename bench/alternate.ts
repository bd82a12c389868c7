/** A function to be timed. */
export type Contender = () => Promise<unknown>;

/** Options for {@linkcode alternate}. */
export interface AlternationOptions {
  /** The number of concurrent calls. */
  lanes: number;
  /** The number of calls that are timed together. */
  batch: number;
  /** The number of batches of each contender. */
  rounds: number;
  /** The number of calls of each contender before the first round. */
  warmUp: number;
}

/**
 * Times contenders in short batches in turns, in a random order in each round. Therefore other
 * programs and the garbage of the previous contender affect all contenders alike.
 *
 * mitata finishes one function before it begins with the next, and waits for the slowest of a group
 * of calls. Here, each lane continues as soon as its call is done, like the callers of a server.
 *
 * @returns The duration of a call in µs, for each contender and round.
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
