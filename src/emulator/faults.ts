import * as v from "valibot";
import { CredentialInputError } from "../errors.ts";
import { isHeaderValue } from "../validation.ts";
import { type ApiErrorBody, ApiErrorBodySchema } from "../models.ts";
import { objectMessage, type Schema, validate } from "../validation.ts";

/** What every fault but `truncate` has. */
export interface FaultTiming {
  /**
   * Whether the fault keeps the request from the service, or comes between the service and its answer: with
   * `"after_handling"` a code is spent, or a refresh token rotated, and the client does not learn of it.
   *
   * @default {"before_handling"}
   */
  when?: "before_handling" | "after_handling";
}

/** The answer is late. A client that leaves in the meantime leaves a request that was not yet handled unhandled. */
export interface DelayFault extends FaultTiming {
  /** Tells this fault from the others. */
  kind: "delay";
  /** How long, in ms. */
  ms: number;
}

/** The connection is cut, and there is no answer. */
export interface DropFault extends FaultTiming {
  /** Tells this fault from the others. */
  kind: "drop";
}

/** The request is handled, and the connection is cut in the middle of the answer's body. */
export interface TruncateFault {
  /** Tells this fault from the others. */
  kind: "truncate";
}

/** Some other answer, such as `503` with `Retry-After`. */
export interface StatusFault extends FaultTiming {
  /** Tells this fault from the others. */
  kind: "status";
  /** The status code, 200 to 599. */
  status: number;
  /** Headers to set, in the place of the usual ones where they have the same name. */
  headers?: Record<string, string>;
  /**
   * The body: an object is sent as JSON, a string as it is. Unless it is set: an error body that fits the status.
   */
  body?: string | ApiErrorBody;
}

/** A proxy's page in HTML with the status 200. */
export interface NotJsonFault extends FaultTiming {
  /** Tells this fault from the others. */
  kind: "not_json";
}

/** What networks and servers do. */
export type Fault = DelayFault | DropFault | TruncateFault | StatusFault | NotJsonFault;

/** The request that a fault is asked for. */
export interface FaultRequest {
  /** The method: `POST` saves, `GET` exchanges or refreshes. */
  method: "GET" | "POST";
  /** How many requests for the two operations have come so far, this one included. */
  count: number;
}

/**
 * Where faults come from: a list, of which each request uses up the next entry (`undefined` lets it through), or a
 * function that is asked for each request.
 *
 * @example One request in ten is lost
 * ```ts
 * import { CredentialEmulator } from "@saasus-sdk/credential/emulator";
 *
 * const emulator = new CredentialEmulator({
 *   faults: ({ count }) => count % 10 === 0 ? { kind: "drop" } : undefined,
 * });
 * ```
 */
export type Faults = readonly (Fault | undefined)[] | FaultFunction;

/** Decides for each request which fault it meets, if any. */
export type FaultFunction = (request: FaultRequest) => Fault | undefined;

const WHEN = 'Expected "before_handling" or "after_handling"';
const MS = "Expected a whole number of ms, 0 to 2,147,483,647";
const HEADERS = "Expected an object of valid header names and values";
const STATUS = "Expected a whole number, 200 to 599";

const when = v.exactOptional(v.picklist(["before_handling", "after_handling"], WHEN));

const FAULT: Schema<Fault> = v.variant("kind", [
  v.strictObject({
    kind: v.literal("delay"),
    // A longer timer fires at once.
    ms: v.pipe(v.number(MS), v.integer(MS), v.minValue(0, MS), v.maxValue(2 ** 31 - 1, MS)),
    when,
  }, objectMessage),
  v.strictObject({ kind: v.literal("drop"), when }, objectMessage),
  v.strictObject({ kind: v.literal("truncate") }, objectMessage),
  v.strictObject({
    kind: v.literal("status"),
    status: v.pipe(
      v.number(STATUS),
      v.integer(STATUS),
      v.minValue(200, STATUS),
      v.maxValue(599, STATUS),
    ),
    headers: v.exactOptional(v.custom<Record<string, string>>(isHeaders, HEADERS)),
    body: v.exactOptional(
      v.union([v.string(), ApiErrorBodySchema], "Expected a string or an error body"),
    ),
    when,
  }, objectMessage),
  v.strictObject({ kind: v.literal("not_json"), when }, objectMessage),
], 'Expected "delay", "drop", "truncate", "status" or "not_json"');

const FAULT_OR_NONE: Schema<Fault | undefined> = v.optional(FAULT);

const FAULT_LIST: Schema<(Fault | undefined)[]> = v.array(FAULT_OR_NONE, "Expected a list");

/** Hands out faults, one for each request. */
export class FaultSource {
  #list: (Fault | undefined)[] = [];
  #ask: FaultFunction | undefined;
  #count = 0;

  /** The faults that are left, or the function. */
  get faults(): Faults {
    return this.#ask ?? [...this.#list];
  }

  /** Takes the place of those that are left. */
  set faults(faults: Faults) {
    const isFunction = typeof faults === "function";
    this.#list = isFunction ? [] : [...checked(FAULT_LIST, faults)];
    this.#ask = isFunction ? faults : undefined;
  }

  /** The fault for the next request. */
  next(method: FaultRequest["method"]): Fault | undefined {
    this.#count++;
    if (this.#ask === undefined) return this.#list.shift();
    return checked(FAULT_OR_NONE, this.#ask({ method, count: this.#count }));
  }
}

function checked<T>(schema: Schema<T>, value: unknown): T {
  const result = validate(schema, value);
  if (result.ok) return result.value;
  throw new CredentialInputError("Cannot emulate the fault", { issues: result.issues });
}

function isHeaders(value: unknown): boolean {
  try {
    return [...new Headers(value as Record<string, string>).values()].every(isHeaderValue);
  } catch {
    return false;
  }
}
