// The support of the tests of sessions in Redis: a Redis server, an emulator, and clients of both.
import { createStorage } from "unstorage";
import redisDriver from "unstorage/drivers/redis";
import { bearerAuth, CredentialClient, type SessionStore } from "../../mod.ts";
import {
  CredentialEmulator,
  type CredentialEmulatorOptions,
  EMULATOR_BEARER_TOKEN,
  serveEmulator,
} from "../../src/emulator/mod.ts";
import { startRedis } from "./redis_server.ts";

/** A Redis server and an emulator, both empty. */
export interface RedisScene extends AsyncDisposable {
  readonly emulator: CredentialEmulator;
  readonly client: CredentialClient;
  readonly store: SessionStore;
  /** The environment of a program that uses both servers. */
  readonly env: Record<string, string>;
  /** Opens another connection to Redis. */
  connect(): SessionStore;
}

/** Starts both servers. */
export async function redisScene(options: CredentialEmulatorOptions): Promise<RedisScene> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const emulator = new CredentialEmulator(options);
  const server = stack.use(await serveEmulator(emulator));
  const connect = () => {
    const storage = createStorage({ driver: redisDriver({ url: redis.url }) });
    stack.defer(() => storage.dispose());
    return storage;
  };
  const store = connect();
  await store.clear();
  return {
    emulator,
    client: new CredentialClient({
      auth: bearerAuth(EMULATOR_BEARER_TOKEN),
      baseUrl: server.url,
      retry: false,
      ...options.now && { now: options.now },
    }),
    store,
    connect,
    env: {
      REDIS_URL: redis.url,
      SAASUS_API_URL_BASE: new URL(server.url).origin,
      BEARER_TOKEN: EMULATOR_BEARER_TOKEN,
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
