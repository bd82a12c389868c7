/** Program that uses the package, and prints the results. */
import {
  bearerAuth,
  CredentialClient,
  type Credentials,
  isCredentialError,
  signatureAuth,
} from "@saasus-sdk/credential";
import {
  CredentialEmulator,
  EMULATOR_BEARER_TOKEN,
  EMULATOR_SIGNATURE,
  serveEmulator,
  signInThrough,
} from "@saasus-sdk/credential/emulator";
import { CredentialLogin } from "@saasus-sdk/credential/login";

const emulator = new CredentialEmulator();
const server = await serveEmulator(emulator);
const baseUrl = server.url;
const signing = new CredentialClient({ auth: signatureAuth(EMULATOR_SIGNATURE), baseUrl });
const bearing = new CredentialClient({ auth: bearerAuth(EMULATOR_BEARER_TOKEN), baseUrl });

const issued = emulator.issueCredentials();
const code = emulator.issueCode(issued);
const exchanged: Credentials = await signing.getAuthCredentials({ code });
const refreshed = await bearing.getAuthCredentials({
  authFlow: "refreshTokenAuth",
  refreshToken: exchanged.refresh_token ?? "",
});
const handedOver = await bearing.createAuthCredentials(exchanged);
const takenOver = await signing.getAuthCredentials(handedOver);
const failure = await signing.getAuthCredentials({ code }).catch((error: unknown) => error);
const origin = "http://localhost:3000";
const login = new CredentialLogin({ client: bearing, loginUrl: server.loginUrl, origin });
const { cookie } = await signInThrough(login, emulator);
const me = await login.handle(new Request(`${origin}/auth/me`, { headers: { cookie } }));
await server.close();

console.log(JSON.stringify({
  exchanged: exchanged.id_token === issued.id_token,
  refreshed: refreshed.id_token !== exchanged.id_token,
  takenOver: takenOver.refresh_token === issued.refresh_token,
  signedIn: me?.status,
  failure: isCredentialError(failure) && failure.code === "api_error" ? failure.status : "other",
}));
