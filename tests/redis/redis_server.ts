import { spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";

/** A Redis server. */
export interface RedisServer extends AsyncDisposable {
  /** Its URL, such as `redis://127.0.0.1:6379`. */
  readonly url: string;
}

/**
 * The Redis server that `REDIS_URL` names; or one of its own on a free port of the loopback
 * interface, in memory only, for which `redis-server` has to be installed (`apt-get install
 * redis-server`).
 */
export async function startRedis(): Promise<RedisServer> {
  const url = process.env["REDIS_URL"];
  if (url) return { url, [Symbol.asyncDispose]: () => Promise.resolve() };
  const port = await freePort();
  const server = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
  );
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let output = "";
    server.stdout.on("data", (chunk) => {
      output += chunk;
      if (/ready to accept connections/i.test(output)) resolve();
    });
    server.once("error", reject);
    server.once("close", () => reject(new Error(`redis-server has ended\n${output}`)));
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
