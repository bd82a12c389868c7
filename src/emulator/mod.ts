/**
 * The credentials service of SaaSus on your own machine: for tests, and for working without a network.
 *
 * @example In a test
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 * import {
 *   CredentialEmulator,
 *   EMULATOR_BEARER_TOKEN,
 *   serveEmulator,
 * } from "@saasus-sdk/credential/emulator";
 *
 * const emulator = new CredentialEmulator({ rotation: true });
 * await using server = await serveEmulator(emulator);
 *
 * const client = new CredentialClient({
 *   auth: bearerAuth(EMULATOR_BEARER_TOKEN),
 *   baseUrl: server.url,
 * });
 * emulator.faults = [{ kind: "status", status: 503 }]; // the client gets over it
 * const { id_token } = await client.getAuthCredentials({ code: emulator.issueCode() });
 * console.assert(id_token.split(".").length === 3);
 * ```
 *
 * @example As a program
 * ```sh
 * deno run --allow-net=127.0.0.1 jsr:@saasus-sdk/credential/emulator
 * ```
 *
 * @module
 */

export type { CompleteAnswer, DroppedAnswer, EmulatorAnswer, TruncatedAnswer } from "./answer.ts";
export { EMULATOR_BEARER_TOKEN, EMULATOR_SIGNATURE } from "./authorization.ts";
export type {
  DelayFault,
  DropFault,
  Fault,
  FaultFunction,
  FaultRequest,
  Faults,
  FaultTiming,
  NotJsonFault,
  StatusFault,
  TruncateFault,
} from "./faults.ts";
export type { CredentialEmulatorOptions } from "./options.ts";
export type { EmulatorRequest } from "./request.ts";
export {
  type EmulatorServer,
  type RequestHandler,
  serveEmulator,
  type ServeEmulatorOptions,
} from "./server.ts";
export { CredentialEmulator } from "./emulator.ts";
export type { ApiErrorBody, Credentials } from "../models.ts";
export type { SignatureAuthOptions } from "../auth/signature_auth.ts";

if (import.meta.main) {
  const { runProgram } = await import("./program.ts");
  await runProgram();
}
