import * as v from "valibot";
import {
  type CompleteAnswer,
  emptyAnswer,
  type EmulatorAnswer,
  errorAnswer,
  jsonAnswer,
  truncated,
} from "./answer.ts";
import { delay } from "../async.ts";
import { type ApiErrorBody, ApiErrorBodySchema } from "../models.ts";
import { checkInput, isHeaderValue, objectMessage, type Schema } from "../validation.ts";

/**
 * The moment of a fault.
 *
 * @category Emulator
 */
export interface FaultTiming {
  /**
   * The moment of the fault: before the emulator handles the request, or afterwards. With
   * `"after_handling"` a code is used, or a refresh token rotated, although the client gets no
   * response.
   *
   * @default {"before_handling"}
   */
  when?: "before_handling" | "after_handling" | undefined;
}

/**
 * A late response. If the client aborts first, the request is not handled.
 *
 * @category Emulator
 */
export interface DelayFault extends FaultTiming {
  /** The kind of the fault. */
  kind: "delay";
  /** The delay, in ms. */
  ms: number;
}

/**
 * A connection that is cut without a response.
 *
 * @category Emulator
 */
export interface DropFault extends FaultTiming {
  /** The kind of the fault. */
  kind: "drop";
}

/**
 * A connection that is cut in the middle of the response body. The request is handled.
 *
 * @category Emulator
 */
export interface TruncateFault {
  /** The kind of the fault. */
  kind: "truncate";
}

/**
 * Another response, such as `503` with `Retry-After`, or `200` with the HTML of a proxy.
 *
 * @category Emulator
 */
export interface StatusFault extends FaultTiming {
  /** The kind of the fault. */
  kind: "status";
  /** The status code, 200 to 599. */
  status: number;
  /** Headers of the response. They replace the usual ones of the same name. */
  headers?: Record<string, string> | undefined;
  /**
   * The body. An object is sent as JSON, a string as it is.
   *
   * @default {an error body that fits the status}
   */
  body?: string | ApiErrorBody | undefined;
}

/**
 * A simulated fault of a network or a server.
 *
 * @category Emulator
 */
export type Fault = DelayFault | DropFault | TruncateFault | StatusFault;

/**
 * A request for which a function chooses a fault.
 *
 * @category Emulator
 */
export interface FaultRequest {
  /** The method: `POST` saves, `GET` exchanges or refreshes. */
  method: "GET" | "POST";
  /** The number of requests for the two operations so far, including this one. */
  count: number;
}

/**
 * The faults of the next requests for the two operations: a list of which each request takes the
 * next entry (`undefined` is no fault), or a function that is called for each request.
 *
 * @category Emulator
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

/**
 * Returns the fault of a request, or `undefined` for none.
 *
 * @category Emulator
 */
export type FaultFunction = (request: FaultRequest) => Fault | undefined;

const WHEN = 'Expected "before_handling" or "after_handling"';
const MS = "Expected a whole number of ms, 0 to 2,147,483,647";
const HEADERS = "Expected an object of valid header names and values";
const STATUS = "Expected a whole number, 200 to 599";

const when = v.optional(v.picklist(["before_handling", "after_handling"], WHEN));

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
    headers: v.optional(v.custom<Record<string, string>>(isHeaders, HEADERS)),
    body: v.optional(
      v.union([v.string(), ApiErrorBodySchema], "Expected a string or an error body"),
    ),
    when,
  }, objectMessage),
], 'Expected "delay", "drop", "truncate" or "status"');

const FAULT_OR_NONE: Schema<Fault | undefined> = v.optional(FAULT);

const FAULT_LIST: Schema<(Fault | undefined)[]> = v.array(FAULT_OR_NONE, "Expected a list");

/** The flows of `GET /credentials`. */
export type Flow = "tempCodeAuth" | "refreshTokenAuth";

/** Chooses the fault of each request. */
export class FaultSource {
  #list: (Fault | undefined)[] = [];
  #choose: FaultFunction | undefined;
  #planned: { readonly flow: Flow; readonly fault: Fault }[] = [];
  #count = 0;

  /** The faults that are left, or the function. */
  get faults(): Faults {
    return this.#choose ?? [...this.#list];
  }

  /** Replaces the faults that are left. */
  set faults(faults: Faults) {
    const isFunction = typeof faults === "function";
    this.#list = isFunction ? [] : [...checked(FAULT_LIST, faults)];
    this.#choose = isFunction ? faults : undefined;
  }

  /** Plans a fault for the next exchange or refresh. */
  plan(flow: Flow, fault: Fault): void {
    this.#planned.push({ flow, fault });
  }

  /** Forgets the planned faults. */
  reset(): void {
    this.#planned = [];
  }

  /** Returns the fault of the next request. */
  next(method: FaultRequest["method"], flow?: Flow): Fault | undefined {
    this.#count++;
    const index = this.#planned.findIndex((planned) => planned.flow === flow);
    if (index >= 0) return this.#planned.splice(index, 1)[0]?.fault;
    if (this.#choose === undefined) return this.#list.shift();
    return checked(FAULT_OR_NONE, this.#choose({ method, count: this.#count }));
  }
}

function checked<T>(schema: Schema<T>, value: unknown): T {
  return checkInput(schema, value, { message: "Cannot emulate the fault" });
}

/** Applies a fault to the handling of a request. */
export async function withFault(
  fault: Fault | undefined,
  request: { readonly signal?: AbortSignal | undefined },
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
    default:
      return fault satisfies never;
  }
}

/** Waits, and returns `false` if the client aborts first. */
async function hasWaited(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, signal);
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

function isHeaders(value: unknown): boolean {
  try {
    return [...new Headers(value as Record<string, string>).values()].every(isHeaderValue);
  } catch {
    return false;
  }
}
