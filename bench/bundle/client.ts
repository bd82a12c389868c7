// A program that uses only the client.
import { CredentialClient, signatureAuth } from "../../mod.ts";

const auth = signatureAuth({ saasId: "saas-id", apiKey: "api-key", secretKey: "secret-key" });
const client = new CredentialClient({ auth });
console.log(await client.getAuthCredentials({ code: location.search }));
