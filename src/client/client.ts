import { traceIdOf } from "./answer.ts";
import { type ApiCall, getCall, saveCall } from "./operations.ts";
import type { AuthFlow } from "../models.ts";
import {
  authFromEnv,
  baseUrlFromEnv,
  checkNoAuth,
  checkObject,
  processEnvironment,
} from "./environment.ts";
import type { AuthorizationTempCode, Credentials } from "../models.ts";
import type { CredentialClientOptions, FromEnvOptions, RequestOptions } from "./options.ts";
import { ServerClock } from "./server_time.ts";
import { type CallSettings, callSettings, clientSettings } from "./settings.ts";
import { type Outcome, send, type Transport } from "./transport.ts";

/** An answer of the API with what came around it. */
export interface ApiResponse<T> {
  /** What the body holds. */
  readonly data: T;
  /** The status code. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The `X-Saasus-Trace-Id`: what to tell the platform's support. */
  readonly traceId?: string;
  /** How often the call was repeated. */
  readonly retryCount: number;
}

/**
 * The client of the SaaSus credentials API. It keeps nothing of the tokens that pass through it.
 *
 * Every method rejects with a `CredentialError` (its `code` tells which one), with the reason of the `signal` that ended
 * the call, or with what a function of yours (`auth`, `onRetry`, `onResponse`) threw.
 *
 * @example Exchange the code of a login
 * ```ts
 * import { CredentialClient, signatureAuth } from "@saasus-sdk/credential";
 *
 * const client = new CredentialClient({
 *   auth: signatureAuth({
 *     saasId: "saasID",
 *     apiKey: "apiKey",
 *     secretKey: "secret",
 *   }),
 * });
 *
 * async function onCallback(request: Request): Promise<Response> {
 *   const code = new URL(request.url).searchParams.get("code") ?? "";
 *   const credentials = await client.getAuthCredentials({ code });
 *   return new Response(`Signed in with ${Object.keys(credentials).length} tokens`);
 * }
 * ```
 */
export class CredentialClient {
  readonly #settings: CallSettings;
  readonly #transport: Transport;

  /**
   * Makes a client. Nothing is sent yet.
   *
   * @param options Only `auth` has to be set.
   * @throws {CredentialInputError} If an option is wrong; it names each.
   */
  constructor(options: CredentialClientOptions) {
    const { call, baseUrl, now, fetch, ...hooks } = clientSettings(options);
    this.#settings = call;
    const url = `${baseUrl}/credentials`;
    this.#transport = {
      ...hooks,
      url,
      clock: new ServerClock(now),
      fetch: fetch ?? ((input, init) => globalThis.fetch(input, init)),
      isRuntimeFetch: fetch === undefined,
    };
  }

  /**
   * Makes a client from environment variables: `SAASUS_SAAS_ID`, `SAASUS_API_KEY` and `SAASUS_SECRET_KEY` for a
   * signature, or else `BEARER_TOKEN`; and `SAASUS_API_URL_BASE` (such as `https://api.saasus.io`) or `SAASUS_BASE_URL`
   * (such as `https://api.saasus.io/v1`) unless `baseUrl` is given. On Deno, each wants its `--allow-env`.
   *
   * @param options The options of the client, but `auth`; and `env` to read other variables than the process's.
   * @throws {CredentialInputError} If variables are missing or wrong; it names each.
   *
   * @example From a record
   * ```ts
   * import { CredentialClient } from "@saasus-sdk/credential";
   *
   * const client = CredentialClient.fromEnv({ env: { BEARER_TOKEN: "token" } });
   * ```
   */
  static fromEnv(options: FromEnvOptions = {}): CredentialClient {
    const { env = processEnvironment(), ...settings } = checkObject(options, "");
    checkNoAuth(settings);
    const variables = checkObject(env, "env");
    const baseUrl = settings.baseUrl ?? baseUrlFromEnv(variables);
    return new CredentialClient({ ...settings, baseUrl, auth: authFromEnv(variables) });
  }

  /**
   * Saves credentials and gets a temporary code for them, which another application exchanges within 10 seconds. Use it to
   * hand a login over.
   *
   * @param credentials The tokens to save.
   * @param options What is to be different for this call.
   * @returns The code.
   * @throws {CredentialInputError} If a token or an option is wrong. Nothing was sent.
   * @throws {CredentialApiError} If the service answers other than 2xx.
   * @throws {CredentialNetworkError} If no answer comes.
   * @throws {CredentialTimeoutError} If `timeout` or `totalTimeout` runs out.
   * @throws {CredentialResponseError} If the answer is not what the API promises.
   */
  async createAuthCredentials(
    credentials: Credentials,
    options?: RequestOptions,
  ): Promise<AuthorizationTempCode> {
    return (await this.#send(saveCall(credentials), options)).data;
  }

  /** As {@linkcode CredentialClient.prototype.createAuthCredentials}, with status, headers, trace id and the count of retries. */
  async createAuthCredentialsWithResponse(
    credentials: Credentials,
    options?: RequestOptions,
  ): Promise<ApiResponse<AuthorizationTempCode>> {
    return toResponse(await this.#send(saveCall(credentials), options));
  }

  /**
   * Gets the credentials for the temporary code of a login, or fresh ones for a refresh token.
   *
   * Exchange a code once, within 10 seconds. A refresh usually answers without a `refresh_token`: the old one
   * then stays in use.
   *
   * @param authFlow The code or the refresh token.
   * @param options What is to be different for this call.
   * @returns The credentials.
   * @throws {CredentialInputError} If the flow or an option is wrong. Nothing was sent.
   * @throws {CredentialApiError} If the service answers other than 2xx: 404 usually for a code that is unknown, used or expired.
   * @throws {CredentialNetworkError} If no answer comes.
   * @throws {CredentialTimeoutError} If `timeout` or `totalTimeout` runs out.
   * @throws {CredentialResponseError} If the answer is not what the API promises.
   */
  async getAuthCredentials(authFlow: AuthFlow, options?: RequestOptions): Promise<Credentials> {
    return (await this.#send(getCall(authFlow), options)).data;
  }

  /** As {@linkcode CredentialClient.prototype.getAuthCredentials}, with status, headers, trace id and the count of retries. */
  async getAuthCredentialsWithResponse(
    authFlow: AuthFlow,
    options?: RequestOptions,
  ): Promise<ApiResponse<Credentials>> {
    return toResponse(await this.#send(getCall(authFlow), options));
  }

  async #send<T>(call: ApiCall<T>, options: RequestOptions | undefined): Promise<Outcome<T>> {
    const { failure: message, operation } = call;
    const settings = callSettings(this.#settings, options, { message, operation });
    return await send(call, settings, this.#transport);
  }
}

function toResponse<T>({ data, answer, question, retryCount }: Outcome<T>): ApiResponse<T> {
  const { status, headers } = answer.response;
  const traceId = traceIdOf(answer, question);
  return { data, status, headers, ...(traceId === undefined ? {} : { traceId }), retryCount };
}
