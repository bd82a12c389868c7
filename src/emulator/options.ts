import * as v from "valibot";
import { EMULATOR_BEARER_TOKEN, EMULATOR_SIGNATURE } from "./authorization.ts";
import type { Faults } from "./faults.ts";
import { CredentialInputError } from "../errors.ts";
import { isVisibleAscii } from "../validation.ts";
import { objectMessage, type Schema, validate } from "../validation.ts";
import type { SignatureAuthOptions } from "../auth/signature_auth.ts";

/** What an emulator can be told. Nothing has to be. */
export interface CredentialEmulatorOptions {
  /**
   * The bearer token that is taken.
   *
   * @default {EMULATOR_BEARER_TOKEN}
   */
  bearerToken?: string;
  /**
   * The signature that is taken. Its `secretKey` also signs the ID tokens and access tokens (HS256).
   *
   * @default {EMULATOR_SIGNATURE}
   */
  signature?: SignatureAuthOptions;
  /**
   * How many whole minutes a signature's time may differ from the emulator's, each way.
   *
   * @default {5}
   */
  signatureWindow?: number;
  /**
   * How long a temporary code is valid, in ms.
   *
   * @default {10_000}
   */
  codeLifetime?: number;
  /**
   * How long ID tokens and access tokens are valid, in ms.
   *
   * @default {3_600_000}
   */
  idTokenLifetime?: number;
  /**
   * Whether a refresh issues a new refresh token and retires the old one.
   *
   * @default {false}
   */
  rotation?: boolean;
  /**
   * How long a refresh token stays valid after its rotation, in ms.
   *
   * @default {0}
   */
  rotationGrace?: number;
  /**
   * How many codes, and how many refresh tokens, are held at most. The oldest goes first.
   *
   * @default {10_000}
   */
  capacity?: number;
  /**
   * How long a request's body may be, in bytes.
   *
   * @default {1_048_576}
   */
  maxBodySize?: number;
  /**
   * The origins whose pages may call from a browser; `true` for all.
   *
   * @default {false}
   */
  cors?: boolean | readonly string[];
  /**
   * What networks and servers do.
   *
   * @default {[]}
   */
  faults?: Faults;
  /**
   * The clock, in ms since the epoch. It is also the `Date` of the answers.
   *
   * @default {Date.now}
   */
  now?: () => number;
}

/** The options with nothing left open. */
export type EmulatorSettings = Required<CredentialEmulatorOptions>;

const WHOLE_NUMBER = "Expected a whole number, 0 or more";
const BEARER_TOKEN = "Expected a non-empty string of visible ASCII characters";

const wholeNumber = v.pipe(
  v.number(WHOLE_NUMBER),
  v.safeInteger(WHOLE_NUMBER),
  v.minValue(0, WHOLE_NUMBER),
);

const positiveNumber = v.pipe(wholeNumber, v.minValue(1, "Expected 1 or more"));

const truthValue = v.boolean("Expected true or false");

const settings: Schema<EmulatorSettings> = v.strictObject({
  bearerToken: v.optional(v.custom<string>(isVisibleAscii, BEARER_TOKEN), EMULATOR_BEARER_TOKEN),
  signature: v.optional(v.custom<SignatureAuthOptions>(isObject, "Expected an object"), {
    ...EMULATOR_SIGNATURE,
  }),
  signatureWindow: v.optional(wholeNumber, 5),
  codeLifetime: v.optional(wholeNumber, 10_000),
  idTokenLifetime: v.optional(positiveNumber, 3_600_000),
  rotation: v.optional(truthValue, false),
  rotationGrace: v.optional(wholeNumber, 0),
  capacity: v.optional(positiveNumber, 10_000),
  maxBodySize: v.optional(wholeNumber, 1_048_576),
  cors: v.optional(
    v.union([truthValue, v.array(v.string())], "Expected true, false or a list of origins"),
    false,
  ),
  // What is in it is checked where it is kept: see FaultSource.
  faults: v.optional(v.custom<Faults>(isListOrFunction, "Expected a list or a function"), () => []),
  now: v.optional(v.custom<() => number>(isFunction, "Expected a function"), () => Date.now),
}, objectMessage);

/** Fills in what was left out. */
export function settingsOf(options: CredentialEmulatorOptions): EmulatorSettings {
  const result = validate(settings, options);
  if (result.ok) return result.value;
  throw new CredentialInputError("Cannot make an emulator", { issues: result.issues });
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function isListOrFunction(value: unknown): boolean {
  return Array.isArray(value) || isFunction(value);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
