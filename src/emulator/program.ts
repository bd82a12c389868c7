import { realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { EMULATOR_BEARER_TOKEN, EMULATOR_SIGNATURE } from "./authorization.ts";
import { CredentialEmulator, serviceOf } from "./emulator.ts";
import type { CredentialEmulatorOptions } from "./options.ts";
import type { HandledRequest } from "./request_log.ts";
import { type EmulatorServer, serveEmulator } from "./server.ts";
import { BUILT_IN_USERS, typedName } from "./users.ts";
import { CredentialInputError } from "../errors.ts";

const DEFAULT_PORT = 4010;

const OPTIONS = {
  port: { type: "string", default: String(DEFAULT_PORT) },
  callback: { type: "string" },
  user: { type: "string", multiple: true, default: [] as string[] },
  "code-lifetime": { type: "string" },
  rotation: { type: "boolean", default: false },
  cors: { type: "boolean", default: false },
  quiet: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} satisfies NonNullable<ParseArgsConfig["options"]>;

function helpText(): string {
  return `Emulates the SaaSus credentials service and its login page on this machine, until it is stopped.

Usage: ${commandName()} [options]

Options:
  --port N                 the port to listen on, 0 for any free port (default: ${DEFAULT_PORT})
  --callback URL           the page that gets the code after a sign-in
                           (default: http://localhost:3000/callback)
  --user NAME              a user of the login page: an e-mail address or a sign-in ID; can be repeated
                           (default: alice@example.com and bob)
  --code-lifetime SECONDS  the lifetime of a code (default: 10)
  --rotation               return a new refresh token on each refresh
  --cors                   let the pages of every origin call the API
  --quiet                  print no line per request
  -h, --help               show this text`;
}

/** A parsed command line. */
type Command =
  | { readonly kind: "help" }
  | { readonly kind: "invalid"; readonly problem: string }
  | {
    readonly kind: "serve";
    readonly port: number;
    readonly quiet: boolean;
    readonly options: CredentialEmulatorOptions;
  };

/** Checks whether Node runs a module as a program. */
export function isProgram(url: string): boolean {
  const [, script] = process.argv;
  try {
    return script !== undefined && realpathSync(script) === fileURLToPath(url);
  } catch {
    return false;
  }
}

/** Runs the emulator as a program, until SIGINT or SIGTERM. */
export async function runProgram(
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const command = commandOf(args);
  switch (command.kind) {
    case "help":
      console.log(helpText());
      break;
    case "invalid":
      fail(2, `${command.problem}\nSee --help`);
      break;
    case "serve":
      await serve(command);
      break;
    default:
      command satisfies never;
  }
}

function commandOf(args: readonly string[]): Command {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) return { kind: "help" };
    const { rotation, cors, quiet } = values;
    const port = portOf(values.port);
    const users = values.user.map(userOf);
    const codeLifetime = lifetimeOf(values["code-lifetime"]);
    const options = {
      rotation,
      cors,
      callbackUrl: values.callback,
      codeLifetime,
      users: users.length === 0 ? undefined : users,
    };
    return { kind: "serve", port, quiet, options };
  } catch (error) {
    return { kind: "invalid", problem: error instanceof Error ? error.message : String(error) };
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new TypeError(`Port "${text}" is not a whole number, 0 to 65535`);
}

function lifetimeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(text)) return Math.round(Number(text) * 1000);
  throw new TypeError(`Code lifetime "${text}" is not a number of seconds`);
}

/** A built-in user keeps the tenants. */
function userOf(text: string) {
  const name = typedName(text);
  if (name === undefined) throw new TypeError("User name is empty or longer than 256 characters");
  return BUILT_IN_USERS.find(({ email, signInId }) => name === email || name === signInId) ??
    (name.includes("@") ? { email: name } : { signInId: name });
}

async function serve(
  { port, quiet, options }: Extract<Command, { kind: "serve" }>,
): Promise<void> {
  const emulator = create(options);
  const server = emulator && await listen(emulator, port);
  if (emulator === undefined || server === undefined) return;
  if (!quiet) serviceOf(emulator).log.onRequest = (request) => console.log(lineOf(request));
  const stopped = signalled();
  console.log(settingsText(server));
  await stopped;
  await server.close();
  console.log("# The emulator has stopped");
}

function create(options: CredentialEmulatorOptions): CredentialEmulator | undefined {
  try {
    return new CredentialEmulator(options);
  } catch (error) {
    if (!(error instanceof CredentialInputError)) throw error;
    fail(2, `${error.message.replace('"callbackUrl"', "--callback")}\nSee --help`);
    return undefined;
  }
}

async function listen(
  emulator: CredentialEmulator,
  port: number,
): Promise<EmulatorServer | undefined> {
  try {
    return await serveEmulator(emulator, { port });
  } catch (error) {
    const reason = error instanceof Error && "code" in error && error.code === "EADDRINUSE"
      ? "it is in use. Choose another port with --port N, or any free port with --port 0"
      : String(error);
    fail(1, `Cannot listen on port ${port}: ${reason}`);
    return undefined;
  }
}

/**
 * Resolves at the first SIGINT or SIGTERM. The second finds no listener, and ends the program at
 * once.
 */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}

/** Returns the settings as an `.env` file: every other line is a comment. */
function settingsText({ url, loginUrl }: EmulatorServer): string {
  const { origin } = new URL(url);
  const { saasId, apiKey, secretKey } = EMULATOR_SIGNATURE;
  return `# The SaaSus emulator listens on ${origin}
SAASUS_BASE_URL=${origin}/v1
SAASUS_API_URL_BASE=${origin}
SAASUS_LOGIN_URL=${loginUrl}
SAASUS_SAAS_ID=${saasId}
SAASUS_API_KEY=${apiKey}
SAASUS_SECRET_KEY=${secretKey}
# A bearer token can be used instead of the last three:
# BEARER_TOKEN=${EMULATOR_BEARER_TOKEN}
# For a first code, open ${loginUrl}
# The last requests: ${origin}/requests
# Ctrl-C stops the emulator`;
}

function lineOf(request: HandledRequest): string {
  const { time, operation, authFlow, status, user, fault } = request;
  return [
    `# ${new Date(time).toTimeString().slice(0, 8)}`,
    authFlow === undefined ? operation : `${operation} (${authFlow})`,
    status ?? "no response",
    // A name comes from a browser or a token.
    // deno-lint-ignore no-control-regex -- control characters could change the terminal
    user?.replace(/[\x00-\x1f\x7f-\x9f]/g, "?"),
    fault === undefined ? undefined : `fault: ${fault}`,
  ].filter((part) => part !== undefined).join("  ");
}

/** Returns the command by which the program was called. */
function commandName(): string {
  const { url } = import.meta;
  const [, script = ""] = process.argv;
  if ("Deno" in globalThis) {
    return url.startsWith("file:")
      ? "deno task emulator"
      : "deno run --allow-net=127.0.0.1 jsr:@saasus-sdk/credential/emulator";
  }
  const path = script.replace(`${process.cwd()}/`, "");
  return "Bun" in globalThis ? `bun ${path}` : `node ${path}`;
}

function fail(exitCode: number, message: string): void {
  console.error(message);
  process.exitCode = exitCode;
}
