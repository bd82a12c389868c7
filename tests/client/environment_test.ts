import { assert, assertEquals, assertStrictEquals, assertThrows, fail } from "@std/assert";
import process from "node:process";
import { test } from "node:test";
import {
  authFromEnv,
  baseUrlFromEnv,
  type Environment,
  optionsFromEnv,
  processEnvironment,
} from "../../src/client/environment.ts";
import { CredentialInputError } from "../../src/errors.ts";
import { AUTH_REQUEST } from "../support/fixtures.ts";

const NAMES = ["SAASUS_SAAS_ID", "SAASUS_API_KEY", "SAASUS_SECRET_KEY"] as const;
const secret = crypto.randomUUID();

function failureOf(run: () => unknown): CredentialInputError {
  const error = assertThrows(run, CredentialInputError);
  assert(error.message.startsWith("Cannot create the client from the environment: "));
  assert(!JSON.stringify(error).includes(secret));
  return error;
}

function pathsOf(run: () => unknown): readonly string[] {
  return failureOf(run).issues.map(({ path }) => path);
}

test("authFromEnv() returns the signature, the bearer token or neither for every combination of variables", async () => {
  for (let mix = 0; mix < 16; mix++) {
    for (const unset of [undefined, ""]) {
      const set = NAMES.filter((_, index) => mix & (1 << index));
      const missing = NAMES.filter((name) => !set.includes(name));
      const hasToken = (mix & 8) > 0;
      const env: Environment = {
        ...Object.fromEntries(NAMES.map((name) => [name, set.includes(name) ? secret : unset])),
        BEARER_TOKEN: hasToken ? secret : unset,
      };
      if (set.length === 3) {
        assert((await authFromEnv(env)(AUTH_REQUEST)).startsWith("SAASUSSIGV1 Sig="));
      } else if (set.length > 0) {
        // A bearer token does not make up for half a signature.
        assertEquals(pathsOf(() => authFromEnv(env)), missing);
      } else if (hasToken) {
        assertEquals(await authFromEnv(env)(AUTH_REQUEST), `Bearer ${secret}`);
      } else {
        assertEquals(pathsOf(() => authFromEnv(env)), [...NAMES, "BEARER_TOKEN"]);
      }
    }
  }
  assertEquals(pathsOf(() => authFromEnv({})), [...NAMES, "BEARER_TOKEN"]);
});

test("authFromEnv() uses each variable for its option", async () => {
  const env = { SAASUS_SAAS_ID: "saasID", SAASUS_API_KEY: "apiKey", SAASUS_SECRET_KEY: "secret" };
  const value = await authFromEnv(env)({
    ...AUTH_REQUEST,
    url: "https://api.saasus.io/v1/auth/userinfo",
    timestamp: Date.UTC(2021, 8, 1, 12, 34),
  });
  assert(value.startsWith("SAASUSSIGV1 Sig=a041e74fb58621f9"));
  assert(value.endsWith(", SaaSID=saasID, APIKey=apiKey"));
});

test("authFromEnv() names each variable with CR, LF, NUL or a space, and does not quote it", () => {
  for (const bad of ["\r", "\n", "\0", " b"]) {
    const wrong = NAMES.filter((name) => name !== "SAASUS_SECRET_KEY" || bad !== " b");
    const env = Object.fromEntries(NAMES.map((name) => [name, secret]));
    for (const name of wrong) {
      assertEquals(pathsOf(() => authFromEnv({ ...env, [name]: secret + bad })), [name]);
    }
    const all = { ...env, ...Object.fromEntries(wrong.map((name) => [name, secret + bad])) };
    assertEquals(pathsOf(() => authFromEnv(all)), wrong);
    assertEquals(pathsOf(() => authFromEnv({ BEARER_TOKEN: secret + bad })), ["BEARER_TOKEN"]);
  }
});

test("authFromEnv() and baseUrlFromEnv() name a variable that is no string", () => {
  for (const value of [5, null, true, {}, [secret], () => secret]) {
    for (const name of [...NAMES, "BEARER_TOKEN", "SAASUS_API_URL_BASE", "SAASUS_BASE_URL"]) {
      const env = { [name]: value } as unknown as Environment;
      const run = name.includes("BASE") ? baseUrlFromEnv : authFromEnv;
      assertEquals(failureOf(() => run(env)).issues, [{ path: name, expected: "a string" }]);
    }
  }
});

test("optionsFromEnv() accepts any object as env, and rejects other values", () => {
  const env = { BEARER_TOKEN: secret };
  for (const each of [env, Object.assign(Object.create(null), env), new Proxy(env, {})]) {
    assertEquals(typeof optionsFromEnv({ env: each }).auth, "function");
  }
  for (const other of [null, secret, 5, () => secret]) {
    const { issues } = failureOf(() => optionsFromEnv({ env: other as unknown as Environment }));
    assertEquals(issues, [{ path: "env", expected: "an object" }]);
  }
});

test("baseUrlFromEnv() reads the variables of both official SDKs", () => {
  const origin = "https://api.example:8443";
  const url = `${origin}/v1/auth`;
  const cases: readonly (readonly [Environment, string | undefined])[] = [
    [{}, undefined],
    [{ SAASUS_API_URL_BASE: "", SAASUS_BASE_URL: "" }, undefined],
    [{ SAASUS_API_URL_BASE: origin }, url],
    [{ SAASUS_API_URL_BASE: `${origin}//` }, url],
    [{ SAASUS_BASE_URL: `${origin}/v1` }, url],
    [{ SAASUS_BASE_URL: `${origin}/v1/` }, url],
    [{ SAASUS_BASE_URL: `${origin}/v2` }, `${origin}/v2/auth`],
    [{ SAASUS_API_URL_BASE: origin, SAASUS_BASE_URL: "" }, url],
    [{ SAASUS_API_URL_BASE: `${origin}/`, SAASUS_BASE_URL: `${origin}/v1` }, url],
  ];
  for (const [env, expected] of cases) assertEquals(baseUrlFromEnv(env), expected);
});

test("baseUrlFromEnv() names a variable with an invalid base URL, and does not quote it", () => {
  const wrong = [
    secret,
    `http://${secret}.example`,
    `https://a.example/?${secret}`,
    `https://a.example/ `,
  ];
  for (const name of ["SAASUS_API_URL_BASE", "SAASUS_BASE_URL"]) {
    for (const url of wrong) {
      const [issue, ...more] = failureOf(() => baseUrlFromEnv({ [name]: url })).issues;
      assertEquals(issue?.path, name);
      assert(issue?.expected.startsWith("an absolute https: URL"));
      assertEquals(more, []);
    }
  }
});

test("baseUrlFromEnv() rejects two different base URLs", () => {
  const origin = `https://${secret}.example`;
  for (const version of [origin, `${origin}/v2`, "https://other.example/v1"]) {
    const env = { SAASUS_API_URL_BASE: origin, SAASUS_BASE_URL: version };
    assertEquals(failureOf(() => baseUrlFromEnv(env)).issues, [{
      path: "SAASUS_BASE_URL",
      expected: "the URL of SAASUS_API_URL_BASE followed by /v1, or only one of the two variables",
    }]);
  }
});

test("authFromEnv() and baseUrlFromEnv() name a variable that cannot be read", () => {
  const names = [...NAMES, "BEARER_TOKEN", "SAASUS_API_URL_BASE", "SAASUS_BASE_URL"];
  for (const forbidden of names) {
    const env: Environment = new Proxy({}, {
      get(_, name) {
        if (name === forbidden) throw new Error(`Requires env access to ${secret}`);
      },
    });
    const run = forbidden.endsWith("BASE") || forbidden.endsWith("URL")
      ? baseUrlFromEnv
      : authFromEnv;
    const { issues } = failureOf(() => run(env));
    assertEquals(issues, [{
      path: forbidden,
      expected: `permission to read it (Deno: --allow-env=${forbidden})`,
    }]);
  }
});

test("authFromEnv() reads each variable once, so that a later error of a getter is not passed on", () => {
  const read = new Set<unknown>();
  const env: Environment = new Proxy({}, {
    get(_, name) {
      if (read.has(name)) throw new Error(secret);
      read.add(name);
      return name === "SAASUS_SAAS_ID" ? secret : undefined;
    },
  });
  assertEquals(pathsOf(() => authFromEnv(env)), ["SAASUS_API_KEY", "SAASUS_SECRET_KEY"]);
});

test("authFromEnv() reads its own variables only, and BEARER_TOKEN only without a signature", () => {
  const read: unknown[] = [];
  const recorded = (env: Environment): Environment =>
    new Proxy(env, {
      get(target, name) {
        read.push(name);
        return target[String(name)];
      },
      ownKeys: () => fail("It listed the variables"),
    });
  authFromEnv(recorded(Object.fromEntries(NAMES.map((name) => [name, secret]))));
  assertEquals([...new Set(read)], [...NAMES]);
  authFromEnv(recorded({ BEARER_TOKEN: secret }));
  assertEquals([...new Set(read)], [...NAMES, "BEARER_TOKEN"]);
});

test("processEnvironment() returns the environment of the process", () => {
  const name = `SAASUS_TEST_${secret.replaceAll("-", "_")}`;
  process.env[name] = secret;
  try {
    assertStrictEquals(processEnvironment()[name], secret);
  } finally {
    delete process.env[name];
  }
  assertEquals(processEnvironment()[name], undefined);
});
