/**
 * What a caller's own function threw: a hook or an `auth`. It reaches the caller as it is, and is never tried again, even
 * if it looks like an error that would be.
 */
export class CallerThrew {
  /** What was thrown. */
  readonly value: unknown;

  /** Sets what was thrown apart from all that is translated. */
  constructor(value: unknown) {
    this.value = value;
  }

  /** Runs a caller's function. */
  static async guard<T>(run: () => T | Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      throw new CallerThrew(thrown);
    }
  }
}
