import * as v from "valibot";
import { EMULATOR_BEARER_TOKEN, EMULATOR_SIGNATURE } from "./authorization.ts";
import type { Faults } from "./faults.ts";
import { BUILT_IN_USERS, type EmulatorUser, userList } from "./users.ts";
import {
  booleanSchema,
  checkInput,
  functionSchema,
  isObject,
  isVisibleAscii,
} from "../validation.ts";
import { type OptionSchemas, optionsSchema, type Schema } from "../validation.ts";
import type { SignatureAuthOptions } from "../auth/signature_auth.ts";

/**
 * Options for {@linkcode CredentialEmulator}. All are optional.
 *
 * @category Emulator
 */
export interface CredentialEmulatorOptions {
  /**
   * Users of the login page.
   *
   * @default {alice@example.com, and bob, who signs in by a sign-in ID and has no e-mail address}
   */
  users?: readonly EmulatorUser[] | undefined;
  /**
   * Page of the application to which the login page sends the browser with `?code=`.
   *
   * @default {"http://localhost:3000/callback"}
   */
  callbackUrl?: string | URL | undefined;
  /**
   * Bearer token that the emulator accepts.
   *
   * @default {EMULATOR_BEARER_TOKEN}
   */
  bearerToken?: string | undefined;
  /**
   * Signature that the emulator accepts. Its `secretKey` also signs ID tokens and access tokens
   * (HS256).
   *
   * @default {EMULATOR_SIGNATURE}
   */
  signature?: SignatureAuthOptions | undefined;
  /**
   * Accepted difference between the time of a signature and the emulator's clock, in whole minutes
   * each way.
   *
   * @default {5}
   */
  signatureWindow?: number | undefined;
  /**
   * Lifetime of temporary codes, in ms.
   *
   * @default {10_000}
   */
  codeLifetime?: number | undefined;
  /**
   * Lifetime of ID tokens and access tokens, in ms.
   *
   * @default {3_600_000}
   */
  idTokenLifetime?: number | undefined;
  /**
   * Whether a refresh returns a new refresh token and retires the old one.
   *
   * @default {false}
   */
  rotation?: boolean | undefined;
  /**
   * Time for which a refresh token stays valid after its rotation, in ms.
   *
   * @default {0}
   */
  rotationGrace?: number | undefined;
  /**
   * Origins whose pages may call from a browser; `true` for all.
   *
   * @default {false}
   */
  cors?: boolean | readonly string[] | undefined;
  /**
   * Simulated network and server faults.
   *
   * @default {[]}
   */
  faults?: Faults | undefined;
  /**
   * Clock, in ms since the epoch. It is also the `Date` of the responses.
   *
   * @default {Date.now}
   */
  now?: (() => number) | undefined;
}

/** The options with their defaults. */
export interface EmulatorSettings {
  /** The users. */
  readonly users: readonly EmulatorUser[];
  /** The page to which a code is sent. */
  readonly callbackUrl: URL;
  /** The accepted bearer token. */
  readonly bearerToken: string;
  /** The accepted signature. */
  readonly signature: SignatureAuthOptions;
  /** The accepted difference of the clocks, in minutes. */
  readonly signatureWindow: number;
  /** The lifetime of codes, in ms. */
  readonly codeLifetime: number;
  /** The lifetime of ID tokens, in ms. */
  readonly idTokenLifetime: number;
  /** Whether refresh tokens rotate. */
  readonly rotation: boolean;
  /** The grace time of rotated refresh tokens, in ms. */
  readonly rotationGrace: number;
  /** The origins whose pages may call. */
  readonly cors: boolean | readonly string[];
  /** The faults. */
  readonly faults: Faults;
  /** The clock. */
  readonly now: () => number;
}

const WHOLE_NUMBER = "Expected a whole number, 0 or more";
const BEARER_TOKEN = "Expected a non-empty string of visible ASCII characters";

const wholeNumber = v.pipe(
  v.number(WHOLE_NUMBER),
  v.safeInteger(WHOLE_NUMBER),
  v.minValue(0, WHOLE_NUMBER),
);

const positiveNumber = v.pipe(wholeNumber, v.minValue(1, "Expected 1 or more"));

const schemas: OptionSchemas<CredentialEmulatorOptions> = {
  users: userList,
  callbackUrl: v.custom<string | URL>(
    (value) => isCallback(value),
    "Expected an absolute http: or https: URL without user information and fragment",
  ),
  bearerToken: v.custom<string>(isVisibleAscii, BEARER_TOKEN),
  // Checked by signatureAuth().
  signature: v.custom<SignatureAuthOptions>(
    isObject,
    "Expected an object",
  ),
  signatureWindow: wholeNumber,
  codeLifetime: wholeNumber,
  idTokenLifetime: positiveNumber,
  rotation: booleanSchema,
  rotationGrace: wholeNumber,
  cors: v.union([booleanSchema, v.array(v.string())], "Expected true, false or a list of origins"),
  // Checked by FaultSource.
  faults: v.custom<Faults>(
    (value) => Array.isArray(value) || typeof value === "function",
    "Expected a list or a function",
  ),
  now: functionSchema<() => number>(),
};

const options: Schema<CredentialEmulatorOptions> = optionsSchema<CredentialEmulatorOptions>(
  schemas,
);

/** Validates options, and adds the defaults. */
export function settingsOf(input: CredentialEmulatorOptions): EmulatorSettings {
  const given = checkInput(options, input, { message: "Cannot create an emulator" });
  return {
    users: given.users ?? BUILT_IN_USERS,
    callbackUrl: new URL(given.callbackUrl ?? "http://localhost:3000/callback"),
    bearerToken: given.bearerToken ?? EMULATOR_BEARER_TOKEN,
    signature: given.signature ?? EMULATOR_SIGNATURE,
    signatureWindow: given.signatureWindow ?? 5,
    codeLifetime: given.codeLifetime ?? 10_000,
    idTokenLifetime: given.idTokenLifetime ?? 3_600_000,
    rotation: given.rotation ?? false,
    rotationGrace: given.rotationGrace ?? 0,
    cors: given.cors ?? false,
    faults: given.faults ?? [],
    now: given.now ?? Date.now,
  };
}

function isCallback(value: unknown): boolean {
  const url = URL.parse(value instanceof URL ? value.href : String(value));
  return (typeof value === "string" || value instanceof URL) && url !== null &&
    /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.hash === "";
}
