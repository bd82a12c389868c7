import type { Fault, FaultSource } from "./faults.ts";
import { parseClaims, typedName, type User, type UserDirectory } from "./users.ts";
import type { CredentialVault } from "./vault.ts";

/** The names of what can go wrong with a login, in the order of the login page. */
export const TROUBLES = {
  code: ["code-used", "code-expired"],
  tokens: ["no-refresh-token", "refresh-token-revoked", "short-id-token"],
  exchange: ["exchange-503", "exchange-slow", "exchange-dropped"],
  refresh: ["refresh-503", "refresh-slow", "refresh-dropped"],
} as const;

/** The name of something that goes wrong with a login. */
export type Trouble = (typeof TROUBLES)[keyof typeof TROUBLES][number];

/** The time after which a refresh token is revoked, and the lifetime of a short ID token, in ms. */
export const ONE_MINUTE = 60_000;

const FAULTS: Readonly<Record<string, Fault>> = {
  "503": { kind: "status", status: 503 },
  slow: { kind: "delay", ms: 3_000 },
  dropped: { kind: "drop" },
};

/** A valid request to sign in. */
export interface SignInChoices {
  /** The user. */
  readonly user: User;
  /** The problems to simulate. */
  readonly troubles: readonly Trouble[];
  /** Whether refresh tokens rotate; `undefined` for the setting of the emulator. */
  readonly rotation: boolean | undefined;
}

/** A problem of a request to sign in. */
export type SignInProblem = "no_name" | "claims";

/** Reads the fields of the login page, or the query of `?user=`. */
export function choicesOf(
  fields: URLSearchParams,
  users: UserDirectory,
): SignInChoices | SignInProblem {
  const name = typedName(fields.get("user") ?? fields.get("name") ?? "");
  if (name === undefined) return "no_name";
  const claims = claimsIn(fields.get("claims") ?? "");
  if (claims === undefined) return "claims";
  const user = users.named(name);
  const rotation = fields.get("rotation");
  return {
    user: { ...user, claims: { ...user.claims, ...claims } },
    troubles: troublesIn(fields),
    rotation: rotation === "on" || rotation === "off" ? rotation === "on" : undefined,
  };
}

/** Returns the troubles that are chosen in the fields. */
export function troublesIn(fields: URLSearchParams): readonly Trouble[] {
  const chosen = fields.getAll("trouble");
  return Object.values(TROUBLES).flat().filter((trouble) => chosen.includes(trouble));
}

/** The maximum length of additional claims: ID tokens travel in URLs and headers. */
export const MAX_CLAIMS = 4_096;

function claimsIn(json: string): Record<string, unknown> | undefined {
  if (json.trim() === "") return {};
  return json.length <= MAX_CLAIMS ? parseClaims(json) : undefined;
}

/** Signs a user in, and returns the code for the application. */
export function signIn(
  { user, troubles, rotation }: SignInChoices,
  { vault, faults, users }: {
    readonly vault: CredentialVault;
    readonly faults: FaultSource;
    readonly users: UserDirectory;
  },
): string {
  const has = (trouble: Trouble) => troubles.includes(trouble);
  const credentials = vault.logIn(user, {
    refreshToken: !has("no-refresh-token"),
    revokedAfter: has("refresh-token-revoked") ? ONE_MINUTE : undefined,
    idTokenLifetime: has("short-id-token") ? ONE_MINUTE : undefined,
    rotation,
  });
  const code = has("code-expired") ? vault.save(credentials, 0) : vault.save(credentials);
  if (has("code-used")) vault.exchange(code);
  for (const trouble of troubles) {
    const [operation, kind = ""] = trouble.split(/-(?=[^-]*$)/);
    const fault = FAULTS[kind];
    if (fault === undefined) continue;
    faults.plan(operation === "refresh" ? "refreshTokenAuth" : "tempCodeAuth", fault);
  }
  users.touch(user);
  return code;
}
