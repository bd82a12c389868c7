// Makes 100,000 calls to an emulator with random faults, and checks the result of each call.
// deno task soak [calls]
import { spawn } from "node:child_process";
import process from "node:process";
import {
  CredentialClient,
  type CredentialError,
  isCredentialError,
  signatureAuth,
} from "../../mod.ts";
import { EMULATOR_SIGNATURE } from "../../src/emulator/mod.ts";

const CALLS = Number(process.argv[2] ?? 100_000);
const LANES = 32;
/** The maximum growth of the heap after the first tenth of the calls, in bytes. */
const NOISE = 5 * 2 ** 20;

const outcomes = new Map<string, number>();
const unexpected: unknown[] = [];
let begun = 0;
let settled = 0;

process.on("unhandledRejection", (reason) => unexpected.push(reason));

const { url, stop } = await startServer();
const client = new CredentialClient({
  auth: signatureAuth(EMULATOR_SIGNATURE),
  baseUrl: url,
  timeout: 200,
  retry: { delay: 5 },
});

await runUntil(CALLS / 10);
const before = heapUsed();
await runUntil(CALLS);
const growth = heapUsed() - before;
stop();

report();
process.exit(unexpected.length === 0 && settled === CALLS && growth < NOISE ? 0 : 1);

async function startServer(): Promise<{ url: string; stop: () => void }> {
  const script = new URL("./soak_server.ts", import.meta.url).pathname;
  const args = "Deno" in globalThis ? ["run", "-A", script] : [script];
  const server = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const url = await new Promise<string>((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(String(line).trim()));
    server.once("exit", () => reject(new Error("The emulator has not started")));
  });
  return { url, stop: () => void server.kill() };
}

async function runUntil(calls: number): Promise<void> {
  const lane = async () => {
    while (begun < calls) await callAll();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Saves credentials, exchanges the code and refreshes, until a call fails. */
async function callAll(): Promise<void> {
  const tokens = {
    id_token: "i".repeat(800),
    access_token: "a".repeat(700),
    refresh_token: crypto.randomUUID(),
  };
  const saved = await account("save", () => client.createAuthCredentialsWithResponse(tokens));
  if (saved === undefined || begun >= CALLS) return;
  const { code } = saved.data;
  const exchanged = await account(
    "exchange",
    () => client.getAuthCredentialsWithResponse({ code }),
  );
  const refreshToken = exchanged?.data.refresh_token;
  if (refreshToken === undefined || begun >= CALLS) return;
  await account(
    "refresh",
    () => client.getAuthCredentialsWithResponse({ authFlow: "refreshTokenAuth", refreshToken }),
  );
}

async function account<T extends { retryCount: number }>(
  operation: string,
  call: () => Promise<T>,
): Promise<T | undefined> {
  begun++;
  try {
    const response = await call();
    count(operation, response.retryCount === 0 ? "succeeded" : "succeeded after a retry");
    return response;
  } catch (error) {
    if (isCredentialError(error)) count(operation, describe(error));
    else unexpected.push(error);
    return undefined;
  } finally {
    settled++;
  }
}

function describe(error: CredentialError): string {
  // The operation at the beginning of the message is already in the outcome.
  return `${error.constructor.name}: ${error.message.replace(/^[^:]*: /, "")}`;
}

function count(operation: string, outcome: string): void {
  const key = `${operation.padEnd(8)} ${outcome}`;
  outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
}

interface Collectors {
  gc?: () => void;
  Bun?: { gc(sync: boolean): void };
}

function heapUsed(): number {
  const { gc, Bun }: Collectors = globalThis as object;
  gc?.();
  Bun?.gc(true);
  return process.memoryUsage().heapUsed;
}

function report(): void {
  const rows = [...outcomes].sort(([, a], [, b]) => b - a);
  for (const [outcome, number] of rows) console.log(`${String(number).padStart(7)}  ${outcome}`);
  const total = rows.reduce((sum, [, number]) => sum + number, 0);
  console.log(`${String(total).padStart(7)}  of ${CALLS} calls accounted for`);
  console.log(
    `${String(unexpected.length).padStart(7)}  unhandled rejections and unknown errors`,
  );
  for (const error of unexpected.slice(0, 5)) console.log(error);
  console.log(
    `${
      (growth / 2 ** 20).toFixed(1).padStart(7)
    }  MiB of heap growth after the first tenth (limit 5)`,
  );
}
