/** Something that is timed. */
export type Contender = () => Promise<unknown>;

/** How contenders are timed. */
export interface AlternationOptions {
  /** How many calls are under way at once. */
  lanes: number;
  /** How many calls are timed at one go. */
  batch: number;
  /** How often each contender gets its turn. */
  rounds: number;
  /** How many calls each contender makes before the first round. */
  warmUp: number;
}

/**
 * Times contenders in short batches, one after another, in every round in another order. So what the machine does
 * meanwhile, and the garbage that one leaves to the next, hits all of them alike.
 *
 * mitata times one function to its end before it begins with the next, and waits for the slowest of a wave of calls; here
 * every lane goes on as soon as it can, as the callers of a server do.
 *
 * @returns The µs of a call, of each contender in each round.
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
