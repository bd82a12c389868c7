import type { Fault } from "./faults.ts";

/**
 * An operation of the emulator. `signIn` is the login page, `unknown` a path that does not exist.
 *
 * @category Emulator
 */
export type EmulatorOperation =
  | "createAuthCredentials"
  | "getAuthCredentials"
  | "getUserInfo"
  | "signIn"
  | "unknown";

/**
 * A request that the emulator has handled. It contains no token and no code.
 *
 * @category Emulator
 */
export interface HandledRequest {
  /** The time of the request, in ms since the epoch. */
  readonly time: number;
  /** The operation. */
  readonly operation: EmulatorOperation;
  /** The flow of `getAuthCredentials`. */
  readonly authFlow?: "tempCodeAuth" | "refreshTokenAuth";
  /** The status code; absent if the connection was cut without a response. */
  readonly status?: number;
  /** The kind of the fault, if there was one. */
  readonly fault?: Fault["kind"];
  /** The e-mail address or sign-in ID of the user, if known. */
  readonly user?: string;
  /** The trace ID of the response. */
  readonly traceId: string;
}

const CAPACITY = 100;

/** The last requests of an emulator. */
export class RequestLog {
  #requests: HandledRequest[] = [];
  /** A function that is called for each request. */
  onRequest: ((request: HandledRequest) => void) | undefined;

  /** The last requests, the newest last. */
  get requests(): readonly HandledRequest[] {
    return [...this.#requests];
  }

  /** Adds a request. */
  add(request: HandledRequest): void {
    this.#requests = [...this.#requests.slice(1 - CAPACITY), Object.freeze(request)];
    this.onRequest?.(request);
  }

  /** Forgets all requests. */
  reset(): void {
    this.#requests = [];
  }
}
