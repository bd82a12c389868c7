// Runs the code in the documentation against an emulator. Preloaded before every test module:
//
//   deno test --doc -A --preload=tests/support/doc_preload.ts mod.ts src README.md docs/*.md
//
// In every block, a failed `console.assert` fails the test, and nothing is printed. In blocks of
// Markdown files, the service, the application and the browser are simulated, so a block can use
// `https://api.saasus.io`. Other tests are not affected.

import process from "node:process";
import { CredentialEmulator } from "../../src/emulator/mod.ts";

/** The signature of the blocks, and of their environment. */
const SIGNATURE = { saasId: "saasID", apiKey: "apiKey", secretKey: "secret" };
const BEARER_TOKEN = "token";

/** The code of the blocks. It can be exchanged any number of times. */
const CODE = "69e732d6-8ecc-45c4-c2eb-8438f7ffe775";

const APPLICATION = "https://app.example.com";

const [, extension] = /\.(\w+)#\d+-\d+\.ts$/.exec(Deno.mainModule) ?? [];
if (extension !== undefined) {
  const silent = () => {};
  Object.assign(console, {
    assert: assertTruth,
    log: silent,
    info: silent,
    warn: silent,
    error: silent,
  });
}
if (extension === "md") simulateSurroundings();

/** Throws, unlike the `console.assert` of the runtime, which only prints. */
function assertTruth(condition?: boolean, message = "It does not hold"): void {
  if (!condition) throw new Error(message);
}

function simulateSurroundings(): void {
  setEnvironment();
  Object.assign(globalThis, {
    history: { replaceState: () => {} },
    localStorage: emptyStorage(),
    location: callbackPage(),
  });
  globalThis.fetch = simulatedFetch(globalThis.fetch);
  Deno.serve = simulatedServe(Deno.serve);
}

function setEnvironment(): void {
  process.env["SAASUS_SAAS_ID"] = SIGNATURE.saasId;
  process.env["SAASUS_API_KEY"] = SIGNATURE.apiKey;
  process.env["SAASUS_SECRET_KEY"] = SIGNATURE.secretKey;
  process.env["SAASUS_LOGIN_URL"] = "https://login.example.com/";
}

/** Returns the URL to which the login page sends the browser. */
function callbackPage(): URL {
  return new URL(`/callback?code=${CODE}`, APPLICATION);
}

/** Returns a storage that does not persist, unlike that of the runtime. */
function emptyStorage(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

/** Returns a `fetch` that simulates the service and the application, except on loopback hosts. */
function simulatedFetch(realFetch: typeof fetch): typeof fetch {
  const emulator = new CredentialEmulator({ bearerToken: BEARER_TOKEN, signature: SIGNATURE });
  return async (input, init) => {
    const request = new Request(
      typeof input === "string" ? new URL(input, location.href) : input,
      init,
    );
    const { hostname, origin, pathname } = new URL(request.url);
    if (hostname === "127.0.0.1" || hostname === "localhost") return await realFetch(request);
    if (origin === "https://api.saasus.io") return await respond(emulator, request);
    if (origin === APPLICATION && pathname === "/auth/credentials") {
      return await respond(emulator, fromServer(request));
    }
    if (/\.example\.com$/.test(hostname)) return applicationResponse(request);
    throw new Error(`No block should call ${origin}`);
  };
}

function fromServer(request: Request): Request {
  const { search } = new URL(request.url);
  return authorized(`https://api.saasus.io/v1/auth/credentials${search}`);
}

function authorized(url: string): Request {
  return new Request(url, { headers: { Authorization: `Bearer ${BEARER_TOKEN}` } });
}

/** Returns the emulator's response; for {@linkcode CODE}, the response to a new code. */
async function respond(emulator: CredentialEmulator, request: Request): Promise<Response> {
  const response = await emulator.fetch(request);
  const url = new URL(request.url);
  if (response.status !== 404 || url.searchParams.get("code") !== CODE) return response;
  url.searchParams.set("code", emulator.issueCode());
  return await emulator.fetch(authorized(url.href));
}

/** Returns the response of an API that requires an ID token. */
function applicationResponse({ headers }: Request): Response {
  const isAuthorized = headers.get("Authorization")?.startsWith("Bearer eyJ") ?? false;
  return Response.json({}, { status: isAuthorized ? 200 : 401 });
}

/** Returns a `Deno.serve` that calls its handler with a login callback and rejects errors. */
function simulatedServe(serve: typeof Deno.serve): typeof Deno.serve {
  return ((...args: unknown[]) => {
    const handler = args.find((arg) => typeof arg === "function");
    const isSimulated = handler !== undefined && (args[0] as { port?: number }).port !== 0;
    if (!isSimulated) return (serve as (...args: unknown[]) => unknown)(...args);
    const headers = { "Accept": "text/html" };
    void Promise.resolve(handler(new Request(callbackPage(), { headers }))).then(
      ({ status }: Response) => {
        if (status >= 400) throw new Error(`The handler responded with ${status}`);
      },
    );
    return undefined;
  }) as typeof Deno.serve;
}
