import { CredentialInputError } from "./errors.ts";
import type { InputFailure, ValidationIssue } from "./validation.ts";

/** The longest time that timers can wait, in ms: more would fire at once. */
export const LONGEST_TIME = 2_147_483_647;

/** Refuses a value: by what was expected, or by the issues within it. */
export type Refuse = (problem: string | readonly ValidationIssue[]) => never;

/** Returns an option's value as it is used, or refuses it. It may look at the value only once: a getter can change it. */
export type OptionReader<T> = (value: unknown, refuse: Refuse) => T;

/** A reader for each option there is. It is called for what was given, or has to be. */
export type OptionReaders<T> = {
  readonly [Name in keyof T]-?: OptionReader<Exclude<T[Name], undefined>>;
};

/** Options without those that were given as `undefined`, which says that they were not. */
export type Given<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** Reads a value that has to fit. */
/* @__NO_SIDE_EFFECTS__ */
export function must<T>(fits: (value: unknown) => boolean, expected: string): OptionReader<T> {
  return (value, refuse) => fits(value) ? value as T : refuse(expected);
}

/** Reads a number between two bounds, both included. */
/* @__NO_SIDE_EFFECTS__ */
export function numberBetween(least: number, most: number, unit: string): OptionReader<number> {
  return must(
    (value) => typeof value === "number" && value >= least && value <= most,
    `a number${unit} from ${least} to ${most}`,
  );
}

/** Reads a whole number between two bounds, both included. */
/* @__NO_SIDE_EFFECTS__ */
export function integerBetween(least: number, most: number, unit: string): OptionReader<number> {
  return must(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `a whole number${unit} from ${least} to ${most}`,
  );
}

/** Reads a function. */
/* @__NO_SIDE_EFFECTS__ */
export function callback<T>(): OptionReader<T> {
  return must((value) => typeof value === "function", "a function");
}

/** Reads an object of options, as an option. */
/* @__NO_SIDE_EFFECTS__ */
export function options<T extends object>(readers: OptionReaders<T>): OptionReader<Given<T>> {
  return (value, refuse) => {
    const { issues, read } = examine(readers, value, []);
    return issues.length === 0 ? read as Given<T> : refuse(issues);
  };
}

/**
 * The options that were given, if each can be used and there are no others. A misspelled option that was passed over in
 * silence would send tokens with the wrong settings.
 *
 * Options are no model that travels: this is smaller and faster than a schema, and a call may bring options of its own.
 *
 * @param required The names of those that have to be given.
 */
export function readOptions<T extends object>(
  readers: OptionReaders<T>,
  input: unknown,
  { message, operation }: InputFailure,
  required: readonly (keyof T)[] = [],
): Given<T> {
  const { issues, read } = examine(readers, input, required);
  if (issues.length === 0) return read as Given<T>;
  throw new CredentialInputError(message, { issues, operation });
}

interface Examination {
  readonly issues: readonly ValidationIssue[];
  readonly read: Readonly<Record<string, unknown>>;
}

function examine(
  readers: Readonly<Record<string, OptionReader<unknown>>>,
  input: unknown,
  required: readonly PropertyKey[],
): Examination {
  const read: Record<string, unknown> = {};
  if (typeof input !== "object" || input === null) {
    return { issues: [{ path: "", expected: "an object" }], read };
  }
  const issues = issuesOf("", (refuse) => {
    const names = Object.keys(readers);
    // The name of a surplus option could be anything, a secret included.
    const isSurplus = Object.keys(input).some((name) => !names.includes(name));
    if (isSurplus) refuse(`no other options than ${names.join(", ")}`);
  });
  for (const [name, reader] of Object.entries(readers)) {
    issues.push(...issuesOf(name, (refuse) => {
      const value: unknown = Reflect.get(input, name);
      if (value !== undefined || required.includes(name)) read[name] = reader(value, refuse);
    }));
  }
  return { issues, read };
}

/** The issues that reading a value comes to. What a getter or a proxy throws may quote anything, and is dropped. */
function issuesOf(path: string, run: (refuse: Refuse) => void): ValidationIssue[] {
  let problem: string | readonly ValidationIssue[] = "a value that can be read";
  try {
    run((refused) => {
      problem = refused;
      throw undefined;
    });
    return [];
  } catch {
    return typeof problem === "string"
      ? [{ path, expected: problem }]
      : (problem as readonly ValidationIssue[]).map((issue) => ({
        ...issue,
        path: issue.path === "" ? path : `${path}.${issue.path}`,
      }));
  }
}
