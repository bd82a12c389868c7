import ky from "ky";
import type { AuthFlow, AuthorizationTempCode, Credentials } from "../models.ts";
import { Call, type CallContext } from "./call.ts";
import { optionsFromEnv } from "./environment.ts";
import { type ApiRequest, getRequest, saveRequest } from "./operations.ts";
import type {
  ApiResponse,
  CredentialClientOptions,
  FromEnvOptions,
  RequestOptions,
} from "./options.ts";
import { callSettings, clientSettings } from "./settings.ts";
import { ServerClock } from "./server_time.ts";

/**
 * The client of the SaaSus credentials API. It does not keep the tokens that it sends and receives.
 *
 * Every method rejects with a `CredentialError` (its `code` is the kind of the error), with the
 * reason of the `signal` that aborted the call, or with an error that a function of yours (`auth`,
 * `onRetry`, `onResponse`) threw.
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
 *   const tokens = await client.getAuthCredentials({ code });
 *   const count = Object.keys(tokens).length;
 *   return new Response(`Signed in with ${count} tokens`);
 * }
 * ```
 *
 * @category Client
 */
export class CredentialClient {
  readonly #context: CallContext;

  /**
   * Creates a client. Nothing is sent yet.
   *
   * @param options Options for the client. Only `auth` is required.
   * @throws {CredentialInputError} If options are invalid. The error names each of them.
   */
  constructor(options: CredentialClientOptions) {
    const settings = clientSettings(options);
    this.#context = { ...settings, ky: ky.create(), clock: new ServerClock(settings.now) };
  }

  /**
   * Creates a client from environment variables: `SAASUS_SAAS_ID`, `SAASUS_API_KEY` and
   * `SAASUS_SECRET_KEY` for a signature, or else `BEARER_TOKEN`. Unless `baseUrl` is given,
   * `SAASUS_API_URL_BASE` (such as `https://api.saasus.io`) or `SAASUS_BASE_URL` (such as
   * `https://api.saasus.io/v1`) sets it. On Deno, reading them requires `--allow-env`.
   *
   * @param options Options for the client without `auth`, and `env` to read other variables than
   * the process's.
   * @throws {CredentialInputError} If variables are missing or invalid. The error names each of
   * them.
   *
   * @example From a record
   * ```ts
   * import { CredentialClient } from "@saasus-sdk/credential";
   *
   * const env = { BEARER_TOKEN: "token" };
   * const client = CredentialClient.fromEnv({ env });
   * ```
   */
  static fromEnv(options: FromEnvOptions = {}): CredentialClient {
    return new CredentialClient(optionsFromEnv(options));
  }

  /**
   * Saves credentials and returns a temporary code for them. Another application can exchange the
   * code within 10 seconds.
   *
   * @param credentials The tokens to save.
   * @param options Options for this call.
   * @returns The code.
   * @throws {CredentialInputError} If a token or an option is invalid. Nothing was sent.
   * @throws {CredentialApiError} If the service returns an error status.
   * @throws {CredentialNetworkError} If there is no response.
   * @throws {CredentialTimeoutError} If `timeout` or `totalTimeout` expires.
   * @throws {CredentialResponseError} If the response does not match the API.
   *
   * @example Hand a login over to another application
   * ```ts
   * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
   *
   * const client = new CredentialClient({ auth: bearerAuth("token") });
   *
   * async function handOver(id_token: string, access_token: string) {
   *   const tokens = { id_token, access_token };
   *   const { code } = await client.createAuthCredentials(tokens);
   *   return `https://other.example.com/callback?code=${code}`;
   * }
   * ```
   */
  async createAuthCredentials(
    credentials: Credentials,
    options?: RequestOptions,
  ): Promise<AuthorizationTempCode> {
    return (await this.#send(saveRequest(credentials), options)).data;
  }

  /**
   * Saves credentials like {@linkcode CredentialClient.prototype.createAuthCredentials}, and also
   * returns the status, the headers, the trace id and the number of retries.
   *
   * @param credentials The tokens to save.
   * @param options Options for this call.
   * @returns The response with the code.
   */
  async createAuthCredentialsWithResponse(
    credentials: Credentials,
    options?: RequestOptions,
  ): Promise<ApiResponse<AuthorizationTempCode>> {
    return (await this.#send(saveRequest(credentials), options)).toResponse();
  }

  /**
   * Gets the credentials for the temporary code of a login, or new credentials for a refresh token.
   *
   * Exchange a code only once, within 10 seconds. The response to a refresh usually has no
   * `refresh_token`, and the old one stays valid.
   *
   * @param authFlow The code or the refresh token.
   * @param options Options for this call.
   * @returns The credentials.
   * @throws {CredentialInputError} If the flow or an option is invalid. Nothing was sent.
   * @throws {CredentialApiError} If the service returns an error status. 404 usually means that the
   * code or token is unknown, used or expired.
   * @throws {CredentialNetworkError} If there is no response.
   * @throws {CredentialTimeoutError} If `timeout` or `totalTimeout` expires.
   * @throws {CredentialResponseError} If the response does not match the API.
   *
   * @example Refresh
   * ```ts
   * import { bearerAuth, CredentialClient } from "@saasus-sdk/credential";
   *
   * const client = new CredentialClient({ auth: bearerAuth("token") });
   *
   * async function refresh(refreshToken: string) {
   *   const authFlow = "refreshTokenAuth";
   *   return await client.getAuthCredentials({ authFlow, refreshToken });
   * }
   * ```
   */
  async getAuthCredentials(authFlow: AuthFlow, options?: RequestOptions): Promise<Credentials> {
    return (await this.#send(getRequest(authFlow), options)).data;
  }

  /**
   * Gets credentials like {@linkcode CredentialClient.prototype.getAuthCredentials}, and also
   * returns the status, the headers, the trace id and the number of retries.
   *
   * @param authFlow The code or the refresh token.
   * @param options Options for this call.
   * @returns The response with the credentials.
   */
  async getAuthCredentialsWithResponse(
    authFlow: AuthFlow,
    options?: RequestOptions,
  ): Promise<ApiResponse<Credentials>> {
    return (await this.#send(getRequest(authFlow), options)).toResponse();
  }

  async #send<T>(request: ApiRequest<T>, options: RequestOptions | undefined): Promise<Call<T>> {
    const settings = callSettings(this.#context, options, request);
    return await new Call(request, settings, this.#context).send();
  }
}
