import { cutError, toResponse } from "./answer.ts";
import type { Faults } from "./faults.ts";
import { type CredentialEmulatorOptions, settingsOf } from "./options.ts";
import type { HandledRequest } from "./request_log.ts";
import { EmulatorService } from "./service.ts";
import type { EmulatorUser, User } from "./users.ts";
import { type Credentials, CredentialsSchema } from "../models.ts";
import { checkInput, integerSchema, isObject } from "../validation.ts";

/**
 * The `fetch` of an emulator: the handler of a server, and the `fetch` of a client.
 *
 * @category Emulator
 */
export interface EmulatorFetch {
  /** Handles a request of a client. */
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Handles a request of a server. The other arguments of the server are ignored. */
  (request: Request, ...context: unknown[]): Promise<Response>;
}

/** Returns the service of an emulator, for the server and the program of this package. */
export let serviceOf: (emulator: CredentialEmulator) => EmulatorService;

/**
 * An emulator of the SaaSus credentials service, in memory: the login page, both operations with
 * their codes, tokens, errors and headers, userinfo, and simulated network and server faults.
 *
 * @category Emulator
 *
 * @example Log in without a browser
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 * import {
 *   CredentialEmulator,
 *   EMULATOR_BEARER_TOKEN,
 * } from "@saasus-sdk/credential/emulator";
 *
 * const emulator = new CredentialEmulator();
 * const client = new CredentialClient({
 *   auth: bearerAuth(EMULATOR_BEARER_TOKEN),
 *   fetch: emulator.fetch,
 *   now: emulator.now,
 * });
 * const code = emulator.issueCode("alice@example.com");
 * const tokens = await client.getAuthCredentials({ code });
 * console.assert(tokens.id_token.split(".").length === 3);
 * ```
 */
export class CredentialEmulator {
  readonly #service: EmulatorService;
  readonly #clock: () => number;
  #offset = 0;

  static {
    serviceOf = (emulator) => emulator.#service;
  }

  /**
   * Handles a request. It needs no `this`: pass it to a server (`Deno.serve(emulator.fetch)`,
   * `Bun.serve(emulator)`), or to a client (`fetch: emulator.fetch`).
   *
   * It has no access to a connection. A fault that cuts the connection rejects the call of a client
   * with a `TypeError`; a server gets a body that ends in an error. A `Request` normalizes its URL,
   * so that a signature over a query with, for example, a bare `'` is rejected. `serveEmulator` has
   * neither limit.
   */
  readonly fetch: EmulatorFetch = async (input: string | URL | Request, init?: unknown) => {
    const options = clientOptions(init);
    const isServer = input instanceof Request && options === undefined;
    const request = isServer ? input : new Request(input, options);
    const { method, headers, body } = request;
    const url = typeof input === "string" ? input.replace(/#.*$/s, "") : request.url;
    // On Node, the signal of a request is not always aborted after a garbage collection.
    const signalOf = () => options?.signal ?? request.signal;
    if (!isServer) signalOf().throwIfAborted();
    const answer = await this.#service.handle({
      method,
      url,
      headers,
      body,
      // Deno warns when a handler reads the signal of a request.
      get signal(): AbortSignal {
        return signalOf();
      },
    });
    if (!isServer) signalOf().throwIfAborted();
    if (!isServer && answer.kind === "dropped") throw cutError();
    return toResponse(answer, method);
  };

  /**
   * Returns the time of the emulator, in ms since the epoch. It needs no `this`: pass it as `now`
   * to a client.
   */
  readonly now: () => number = () => this.#clock() + this.#offset;

  /**
   * Creates an emulator without codes and refresh tokens.
   *
   * @param options Options. All are optional.
   * @throws {CredentialInputError} If an option is invalid.
   */
  constructor(options: CredentialEmulatorOptions = {}) {
    const settings = settingsOf(options);
    this.#clock = settings.now;
    this.#service = new EmulatorService({ ...settings, now: this.now });
  }

  /**
   * Faults of the next requests: the rest of the list, or the function. Setting it replaces them;
   * `[]` ends them.
   *
   * @example Lose the response to the next request
   * ```ts
   * import { CredentialEmulator } from "@saasus-sdk/credential/emulator";
   *
   * const emulator = new CredentialEmulator();
   * emulator.faults = [{ kind: "drop", when: "after_handling" }];
   * ```
   */
  get faults(): Faults {
    return this.#service.faults.faults;
  }

  /**
   * Sets the faults of the next requests.
   *
   * @throws {CredentialInputError} If a fault of the list is invalid.
   */
  set faults(faults: Faults) {
    this.#service.faults.faults = faults;
  }

  /** The last 100 requests, the newest last: API calls and sign-ins, without tokens and codes. */
  get requests(): readonly HandledRequest[] {
    return this.#service.log.requests;
  }

  /**
   * Moves the clock of the emulator forward, so that codes and tokens expire.
   *
   * @param ms The time, in whole ms.
   * @throws {CredentialInputError} If `ms` is negative or no whole number.
   *
   * @example Let a code expire
   * ```ts
   * import { CredentialEmulator } from "@saasus-sdk/credential/emulator";
   *
   * const emulator = new CredentialEmulator();
   * const code = emulator.issueCode();
   * emulator.advance(10_000);
   * ```
   */
  advance(ms: number): void {
    const schema = integerSchema(0, Number.MAX_SAFE_INTEGER);
    this.#offset += checkInput(schema, ms, { message: "Cannot advance the clock" });
  }

  /**
   * Issues the tokens of a new login.
   *
   * @param user The user, or the name of a user; the first user by default.
   * @returns An ID token and an access token, both JWTs, and an opaque refresh token.
   * @throws {CredentialInputError} If the user is invalid.
   */
  issueCredentials(user?: string | EmulatorUser): Credentials {
    return this.#service.vault.logIn(this.#userOf(user));
  }

  /**
   * Issues a temporary code, as the login page does.
   *
   * @param login The user, the name of a user, or the credentials for which the code can be
   * exchanged; a new login of the first user by default.
   * @returns The code. It is valid for one exchange within `codeLifetime`.
   * @throws {CredentialInputError} If the user or the credentials are invalid.
   */
  issueCode(login?: string | EmulatorUser | Credentials): string {
    const { vault } = this.#service;
    if (!isCredentials(login)) return vault.save(vault.logIn(this.#userOf(login)));
    return vault.save(checkInput(CredentialsSchema, login, { message: "Cannot issue a code" }));
  }

  /**
   * Revokes a refresh token.
   *
   * @param refreshToken The refresh token.
   * @returns Whether it was valid.
   */
  revokeRefreshToken(refreshToken: string): boolean {
    return this.#service.vault.revoke(refreshToken);
  }

  #userOf(user: string | EmulatorUser | undefined): User {
    return this.#service.users.resolve(user, "Cannot find the user");
  }
}

function isCredentials(login: unknown): login is Credentials {
  return isObject(login) &&
    ["id_token", "access_token", "refresh_token"].some((field) => field in login);
}

/** Returns the second argument of `fetch`; `undefined` for the context that a server passes. */
function clientOptions(init: unknown): RequestInit | undefined {
  if (typeof init !== "object" || init === null) return undefined;
  const fields = ["method", "headers", "body", "signal", "redirect", "cache"];
  return fields.some((field) => field in init) ? init : undefined;
}
