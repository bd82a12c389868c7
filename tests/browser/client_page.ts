/** The module of a page that refreshes. The test controls it with `page`. */
import { bearerAuth, CredentialClient, isCredentialError } from "@saasus-sdk/credential";

const settings = JSON.parse(document.getElementById("settings")?.textContent ?? "{}");

const client = new CredentialClient({ auth: bearerAuth("token"), baseUrl: settings.baseUrl });

Object.assign(globalThis, {
  page: {
    refresh: async () => {
      const { id_token } = await client.getAuthCredentials({
        authFlow: "refreshTokenAuth",
        refreshToken: "refresh-token",
      });
      return id_token;
    },
    /** The error code of a call with a `referer`, which a page cannot set. */
    refer: async () => {
      try {
        await client.getAuthCredentials({ code: "code" }, { referer: location.href });
        return "none";
      } catch (error) {
        return isCredentialError(error) ? error.code : "other";
      }
    },
  },
});
