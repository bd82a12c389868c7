/**
 * An emulator of the SaaSus credentials service and its login page, for tests and for development
 * without a network.
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
 * const server = await serveEmulator(emulator);
 *
 * const client = new CredentialClient({
 *   auth: bearerAuth(EMULATOR_BEARER_TOKEN),
 *   baseUrl: server.url,
 * });
 * emulator.faults = [{ kind: "status", status: 503 }]; // the client retries
 * const code = emulator.issueCode("alice@example.com");
 * const { id_token } = await client.getAuthCredentials({ code });
 * console.assert(id_token.split(".").length === 3);
 * await server.close();
 * ```
 *
 * @example As a program
 * ```sh
 * deno run --allow-net=127.0.0.1 jsr:@saasus-sdk/credential/emulator
 * ```
 *
 * @module
 */

export { CredentialEmulator, type EmulatorFetch } from "./emulator.ts";
export type { CredentialEmulatorOptions } from "./options.ts";
export type { EmulatorEnv, EmulatorRole, EmulatorTenant, EmulatorUser } from "./users.ts";
export type { EmulatorOperation, HandledRequest } from "./request_log.ts";
export { type EmulatorServer, serveEmulator, type ServeEmulatorOptions } from "./server.ts";
export {
  type BrowserCookie,
  type LoginPage,
  type SignedInBrowser,
  signInThrough,
  type WebLogin,
} from "./sign_in_through.ts";
export { EMULATOR_BEARER_TOKEN, EMULATOR_SIGNATURE } from "./authorization.ts";
export type {
  DelayFault,
  DropFault,
  Fault,
  FaultFunction,
  FaultRequest,
  Faults,
  FaultTiming,
  StatusFault,
  TruncateFault,
} from "./faults.ts";
export type { ApiErrorBody, Credentials } from "../models.ts";
export type { SignatureAuthOptions } from "../auth/signature_auth.ts";

// Node has no `import.meta.main` before 24.2.
if (import.meta.main ?? (await import("./program.ts")).isProgram(import.meta.url)) {
  const { runProgram } = await import("./program.ts");
  await runProgram();
}
