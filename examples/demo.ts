// Shows a session with an emulator on this machine: it refreshes automatically, merges concurrent
// refreshes and continues during an outage. Requires no account and no network.
//
//   deno task demo
//   bun examples/demo.ts

import process from "node:process";
import { inspect } from "node:util";
import {
  CredentialClient,
  type Credentials,
  CredentialSession,
  isCredentialError,
  signatureAuth,
} from "../mod.ts";
import { CredentialEmulator, EMULATOR_SIGNATURE, serveEmulator } from "../src/emulator/mod.ts";

const HOUR = 60 * 60_000;
const CALLERS = 100;

/** The emulator of the demo. */
export interface DemoServer {
  readonly emulator: CredentialEmulator;
  /** The URL of the emulator. */
  readonly baseUrl: string;
}

/** The destination of the output. */
export interface Output {
  readonly line: (text: string) => void;
  readonly problem: (text: string) => void;
  /** Whether the lines are coloured. */
  readonly isColored: boolean;
}

/** Runs the demo on a new emulator, and returns the exit code. */
export async function runDemo(output: Output = terminal()): Promise<number> {
  const emulator = new CredentialEmulator();
  const server = await serveEmulator(emulator);
  try {
    return await play({ emulator, baseUrl: server.url }, output);
  } finally {
    await server.close();
  }
}

/** Runs the demo, and returns the exit code, which is 0 if all steps passed. */
export async function play(
  server: DemoServer,
  { line, problem, isColored }: Output,
): Promise<number> {
  const paint = (code: number, text: string) => isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  const all = steps(server);
  const width = Math.max(...all.map(({ title }) => title.length));
  line(`${paint(1, "A SaaSus login, kept fresh and safe")} (emulator at ${server.baseUrl})\n`);
  for (const [index, { title, run }] of all.entries()) {
    try {
      const result = await run();
      line(`  ${paint(32, "✓")} ${title.padEnd(width)}  ${paint(2, result)}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problem(`${paint(31, "✗")} Step ${index + 1} (${title}) failed: ${reason}`);
      return 1;
    }
  }
  line(`\n${paint(32, `All ${all.length} steps passed`)}`);
  return 0;
}

interface Step {
  readonly title: string;
  /** Runs the step, and returns a readable result. */
  readonly run: () => Promise<string>;
}

function steps({ emulator, baseUrl }: DemoServer): Step[] {
  const client = new CredentialClient({
    auth: signatureAuth(EMULATOR_SIGNATURE),
    baseUrl,
    now: emulator.now,
  });
  const session = new CredentialSession({ client, now: emulator.now });
  const login = emulator.issueCredentials("alice@example.com");
  const requests = () => emulator.requests.length;

  return [
    {
      title: "Alice logs in",
      async run() {
        await session.signIn(emulator.issueCode(login));
        const { email } = await session.getClaims();
        expect(email === "alice@example.com", `the user is ${email}`);
        return `the session has the tokens of ${email}`;
      },
    },
    {
      title: "An hour passes",
      async run() {
        const before = await session.getIdToken();
        emulator.advance(HOUR);
        expect(await session.getIdToken() !== before, "the ID token is still the old one");
        return "the session refreshed automatically: the ID token is new";
      },
    },
    {
      title: `${CALLERS} callers need a token at once`,
      async run() {
        emulator.advance(HOUR);
        const before = requests();
        const tokens = await Promise.all(
          Array.from({ length: CALLERS }, () => session.getIdToken()),
        );
        const sent = requests() - before;
        expect(sent === 1, `${sent} refreshes were sent`);
        expect(new Set(tokens).size === 1, "the tokens are different");
        return `1 refresh, ${CALLERS} valid tokens`;
      },
    },
    {
      title: "A response gets lost",
      async run() {
        emulator.faults = [{ kind: "drop" }];
        const { retryCount } = await client.getAuthCredentialsWithResponse({
          code: emulator.issueCode(),
        });
        expect(retryCount === 1, `the call was retried ${retryCount} times`);
        return "the client retried with a new signature, and succeeded";
      },
    },
    {
      title: "The service is down",
      async run() {
        emulator.advance(HOUR - 60_000); // the token is due for a refresh, and valid for a minute
        emulator.faults = () => ({ kind: "status", status: 503, headers: { "Retry-After": "60" } });
        const token = await session.getIdToken();
        emulator.faults = [];
        expect(token !== "" && session.signedIn, "the session has ended");
        return "the session continues with the token that is still valid";
      },
    },
    {
      title: "A code is used twice",
      async run() {
        const code = emulator.issueCode(login);
        await client.getAuthCredentials({ code });
        const error = await rejection(client.getAuthCredentials({ code }));
        expect(isSafe(error, [code, ...Object.values(login)]), "the error contains a secret");
        return `“${error.message}”: no secret in the error`;
      },
    },
    {
      title: "An administrator locks Alice out",
      async run() {
        emulator.revokeRefreshToken(login.refresh_token ?? "");
        emulator.advance(HOUR);
        const error = await rejection(session.getIdToken());
        expect(isCredentialError(error) && error.code === "session_ended", error.message);
        expect(!session.signedIn, "the session continues");
        return "the session ends at the next refresh";
      },
    },
  ];
}

async function rejection(call: Promise<Credentials | string>): Promise<Error> {
  const error = await call.then(() => undefined, (reason: unknown) => reason);
  if (error instanceof Error) return error;
  throw new Error("it was not rejected");
}

function isSafe(error: Error, secrets: readonly string[]): boolean {
  const shown = `${inspect(error, { depth: Infinity })} ${JSON.stringify(error)} ${error.stack}`;
  return secrets.every((secret) => !shown.includes(secret));
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

/** Returns an output with colours, unless it is piped or `NO_COLOR` is set. */
function terminal(): Output {
  const isPlain = "Deno" in globalThis ? Deno.noColor : Boolean(process.env["NO_COLOR"]);
  return {
    line: console.log,
    problem: console.error,
    isColored: process.stdout.isTTY === true && !isPlain,
  };
}

if (import.meta.main) process.exitCode = await runDemo();
