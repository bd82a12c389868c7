import { run, runDeno } from "./run.ts";

/** JSR registry on loopback with this package, as published by `deno publish`. */
export interface JsrRegistry {
  /** The value of `JSR_URL`. */
  readonly url: string;
  /** The sorted paths of the published files, such as `mod.ts`. */
  readonly files: readonly string[];
  /** Stops the registry. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface PublishedPackage {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Starts a registry and publishes this package there, including the rewriting of specifiers. */
export async function serveJsrRegistry(): Promise<JsrRegistry> {
  let published: PublishedPackage | undefined;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST") {
      published = await unpacked(new Uint8Array(await request.arrayBuffer()));
      return Response.json({ id: crypto.randomUUID(), status: "success", error: null });
    }
    if (pathname.startsWith("/api/")) return aboutPackage(pathname);
    return published === undefined ? notFound() : await stored(published, pathname);
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  try {
    await runDeno(["publish", "--allow-dirty", "--token", "any"], { env: { JSR_URL: url } });
  } catch (error) {
    await server.shutdown();
    throw error;
  }
  return {
    url,
    files: [...published?.files.keys() ?? []].sort(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Returns that the package exists, but not its version, which `deno publish` checks first. */
function aboutPackage(pathname: string): Response {
  return pathname.includes("/versions/") ? notFound() : Response.json({});
}

function notFound(): Response {
  return Response.json({ code: "notFound", message: "Not found" }, { status: 404 });
}

async function stored(published: PublishedPackage, pathname: string): Promise<Response> {
  const { name, version, exports, files } = published;
  switch (pathname) {
    case `/${name}/meta.json`:
      return Response.json({ latest: version, versions: { [version]: {} } });
    case `/${name}/${version}_meta.json`:
      return Response.json({ exports, manifest: await manifestOf(files) });
    default: {
      const file = files.get(pathname.replace(`/${name}/${version}/`, ""));
      return file === undefined ? notFound() : new Response(file);
    }
  }
}

async function manifestOf(files: PublishedPackage["files"]): Promise<Record<string, unknown>> {
  const entries = [...files].map(async ([path, bytes]) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    return [`/${path}`, { size: bytes.length, checksum: `sha256-${digest}` }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function unpacked(tarball: Uint8Array): Promise<PublishedPackage> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/package.tar.gz`, tarball);
    await Deno.mkdir(`${folder}/package`);
    await run(["tar", "-xzf", "../package.tar.gz"], { cwd: `${folder}/package` });
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    for await (const path of filesIn(`${folder}/package`)) {
      files.set(path, await Deno.readFile(`${folder}/package/${path}`));
    }
    const { name, version, exports } = JSON.parse(
      await Deno.readTextFile(`${folder}/package/deno.json`),
    );
    return { name, version, exports, files };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* filesIn(folder: string, prefix = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
    if (isDirectory) yield* filesIn(folder, `${prefix}${name}/`);
    else yield `${prefix}${name}`;
  }
}
