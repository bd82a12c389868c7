import * as v from "valibot";
import { CredentialInputError, type Operation, type ValidationIssue } from "./errors.ts";

/**
 * A valibot schema that validates any value and returns a `T`. Pass it to `v.parse`, `v.safeParse`
 * or another schema.
 *
 * @internal
 */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** The result of {@linkcode validate}: the output of the schema, or the issues. */
export type Validation<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly ValidationIssue[] };

/**
 * Validates a value with a schema whose messages all have the form `Expected …`.
 *
 * The issues of valibot contain the value, and its default messages quote it. Only the path and the
 * message of the schema are kept.
 */
export function validate<T>(schema: Schema<T>, input: unknown): Validation<T> {
  try {
    const result = v.safeParse(schema, input, { abortPipeEarly: true });
    return result.success
      ? { ok: true, value: result.output }
      : { ok: false, issues: result.issues.map(toValidationIssue) };
  } catch {
    // A getter or a proxy threw. Its error may quote anything.
    const expected = "a value that can be read";
    return { ok: false, issues: unreadable(schema, input).map((path) => ({ path, expected })) };
  }
}

/** Returns the names of the fields of an object schema whose getters throw, or `[""]`. */
function unreadable(schema: Schema<unknown>, input: unknown): readonly string[] {
  const { entries = {} } = schema as { readonly entries?: object };
  const names = Object.keys(entries).filter((name) => !isReadable(input, name));
  return names.length === 0 ? [""] : names;
}

function isReadable(input: unknown, name: string): boolean {
  try {
    Reflect.get(Object(input), name);
    return true;
  } catch {
    return false;
  }
}

function toValidationIssue(issue: v.GenericIssue): ValidationIssue {
  return { path: pathOf(issue), expected: issue.message.replace(/^Expected /, "") };
}

function pathOf(issue: v.GenericIssue): string {
  const keys = (issue.path ?? []).map((item) => String(item.key));
  // The name of an unknown field comes from the value, and could be a secret.
  if (issue.type === "strict_object" && issue.expected === "never") keys.pop();
  return keys.join(".");
}

/** The context of an invalid input, for its error. */
export interface InputContext {
  /** The beginning of the error message. */
  readonly message: string;
  /** The operation that is not started. */
  readonly operation?: Operation;
}

/**
 * Validates an argument or options.
 *
 * @returns The output of the schema.
 * @throws {CredentialInputError} If the input is invalid.
 */
export function checkInput<T>(
  schema: Schema<T>,
  input: unknown,
  { message, operation }: InputContext,
): T {
  const result = validate(schema, input);
  if (result.ok) return result.value;
  throw new CredentialInputError(message, { issues: result.issues, operation });
}

/**
 * Returns the message of an issue that valibot reports for an object as a whole: for a value that
 * is no object, a missing field or an unknown field. All required fields of the schema have to be
 * non-empty strings.
 */
export function objectMessage(
  { expected }: { readonly expected: string | null },
  fields = "that are known",
): string {
  if (expected === "Object") return "Expected an object";
  return expected === "never" ? `Expected only the fields ${fields}` : NON_EMPTY_STRING;
}

/** The message of a schema for tokens, codes and keys. */
export const NON_EMPTY_STRING = "Expected a non-empty string";

/** The longest time of a timer, in ms; a longer one would fire at once. */
export const MAX_TIMER = 2_147_483_647;

/** Options without those whose value is `undefined`. */
export type Given<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** A schema for each option of `T`. */
export type OptionSchemas<T> = {
  readonly [Name in keyof T]-?: Schema<Exclude<T[Name], undefined>>;
};

/** Settings for {@linkcode optionsSchema}. */
export interface OptionsSchemaSettings<T> {
  /**
   * The names of the options that have to be given.
   *
   * @default {[]}
   */
  readonly required?: readonly (keyof T & string)[];
  /**
   * The expectation for a value that is no object.
   *
   * @default {"an object"}
   */
  readonly expected?: string;
}

/**
 * Creates a schema for an object of options. Options with the value `undefined` count as absent.
 * Unknown options are rejected, because a misspelled option that is ignored would send tokens with
 * the wrong settings.
 */
/* @__NO_SIDE_EFFECTS__ */
export function optionsSchema<T extends object>(
  schemas: OptionSchemas<T>,
  { required = [], expected = "an object" }: OptionsSchemaSettings<T> = {},
): Schema<Given<T>> {
  const entries: v.ObjectEntries = {};
  for (const [name, schema] of Object.entries<Schema<unknown>>(schemas)) {
    entries[name] = required.some((key) => key === name) ? schema : v.optional(schema);
  }
  const message = (issue: v.StrictObjectIssue): string => {
    if (issue.expected === "Object") return `Expected ${expected}`;
    // The name of an unknown option could be a secret.
    if (issue.expected === "never") {
      return `Expected no other options than ${Object.keys(entries).join(", ")}`;
    }
    return missingMessage(schemas[issue.path?.[0]?.key as keyof T]);
  };
  return v.pipe(
    v.strictObject(entries, message),
    v.transform((options) => withoutUndefined(options) as Given<T>),
  );
}

/** Returns the message of the schema of a required option. */
function missingMessage(schema: Schema<unknown>): string {
  const [issue] = v.safeParse(schema, undefined, { abortEarly: true }).issues ?? [];
  return issue?.message ?? "Expected a value";
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Checks whether a value is an object, including an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Creates a schema for values that pass a check. Its message is `Expected` and `expected`. */
/* @__NO_SIDE_EFFECTS__ */
export function checkedSchema<T>(
  check: (value: unknown) => boolean,
  expected: string,
): v.CustomSchema<T, string> {
  return v.custom<T, string>(check, `Expected ${expected}`);
}

/** Creates a schema for values that a function converts, or else rejects with `undefined`. */
/* @__NO_SIDE_EFFECTS__ */
export function convertedSchema<T>(
  convert: (value: unknown) => T | undefined,
  expected: string,
): Schema<T> {
  return v.pipe(
    v.unknown(),
    v.transform(convert),
    checkedSchema<T>((value) => value !== undefined, expected),
  );
}

/** Creates a schema for a function. */
/* @__NO_SIDE_EFFECTS__ */
export function functionSchema<T>(expected = "a function"): Schema<T> {
  return checkedSchema<T>((value) => typeof value === "function", expected);
}

/** Creates a schema for an object that has methods. */
/* @__NO_SIDE_EFFECTS__ */
export function methodsSchema<T>(methods: readonly string[], expected: string): Schema<T> {
  return checkedSchema<T>((value) => hasMethods(value, methods), expected);
}

/** Checks whether a value is an object or a function with methods of these names. */
export function hasMethods(value: unknown, methods: readonly string[]): boolean {
  return (isObject(value) || typeof value === "function") &&
    methods.every((name) => typeof Reflect.get(value, name) === "function");
}

/** Creates a schema for a number between two bounds, both included. */
/* @__NO_SIDE_EFFECTS__ */
export function numberSchema(min: number, max: number, unit = ""): Schema<number> {
  return checkedSchema<number>(
    (value) => isBetween(value, min, max),
    `a number${unit} from ${min} to ${max}`,
  );
}

/** Creates a schema for a whole number between two bounds, both included. */
/* @__NO_SIDE_EFFECTS__ */
export function integerSchema(min: number, max: number, unit = ""): Schema<number> {
  return checkedSchema<number>(
    (value) => Number.isInteger(value) && isBetween(value, min, max),
    `a whole number${unit} from ${min} to ${max}`,
  );
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

/** A schema for `true` and `false`. */
export const booleanSchema: Schema<boolean> = /* @__PURE__ */ checkedSchema<boolean>(
  (value) => typeof value === "boolean",
  "true or false",
);

/** A schema for any string. */
export const stringSchema: Schema<string> = /* @__PURE__ */ checkedSchema<string>(
  (value) => typeof value === "string",
  "a string",
);

/**
 * Checks whether a text can be the value of a header: Latin-1 without control characters. CR, LF
 * and NUL would let a value end its header and start another one.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-5.5 | RFC 9110, section 5.5}
 */
export function isHeaderValue(text: unknown): text is string {
  return typeof text === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** The expectation for a text that {@linkcode isVisibleAscii} accepts. */
export const VISIBLE_ASCII = "a non-empty string of visible ASCII characters";

/** Checks whether a text is one word of visible ASCII characters, as keys, tokens and ids are. */
export function isVisibleAscii(text: unknown): text is string {
  return typeof text === "string" && /^[\x21-\x7e]+$/.test(text);
}

/** Checks whether a host name, as `URL` returns it, is a loopback host. */
export function isLoopback(hostname: string): boolean {
  return hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname) ||
    /^(?:.+\.)?localhost\.?$/.test(hostname);
}

/**
 * Checks whether a URL is `https:`, or `http:` on a loopback host, so that tokens are safe on their
 * way.
 */
export function isSecureUrl({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}
