import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";
import {
  type CompleteAnswer,
  emptyAnswer,
  type EmulatorAnswer,
  errorAnswer,
  htmlAnswer,
  jsonAnswer,
  truncated,
} from "./emulator_answer.ts";
import type { EmulatorRequest } from "./emulator_request.ts";
import { CredentialInputError } from "./errors.ts";
import { type ApiErrorBody, ApiErrorBodySchema } from "./models.ts";
import { objectMessage, type Schema, validate } from "./schema.ts";

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
   * The body: an object is sent as JSON, a string as it is.
   *
   * @default An error body that fits the status.
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
export type Faults =
  | readonly (Fault | undefined)[]
  | ((request: FaultRequest) => Fault | undefined);

const WHEN = 'Expected "before_handling" or "after_handling"';
const MS = "Expected a whole number of ms, 0 to 2,147,483,647";
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
    headers: v.exactOptional(
      v.record(v.string(), v.string("Expected a string"), "Expected an object"),
    ),
    body: v.exactOptional(
      v.union([v.string(), ApiErrorBodySchema], "Expected a string or an error body"),
    ),
    when,
  }, objectMessage),
  v.strictObject({ kind: v.literal("not_json"), when }, objectMessage),
], 'Expected "delay", "drop", "truncate", "status" or "not_json"');

/** Hands out faults, one for each request. */
export class FaultSource {
  #faults: Faults = [];
  #count = 0;

  /** The faults that are left, or the function. */
  get faults(): Faults {
    return typeof this.#faults === "function" ? this.#faults : [...this.#faults];
  }

  /** Takes the place of those that are left. */
  set faults(faults: Faults) {
    this.#faults = typeof faults === "function"
      ? faults
      : checked(v.array(v.optional(FAULT), "Expected a list or a function"), faults);
  }

  /** The fault for the next request. */
  next(method: FaultRequest["method"]): Fault | undefined {
    this.#count++;
    if (typeof this.#faults === "function") {
      return checked(v.optional(FAULT), this.#faults({ method, count: this.#count }));
    }
    const [fault, ...rest] = this.#faults;
    this.#faults = rest;
    return fault;
  }
}

function checked<T>(schema: Schema<T>, value: T): T {
  const result = validate(schema, value);
  if (result.ok) return result.value;
  throw new CredentialInputError("Cannot emulate the fault", { issues: result.issues });
}

/** Does what a fault says to the handling of a request. */
export async function withFault(
  fault: Fault | undefined,
  request: Pick<EmulatorRequest, "signal">,
  handle: () => Promise<CompleteAnswer>,
): Promise<EmulatorAnswer> {
  if (fault === undefined) return await handle();
  if (fault.kind === "truncate") return truncated(await handle());
  const answer = fault.when === "after_handling" ? await handle() : undefined;
  switch (fault.kind) {
    case "delay":
      return await hasWaited(fault.ms, request.signal)
        ? answer ?? await handle()
        : { kind: "dropped" };
    case "drop":
      return { kind: "dropped" };
    case "status":
      return statusAnswer(fault);
    case "not_json":
      return htmlAnswer(200, "<!DOCTYPE html><title>Welcome</title><h1>It works!</h1>");
    default:
      return fault satisfies never;
  }
}

/** Whether the wait came to its end before the client left. */
async function hasWaited(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

function statusAnswer({ status, headers = {}, body }: StatusFault): CompleteAnswer {
  const answer = bodyAnswer(status, body);
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

function bodyAnswer(status: number, body: StatusFault["body"]): CompleteAnswer {
  if (status === 204 || status === 205 || status === 304) return emptyAnswer(status);
  if (typeof body === "string") return { ...emptyAnswer(status), body };
  return body === undefined
    ? errorAnswer(status, "A fault of the emulator")
    : jsonAnswer(status, body);
}
