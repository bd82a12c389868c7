export { AuthFlowSchema } from "./src/auth_flow.ts";
export { bearerAuth } from "./src/bearer_auth.ts";
export { signatureAuth } from "./src/signature_auth.ts";
export {
  ApiErrorBodySchema,
  AuthorizationTempCodeSchema,
  CredentialsSchema,
} from "./src/models.ts";
