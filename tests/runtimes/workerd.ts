import { commandOf } from "./tools.ts";

/** Worker that runs in workerd on loopback. */
export interface Workerd {
  /** The URL of the worker. */
  readonly url: string;
  /** Stops the worker. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Runs a worker with text bindings. It can access loopback, which workerd denies by default. */
export async function startWorkerd(
  module: string,
  bindings: Readonly<Record<string, string>>,
): Promise<Workerd> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/worker.js`, module);
  await Deno.writeTextFile(`${folder}/config.capnp`, configOf(bindings));
  const [program = "", ...args] = commandOf("workerd");
  const process = new Deno.Command(program, {
    args: [...args, "serve", "config.capnp", "--control-fd=1"],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  return {
    url: `http://127.0.0.1:${await portIn(process.stdout)}`,
    [Symbol.asyncDispose]: async () => {
      process.kill();
      await process.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function configOf(bindings: Readonly<Record<string, string>>): string {
  const entries = Object.entries(bindings).map(([name, text]) =>
    `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private"])),
    (
      name = "worker",
      worker = (
        modules = [(name = "worker.js", esModule = embed "worker.js")],
        bindings = [${entries.join(", ")}],
        compatibilityDate = "2025-01-01",
      ),
    ),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);
`;
}

/** Returns the port from the output of workerd, which is a line of JSON for each socket. */
async function portIn(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<number> {
  let text = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const port = /"port":\s*(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`workerd ended: ${text}`);
}
