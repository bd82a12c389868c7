/** The ratio of two durations. */
export interface Ratio {
  /** The median of the ratios of all stretches of the run. */
  readonly ratio: number;
  /** The lower quartile of the ratios of all stretches. */
  readonly low: number;
  /** The upper quartile of the ratios of all stretches. */
  readonly high: number;
}

/** The number of rounds of a stretch, which is short enough for constant conditions. */
const STRETCH = 10;

/**
 * Compares times that were measured in the same rounds. In each stretch of the run, the lower
 * quartiles are compared, because noise makes times only longer.
 *
 * @param times The times of the measured function.
 * @param base The times of the function to compare with.
 * @param both The times that both contain, which are subtracted first.
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

/** Returns a quantile of the values, with linear interpolation. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return below + (above - below) * (at % 1);
}
