import { createHash } from "node:crypto";
import * as v from "valibot";
import { CredentialInputError } from "../errors.ts";
import { isRecord } from "../models.ts";
import { checkInput, NON_EMPTY_STRING, optionsSchema, type Schema } from "../validation.ts";

/**
 * A role of a user in an environment of a tenant.
 *
 * @category Emulator
 */
export interface EmulatorRole {
  /** The name of the role, such as `admin`. */
  role_name: string;
  /** The name of the role for people. */
  display_name: string;
}

/**
 * An environment of a tenant, with the roles of a user.
 *
 * @category Emulator
 */
export interface EmulatorEnv {
  /** The ID of the environment. */
  id: number;
  /** The name of the environment, such as `prod`. */
  name: string;
  /** The name of the environment for people. */
  display_name?: string | undefined;
  /** The roles of the user. */
  roles: readonly EmulatorRole[];
}

/**
 * A tenant of a user, in the form in which the API returns it.
 *
 * @category Emulator
 */
export interface EmulatorTenant {
  /** The ID of the tenant. */
  id: string;
  /** The name of the tenant. */
  name: string;
  /** Whether the user has completed the sign-up to the tenant. */
  completed_sign_up?: boolean | undefined;
  /** The environments of the tenant. */
  envs?: readonly EmulatorEnv[] | undefined;
  /** Attributes of the user in the tenant. */
  user_attribute?: Readonly<Record<string, unknown>> | undefined;
  /** The e-mail address of the back-office staff. */
  back_office_staff_email?: string | undefined;
  /** The ID of the price plan. */
  plan_id?: string | undefined;
  /** Whether the tenant is on a paid plan. */
  is_paid?: boolean | undefined;
}

/**
 * A user of the emulator. One of `email`, `signInId` and `sub` is required.
 *
 * @category Emulator
 */
export interface EmulatorUser {
  /**
   * The `sub` claim of the user's tokens.
   *
   * @default {a UUID that is derived from the e-mail address or sign-in ID}
   */
  sub?: string | undefined;
  /** The e-mail address. */
  email?: string | undefined;
  /** The sign-in ID of a user without an e-mail address. */
  signInId?: string | undefined;
  /** Additional claims of ID tokens. They cannot replace `sub`, `token_use`, `iat` and `exp`. */
  claims?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The tenants that `GET /v1/auth/userinfo` returns.
   *
   * @default {[]}
   */
  tenants?: readonly EmulatorTenant[] | undefined;
}

/** A user with all fields. */
export interface User {
  /** The name on buttons and in logs: the e-mail address, the sign-in ID or the `sub`. */
  readonly name: string;
  /** The `sub` claim. */
  readonly sub: string;
  /** The e-mail address; `""` if there is none. */
  readonly email: string;
  /** The sign-in ID; `""` if there is none. */
  readonly signInId: string;
  /** Additional claims of ID tokens. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The tenants. */
  readonly tenants: readonly EmulatorTenant[];
}

const text: Schema<string> = v.pipe(
  v.string(NON_EMPTY_STRING),
  v.minLength(1, NON_EMPTY_STRING),
  v.maxLength(256, "Expected at most 256 characters"),
);

/** A schema for an object with any fields. */
export const record: Schema<Record<string, unknown>> = v.custom<Record<string, unknown>>(
  isRecord,
  "Expected an object",
);

const tenants: Schema<EmulatorTenant[]> = v.array(
  v.looseObject({ id: text, name: text }, "Expected a tenant with an id and a name"),
  "Expected a list of tenants",
) as Schema<EmulatorTenant[]>;

const fields: Schema<EmulatorUser> = optionsSchema<EmulatorUser>({
  sub: text,
  email: text,
  signInId: text,
  claims: record,
  tenants,
}, { expected: "a user" });

const user: Schema<EmulatorUser> = v.pipe(
  fields,
  v.check(
    ({ sub, email, signInId }) => (email ?? signInId ?? sub) !== undefined,
    'Expected an "email", a "signInId" or a "sub"',
  ),
);

/** A schema for the option `users`. */
export const userList: Schema<EmulatorUser[]> = v.array(user, "Expected a list of users");

/** Returns the tenant of the built-in users, with one role. */
function exampleTenant(role_name: string, display_name: string): EmulatorTenant {
  return {
    id: "f6a1a2e0-7c1b-4d52-9d0e-2f0c5b7c1a01",
    name: "Example Inc.",
    completed_sign_up: true,
    envs: [{
      id: 3,
      name: "prod",
      display_name: "Production",
      roles: [{ role_name, display_name }],
    }],
    user_attribute: {},
    is_paid: false,
  };
}

/** The users of an emulator that is created without any. */
export const BUILT_IN_USERS: readonly EmulatorUser[] = /* @__PURE__ */ Object.freeze([
  { email: "alice@example.com", tenants: [exampleTenant("admin", "Administrator")] },
  { signInId: "bob", tenants: [exampleTenant("user", "User")] },
]);

const MAX_KNOWN = 1_000;

/** The users that an emulator knows: those of its options, and those who have signed in since. */
export class UserDirectory {
  readonly #presets: readonly User[];
  readonly #known = new Map<string, User>();
  #recent: User[] = [];

  /** Creates a directory. */
  constructor(presets: readonly EmulatorUser[]) {
    this.#presets = presets.map(complete);
  }

  /** Returns the user of a call without one. */
  get first(): User {
    return this.#presets[0] ?? complete({ email: "alice@example.com" });
  }

  /** Lists users for the login page: the most recent first, then the others of the options. */
  list(): readonly User[] {
    const isRecent = ({ name }: User) => this.#recent.some((recent) => recent.name === name);
    return [...this.#recent, ...this.#presets.filter((preset) => !isRecent(preset))];
  }

  /** Returns the user with a name; a new one if the name is unknown. */
  named(name: string): User {
    const isNamed = ({ email, signInId, sub }: User) => [email, signInId, sub].includes(name);
    return this.#presets.find(isNamed) ??
      complete(name.includes("@") ? { email: name } : { signInId: name });
  }

  /** Returns the user for an argument of a public method. */
  resolve(given: string | EmulatorUser | undefined, message: string): User {
    if (given === undefined) return this.first;
    if (typeof given === "string") return this.named(checkInput(text, given, { message }));
    return complete(checkInput(user, given, { message }));
  }

  /** Returns the user that the claims of an ID token describe. */
  ofClaims({ sub, email }: Readonly<Record<string, unknown>>): User {
    const known = typeof sub === "string"
      ? this.#presets.find((preset) => preset.sub === sub) ?? this.#known.get(sub)
      : undefined;
    return known ?? complete({
      sub: typeof sub === "string" && sub !== "" ? sub : crypto.randomUUID(),
      ...(typeof email === "string" && email !== "" ? { email } : {}),
    });
  }

  /** Remembers a user who has a token. */
  remember(user: User): void {
    this.#known.delete(user.sub);
    this.#known.set(user.sub, user);
    for (const sub of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(sub);
    }
  }

  /** Puts a user first in the list of the login page. */
  touch(user: User): void {
    const listed = this.#presets.find(({ name }) => name === user.name) ?? user;
    this.#recent = [listed, ...this.#recent.filter(({ name }) => name !== user.name)].slice(0, 6);
  }

  /** Forgets who has signed in. */
  reset(): void {
    this.#recent = [];
  }
}

/** Checks a name that a person has typed, and returns it without surrounding spaces. */
export function typedName(name: string): string | undefined {
  const trimmed = name.trim();
  // deno-lint-ignore no-control-regex -- a name with control characters is never meant
  return /^[^\x00-\x1f\x7f]{1,256}$/.test(trimmed) ? trimmed : undefined;
}

function complete(
  { sub, email = "", signInId = "", claims = {}, tenants = [] }: EmulatorUser,
): User {
  const name = email || signInId || sub || "";
  return { name, sub: sub ?? uuidOf(name), email, signInId, claims, tenants };
}

/**
 * Derives a UUID (version 8) from a name, so that a user keeps the `sub` when the emulator
 * restarts.
 */
function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  const variant = "89ab"[Number.parseInt(hex.charAt(16), 16) % 4];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** Parses additional claims in JSON; returns `undefined` if the text is no JSON object. */
export function parseClaims(json: string): Record<string, unknown> | undefined {
  try {
    return checkInput(record, JSON.parse(json), { message: "Cannot add the claims" });
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CredentialInputError) return undefined;
    throw error;
  }
}
