import process from "node:process";
import { parseArgs } from "node:util";
import { EMULATOR_BEARER_TOKEN, EMULATOR_SIGNATURE } from "./authorization.ts";
import { type EmulatorServer, serveEmulator } from "./server.ts";
import { CredentialEmulator } from "./emulator.ts";

const DEFAULT_PORT = 4010;

const HELP = `Emulates the credentials service of SaaSus on this machine, until it is stopped.

Usage: deno task emulator [options]

Options:
  --port N      the port to listen on, 0 for any that is free (default: ${DEFAULT_PORT})
  --rotation    issue a new refresh token on each refresh
  --cors        let the pages of every origin call
  -h, --help    show this text`;

/** What the command line says. */
type Command =
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly problem: string }
  | {
    readonly kind: "serve";
    readonly port: number;
    readonly rotation: boolean;
    readonly cors: boolean;
  };

/** Runs the emulator as a program, until SIGINT or SIGTERM. */
export async function runProgram(
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const command = commandOf(args);
  switch (command.kind) {
    case "help":
      console.log(HELP);
      break;
    case "wrong":
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
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: String(DEFAULT_PORT) },
        rotation: { type: "boolean", default: false },
        cors: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return { kind: "help" };
    const port = portOf(values.port);
    if (port !== undefined) {
      return { kind: "serve", port, rotation: values.rotation, cors: values.cors };
    }
    return { kind: "wrong", problem: `Port "${values.port}" is not a whole number, 0 to 65535` };
  } catch (error) {
    return { kind: "wrong", problem: error instanceof Error ? error.message : String(error) };
  }
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port <= 65_535 ? port : undefined;
}

async function serve(
  { port, rotation, cors }: Extract<Command, { kind: "serve" }>,
): Promise<void> {
  const server = await listen(new CredentialEmulator({ rotation, cors }), port);
  if (server === undefined) return;
  const stopped = signalled();
  console.log(settingsText(server.url));
  await stopped;
  await server.close();
}

async function listen(
  emulator: CredentialEmulator,
  port: number,
): Promise<EmulatorServer | undefined> {
  try {
    return await serveEmulator(emulator, { port });
  } catch (error) {
    const reason = error instanceof Error && "code" in error && error.code === "EADDRINUSE"
      ? "it is taken. Choose another with --port N, or any that is free with --port 0"
      : String(error);
    fail(1, `Cannot listen on port ${port}: ${reason}`);
    return undefined;
  }
}

/** Resolves at the first Ctrl-C or request to end. The second finds no listener, and ends the program at once. */
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

/** All that is not a setting is a comment, so that the text can be kept as an `.env` file. */
function settingsText(url: string): string {
  const { saasId, apiKey, secretKey } = EMULATOR_SIGNATURE;
  return `# The SaaSus credentials emulator listens on ${url}
SAASUS_API_URL_BASE=${new URL(url).origin}
SAASUS_SAAS_ID=${saasId}
SAASUS_API_KEY=${apiKey}
SAASUS_SECRET_KEY=${secretKey}
# Instead of the last three, a bearer token does as well:
# BEARER_TOKEN=${EMULATOR_BEARER_TOKEN}
# A first code, good for one exchange within 10 seconds:
# curl -H "Authorization: Bearer ${EMULATOR_BEARER_TOKEN}" -d '{"id_token":"a","access_token":"b","refresh_token":"c"}' ${url}/credentials
# Ctrl-C stops the emulator`;
}

function fail(exitCode: number, message: string): void {
  console.error(message);
  process.exitCode = exitCode;
}
export function isProgram(_url: string): boolean {
  return false;
}
