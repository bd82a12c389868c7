// The tenants and roles of a user, from the "userinfo" operation of the API, which the credential
// client does not have. `signatureAuth` signs the request.

import type { RequestAuth } from "@saasus-sdk/credential";

/** The parts of a user that this application reads. */
export interface UserInfo {
  tenants: {
    name: string;
    envs?: { name: string; roles: { role_name: string; display_name: string }[] }[];
  }[];
}

export interface UserInfoOptions {
  /** Signs the request. */
  auth: RequestAuth;
  /** The base URL of the API, such as `https://api.saasus.io/v1/auth`. */
  baseUrl: string;
  /** The clock for the signature, in ms since the epoch. */
  now?: () => number;
}

/** Returns a function that gets the user of an ID token. */
export function userInfoClient({ auth, baseUrl, now = Date.now }: UserInfoOptions) {
  return async (idToken: string): Promise<UserInfo> => {
    const url = `${baseUrl}/userinfo?token=${encodeURIComponent(idToken)}`;
    const request = { method: "GET", url, body: "", timestamp: now(), rejected: false };
    const headers = { Authorization: await auth(request) };
    const signal = AbortSignal.timeout(5_000);
    // The URL contains the token, so redirects are not followed, and errors do not quote it.
    const response = await fetch(url, { headers, signal, redirect: "manual" }).catch(() =>
      undefined
    );
    if (!response?.ok) throw new Error(`Cannot get the user: the API answered ${response?.status}`);
    return await response.json();
  };
}

/** Lists the roles of a user, such as `Example Inc. (prod): Administrator`. */
export function rolesOf({ tenants }: UserInfo): string[] {
  return tenants.flatMap(({ name, envs = [] }) =>
    envs.map((env) => {
      const roles = env.roles.map((role) => role.display_name || role.role_name);
      return `${name} (${env.name}): ${roles.join(", ")}`;
    })
  );
}
