// A session at work, against an emulator on this machine: it refreshes itself, merges concurrent refreshes and survives an
// outage. Needs no account and no network.
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

/** The surroundings of the demo. */
export interface Stage {
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

/** Plays the demo on an emulator of its own, and returns the exit code. */
export async function runDemo(output: Output = terminal()): Promise<number> {
  const emulator = new CredentialEmulator();
  const server = await serveEmulator(emulator);
  try {
    return await play({ emulator, baseUrl: server.url }, output);
  } finally {
    await server.close();
  }
}

/** Plays the demo, and returns the exit code: 0 if every step passed. */
export async function play(stage: Stage, { line, problem, isColored }: Output): Promise<number> {
  const paint = (code: number, text: string) => isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  const all = steps(stage);
  const width = Math.max(...all.map(({ title }) => title.length));
  line(`${paint(1, "A SaaSus login, kept fresh and safe")} (emulator at ${stage.baseUrl})\n`);
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
  /** Does what the title says, and returns the result for people. */
  readonly run: () => Promise<string>;
}

function steps({ emulator, baseUrl }: Stage): Step[] {
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
        expect(email === "alice@example.com", `it is the login of ${email}`);
        return `the session has her tokens, and knows her as ${email}`;
      },
    },
    {
      title: "An hour passes",
      async run() {
        const before = await session.getIdToken();
        emulator.advance(HOUR);
        expect(await session.getIdToken() !== before, "the ID token is still the old one");
        return "the session refreshes by itself: the ID token is new";
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
        expect(new Set(tokens).size === 1, "they have different tokens");
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
        return "the client tries again, with a new signature: it works";
      },
    },
    {
      title: "The service is down",
      async run() {
        emulator.advance(HOUR - 60_000); // due for a refresh, and valid for a minute
        emulator.faults = () => ({ kind: "status", status: 503, headers: { "Retry-After": "60" } });
        const token = await session.getIdToken();
        emulator.faults = [];
        expect(token !== "" && session.signedIn, "the session has ended");
        return "the session goes on with the token that is still valid";
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
        expect(!session.signedIn, "the session goes on");
        return "the session ends, and only now";
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

/** Colours are for people: not for a pipe, and not with `NO_COLOR`. */
function terminal(): Output {
  const isPlain = "Deno" in globalThis ? Deno.noColor : Boolean(process.env["NO_COLOR"]);
  return {
    line: console.log,
    problem: console.error,
    isColored: process.stdout.isTTY === true && !isPlain,
  };
}

if (import.meta.main) process.exitCode = await runDemo();
