import {
  type CompleteAnswer,
  emptyAnswer,
  type EmulatorAnswer,
  errorAnswer,
  toResponse,
} from "./answer.ts";
import { AuthorizationCheck } from "./authorization.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import { type Faults, FaultSource } from "./faults.ts";
import { withFault } from "./fault_effect.ts";
import { exchangeOrRefresh, save } from "./operations.ts";
import { type CredentialEmulatorOptions, type EmulatorSettings, settingsOf } from "./options.ts";
import { type BodyReading, type EmulatorRequest, readBody, targetOf } from "./request.ts";
import { TokenMint } from "./tokens.ts";
import { CredentialVault } from "./vault.ts";
import { CredentialInputError } from "../errors.ts";
import { type Credentials, CredentialsSchema } from "../models.ts";
import { validate } from "../validation.ts";

const PATH = "/v1/auth/credentials";

/**
 * The credentials service of SaaSus, emulated in memory: both operations with their codes, tokens, errors and headers,
 * and the faults of networks and servers.
 *
 * @example Log in without a login page
 * ```ts
 * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
 * import { CredentialEmulator, EMULATOR_BEARER_TOKEN } from "@saasus-sdk/credential/emulator";
 *
 * const emulator = new CredentialEmulator();
 * const client = new CredentialClient({
 *   auth: bearerAuth(EMULATOR_BEARER_TOKEN),
 *   fetch: (input, init) => emulator.fetch(new Request(input, init)),
 * });
 * const tokens = await client.getAuthCredentials({ code: emulator.issueCode() });
 * console.assert(tokens.id_token.split(".").length === 3);
 * ```
 */
export class CredentialEmulator {
  readonly #settings: EmulatorSettings;
  readonly #authorization: AuthorizationCheck;
  readonly #vault: CredentialVault;
  readonly #faults = new FaultSource();

  /**
   * Answers a request. It needs no `this`, so that it can be handed to a server: `Deno.serve(emulator.fetch)`,
   * `Bun.serve(emulator)`.
   *
   * A handler of `fetch` has no hold of the connection: faults that cut it do so by a body that ends in an error. And
   * a `Request` (that of `Bun.serve` as well) has mended its URL: a signature over a query with, say, a bare `'` does
   * not hold. `serveEmulator` has neither limit.
   */
  readonly fetch: (request: Request) => Promise<Response> = async (request) =>
    toResponse(await this.handle(request), request.method);

  /**
   * Makes an emulator that knows no code and no refresh token yet.
   *
   * @param options Nothing has to be set.
   * @throws {CredentialInputError} If an option is wrong.
   */
  constructor(options: CredentialEmulatorOptions = {}) {
    this.#settings = settingsOf(options);
    this.#faults.faults = this.#settings.faults;
    this.#authorization = new AuthorizationCheck(this.#settings);
    this.#vault = new CredentialVault({
      ...this.#settings,
      mint: new TokenMint({
        ...this.#settings,
        secretKey: this.#settings.signature.secretKey,
      }),
    });
  }

  /**
   * The faults that the next requests meet: the rest of the list, or the function. Set it to begin anew; `[]` ends them.
   *
   * @example Lose the answer to the next request
   * ```ts
   * import { CredentialEmulator } from "@saasus-sdk/credential/emulator";
   *
   * const emulator = new CredentialEmulator();
   * emulator.faults = [{ kind: "drop", when: "after_handling" }];
   * ```
   */
  get faults(): Faults {
    return this.#faults.faults;
  }

  /**
   * Sets the faults that the next requests meet.
   *
   * @throws {CredentialInputError} If a fault of the list is wrong.
   */
  set faults(faults: Faults) {
    this.#faults.faults = faults;
  }

  /**
   * Makes the tokens of a login. The refresh token is known to the emulator from then on.
   *
   * @param subject The `sub` of the tokens; a new one if it is left out.
   * @returns An ID token and an access token, each a JWT of its own, and an opaque refresh token.
   */
  issueCredentials(subject: string = crypto.randomUUID()): Credentials {
    return this.#vault.logIn(subject);
  }

  /**
   * Hands out a temporary code as the hosted login page does.
   *
   * @param credentials What the code can be exchanged for; those of a new login if they are left out.
   * @returns The code: good for one exchange within `codeLifetime`.
   * @throws {CredentialInputError} If the credentials lack a token.
   */
  issueCode(credentials: Credentials = this.issueCredentials()): string {
    const result = validate(CredentialsSchema, credentials);
    if (result.ok) return this.#vault.save(result.value);
    throw new CredentialInputError("Cannot issue a code", { issues: result.issues });
  }

  /**
   * Makes a refresh token invalid, as when an administrator signs a user out everywhere.
   *
   * @param refreshToken The refresh token.
   * @returns Whether it was valid.
   */
  revokeRefreshToken(refreshToken: string): boolean {
    return this.#vault.revoke(refreshToken);
  }

  /**
   * Decides what a request is answered, faults included. `fetch` and `serveEmulator` stand upon it; a server of your
   * own can, too.
   *
   * @param request The request: a `Request`, or its parts where a `Request` would change the bytes of the URL.
   * @returns What to send, and whether to cut the connection.
   * @throws What a fault function throws, or a {@linkcode CredentialInputError} if it returns a fault that is wrong.
   */
  async handle(request: EmulatorRequest): Promise<EmulatorAnswer> {
    const { method, headers, url } = request;
    const { path, query } = targetOf(url);
    const isOperation = path === PATH && (method === "GET" || method === "POST");
    const fault = isOperation ? this.#faults.next(method) : undefined;
    // Read even where nobody looks at it: a connection that is closed over an unread body is reset.
    const body = await readBody(request, this.#settings.maxBodySize);
    const answer = await withFault(fault, request, async () => {
      if (isOperation) return await this.#operate(request, query, body);
      return path === PATH ? this.#otherMethod(request) : errorAnswer(404, "There is no such path");
    });
    if (answer.kind !== "dropped") this.#addCommonHeaders(answer.headers, headers);
    return answer;
  }

  async #operate(
    { method, url, headers }: EmulatorRequest,
    query: URLSearchParams,
    body: BodyReading,
  ): Promise<CompleteAnswer> {
    if (body.kind === "too_large") return errorAnswer(413, "The body is too long");
    if (body.kind === "not_utf8") return errorAnswer(400, "The body is not UTF-8");
    const signed = { method, url, body: body.text };
    const problem = await this.#authorization.problemWith(headers.get("Authorization"), signed);
    if (problem !== undefined) return errorAnswer(401, problem);
    return method === "POST" ? save(this.#vault, body.text) : exchangeOrRefresh(this.#vault, query);
  }

  #otherMethod({ method, headers }: EmulatorRequest): CompleteAnswer {
    const { cors } = this.#settings;
    if (method === "OPTIONS" && cors !== false) {
      const answer = emptyAnswer(204);
      for (const [name, value] of preflightHeaders(cors, headers)) answer.headers.set(name, value);
      return answer;
    }
    const answer = errorAnswer(405, "There is no such method");
    answer.headers.set("Allow", cors === false ? "GET, POST" : "GET, POST, OPTIONS");
    return answer;
  }

  /** Adds what every answer has. Headers that a fault has set stay. */
  #addCommonHeaders(answer: Headers, request: Headers): void {
    const { cors, now } = this.#settings;
    const common: [string, string][] = [
      ["Date", new Date(now()).toUTCString()],
      ["X-Saasus-Trace-Id", traceIdOf(request)],
      ...corsHeaders(cors, request),
    ];
    for (const [name, value] of common) {
      if (!answer.has(name)) answer.set(name, value);
    }
  }
}

/** The trace id of the caller, if it is fit for logs; else a new one. */
function traceIdOf(headers: Headers): string {
  const traceId = headers.get("X-Saasus-Trace-Id");
  return traceId !== null && /^[\x21-\x7e]{1,128}$/.test(traceId) ? traceId : crypto.randomUUID();
}
