/** How many times as long something takes as something else. */
export interface Ratio {
  /** The ratio, in the middle of all stretches of the run. */
  readonly ratio: number;
  /** The lower quartile of the ratios of all stretches. */
  readonly low: number;
  /** The upper quartile of the ratios of all stretches. */
  readonly high: number;
}

/** How many rounds make a stretch: few enough for a machine to be the same from its beginning to its end. */
const STRETCH = 10;

/**
 * Compares times that were measured in the same rounds. In each stretch of the run, lower quartiles are compared: times get
 * longer by noise, and never shorter.
 *
 * @param times The times of what is measured.
 * @param base The times of what it is compared with.
 * @param both What is in both, and taken off first.
 */
export function ratioOf(
  times: readonly number[],
  base: readonly number[],
  both: readonly number[] = [],
): Ratio {
  const ratios: number[] = [];
  for (let start = 0; start < times.length; start += STRETCH) {
    const low = (all: readonly number[]) => quantile(all.slice(start, start + STRETCH), 0.25);
    const off = both.length === 0 ? 0 : low(both);
    ratios.push((low(times) - off) / (low(base) - off));
  }
  return {
    ratio: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
  };
}

/** The value below which this share of the values lies; between two of them, in proportion. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return below + (above - below) * (at % 1);
}
