// The story of a login, told step by step against an emulator on this machine. Nothing leaves it.
//
//   deno task demo
//   bun examples/demo.ts

import process from "node:process";
import {
  bearerAuth,
  CredentialClient,
  type Credentials,
  isCredentialError,
  signatureAuth,
} from "../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_BEARER_TOKEN,
  EMULATOR_SIGNATURE,
  serveEmulator,
} from "../src/emulator/mod.ts";

/** What the story is played on. */
export interface Stage {
  readonly emulator: CredentialEmulator;
  /** Where the emulator is served. */
  readonly baseUrl: string;
  /** Moves the emulator's clock on, by so many ms. */
  readonly advance: (ms: number) => void;
}

/** Where the lines of the story go. */
export interface Output {
  readonly line: (text: string) => void;
  readonly problem: (text: string) => void;
}

/** Plays the story on an emulator of its own, and answers the exit code: 0 if every step went as told. */
export async function runDemo(
  options: CredentialEmulatorOptions = {},
  output: Output = { line: console.log, problem: console.error },
): Promise<number> {
  let passed = 0;
  const now = () => Date.now() + passed;
  const emulator = new CredentialEmulator({ now, ...options });
  await using server = await serveEmulator(emulator);
  return await play({ emulator, baseUrl: server.url, advance: (ms) => passed += ms }, output);
}

/** Plays the story, and answers the exit code. */
export async function play(stage: Stage, { line, problem }: Output): Promise<number> {
  line("The story of a login, against an emulator of the SaaSus credentials API");
  line(`on ${stage.baseUrl}\n`);
  const steps = story(stage);
  const width = Math.max(...steps.map(({ title }) => title.length));
  for (const [index, { title, run }] of steps.entries()) {
    try {
      line(`  ${index + 1}. ${title.padEnd(width)}  ${await run()}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problem(`Step ${index + 1} (${title}) did not go as told: ${reason}`);
      return 1;
    }
  }
  line(`\nAll ${steps.length} steps went as told.`);
  return 0;
}

interface Step {
  readonly title: string;
  /** Does what the title says, and tells what came of it. */
  readonly run: () => Promise<string>;
}

function story({ emulator, baseUrl, advance }: Stage): Step[] {
  const client = new CredentialClient({ auth: bearerAuth(EMULATOR_BEARER_TOKEN), baseUrl });
  const login = emulator.issueCredentials();
  const refreshToken = login.refresh_token ?? "";
  let code = "";

  return [
    {
      title: "Save credentials",
      async run() {
        ({ code } = await client.createAuthCredentials(login));
        return `got the temporary code ${shortened(code)}`;
      },
    },
    {
      title: "Exchange the code",
      async run() {
        const credentials = await client.getAuthCredentials({ code });
        expect(isSame(credentials, login), "the tokens are not those that were saved");
        return `got the saved tokens, ID token ${shortened(credentials.id_token)}`;
      },
    },
    {
      title: "Exchange the same code again",
      run: () => refusal(client.getAuthCredentials({ code }), 404),
    },
    {
      title: "Exchange a code 10 seconds late",
      async run() {
        const late = emulator.issueCode();
        advance(10_000);
        return await refusal(client.getAuthCredentials({ code: late }), 404);
      },
    },
    {
      title: "Refresh",
      async run() {
        const fresh = await client.getAuthCredentials({
          authFlow: "refreshTokenAuth",
          refreshToken,
        });
        expect(fresh.id_token !== login.id_token, "the ID token is still the old one");
        expect(fresh.refresh_token === undefined, "there is a new refresh token");
        return `got a new ID token, ${shortened(fresh.id_token)}; the refresh token stays`;
      },
    },
    {
      title: "Refresh with a revoked token",
      async run() {
        emulator.revokeRefreshToken(refreshToken);
        return await refusal(
          client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken }),
          404,
        );
      },
    },
    {
      title: "Sign a call",
      async run() {
        const auth = signatureAuth(EMULATOR_SIGNATURE);
        await client.getAuthCredentials({ code: emulator.issueCode() }, { auth });
        return "the signature was taken";
      },
    },
    {
      title: "Sign a call with a wrong secret",
      run() {
        const auth = signatureAuth({ ...EMULATOR_SIGNATURE, secretKey: "wrong" });
        return refusal(client.getAuthCredentials({ code: emulator.issueCode() }, { auth }), 401);
      },
    },
    {
      title: "Meet a busy server",
      async run() {
        emulator.faults = [{ kind: "status", status: 503 }];
        const { retryCount } = await client.getAuthCredentialsWithResponse({
          code: emulator.issueCode(),
        });
        expect(retryCount === 1, `the call was repeated ${retryCount} times, not once`);
        return "503 first, then the tokens at the second attempt";
      },
    },
  ];
}

/** Waits for a call to be refused with this status, and tells how it was. */
async function refusal(call: Promise<Credentials>, status: number): Promise<string> {
  const error = await call.then(() => undefined, (reason: unknown) => reason);
  expect(error !== undefined, "it was not refused");
  if (!isCredentialError(error) || error.code !== "api_error") throw error;
  expect(error.status === status, `it was refused with ${error.status}, not with ${status}`);
  return `refused, as it has to be: ${error.status} ${error.type}`;
}

/** The first few characters of a secret, and how long it is. */
function shortened(secret: string): string {
  return `${secret.slice(0, 6)}… (${secret.length} characters)`;
}

function isSame(a: Credentials, b: Credentials): boolean {
  return a.id_token === b.id_token && a.access_token === b.access_token &&
    a.refresh_token === b.refresh_token;
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

if (import.meta.main) process.exitCode = await runDemo();
