import { CredentialInputError, type Operation } from "./errors.ts";
import { type Schema, validate } from "./schema.ts";

/** What the error about a wrong input says besides what is wrong with it. */
export interface InputFailure {
  /** What its message begins with. */
  readonly message: string;
  /** The operation that does not take place. */
  readonly operation?: Operation;
}

/** The input as the schema answers it. Throws a {@linkcode CredentialInputError} where it does not fit. */
export function checkInput<T>(
  schema: Schema<T>,
  input: unknown,
  { message, operation }: InputFailure,
): T {
  const result = validate(schema, input);
  if (result.ok) return result.value;
  throw new CredentialInputError(message, { issues: result.issues, operation });
}
