import type { GenericIssue, GenericSchema } from "valibot";
import { safeParse } from "valibot";
import type { Operation } from "./error_options.ts";
import { CredentialInputError } from "./errors.ts";

/**
 * A valibot schema that reads anything and returns a `T`.
 *
 * @internal
 */
export type Schema<T> = GenericSchema<unknown, T>;

/** One thing that is wrong with a value. It tells where and what was expected, never the value itself. */
export interface ValidationIssue {
  /** The place in the value, such as `"code"` or `"retry.limit"`; `""` is the value as a whole. */
  readonly path: string;
  /** What belongs there, such as `"a non-empty string"`. */
  readonly expected: string;
}

/** What {@linkcode validate} finds: the value as the schema returns it, or what is wrong with it. */
export type Validation<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly ValidationIssue[] };

/**
 * Reads a value with a schema whose messages all have the form `Expected …`.
 *
 * valibot's own issues hold the value, and its default messages quote it. Only the place and the text that the
 * schema itself gives are taken over from them.
 */
export function validate<T>(schema: Schema<T>, input: unknown): Validation<T> {
  try {
    const result = safeParse(schema, input, { abortPipeEarly: true });
    return result.success
      ? { ok: true, value: result.output }
      : { ok: false, issues: result.issues.map(toValidationIssue) };
  } catch {
    // A getter or a proxy of the value threw. What it threw may quote anything.
    return { ok: false, issues: [{ path: "", expected: "a value that can be read" }] };
  }
}

function toValidationIssue(issue: GenericIssue): ValidationIssue {
  return { path: pathOf(issue), expected: issue.message.replace(/^Expected /, "") };
}

function pathOf(issue: GenericIssue): string {
  const keys = (issue.path ?? []).map((item) => String(item.key));
  // The name of a surplus field comes from the value, so that it could be a secret.
  if (issue.type === "strict_object" && issue.expected === "never") keys.pop();
  return keys.join(".");
}

/** What the error about a wrong input says besides what is wrong with it. */
export interface InputFailure {
  /** What its message begins with. */
  readonly message: string;
  /** The operation that does not take place. */
  readonly operation?: Operation;
}

/** The input as the schema returns it. Throws a {@linkcode CredentialInputError} where it does not fit. */
export function checkInput<T>(
  schema: Schema<T>,
  input: unknown,
  { message, operation }: InputFailure,
): T {
  const result = validate(schema, input);
  if (result.ok) return result.value;
  throw new CredentialInputError(message, { issues: result.issues, operation });
}

/**
 * The messages of an object schema whose required fields are all non-empty strings. valibot reports a missing field
 * and a surplus one as issues of the object.
 */
export function objectMessage(
  { expected }: { readonly expected: string | null },
  fields = "that are known",
): string {
  if (expected === "Object") return "Expected an object";
  return expected === "never" ? `Expected only the fields ${fields}` : NON_EMPTY_STRING;
}

/** The message of a schema for tokens, codes and the like. */
export const NON_EMPTY_STRING = "Expected a non-empty string";
