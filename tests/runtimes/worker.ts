/** Worker that exchanges the code of its callback URL. */
import { CredentialClient, isCredentialError, signatureAuth } from "@saasus-sdk/credential";

/** The bindings of the worker. */
interface Environment {
  readonly BASE_URL: string;
  readonly SAAS_ID: string;
  readonly API_KEY: string;
  readonly SECRET_KEY: string;
}

async function handle(request: Request, env: Environment): Promise<Response> {
  const { BASE_URL: baseUrl, SAAS_ID: saasId, API_KEY: apiKey, SECRET_KEY: secretKey } = env;
  const auth = signatureAuth({ saasId, apiKey, secretKey });
  const client = new CredentialClient({ auth, baseUrl });
  const code = new URL(request.url).searchParams.get("code") ?? "";
  try {
    return Response.json(await client.getAuthCredentials({ code }));
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    return Response.json(error.toString(), { status: error.code === "api_error" ? 401 : 500 });
  }
}

const worker: { fetch: typeof handle } = { fetch: handle };

export default worker;
