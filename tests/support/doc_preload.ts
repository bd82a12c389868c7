// Makes the code in the documentation prove what it says. Preloaded before every test module:
//
//   deno test --doc -A --preload=tests/support/doc_preload.ts mod.ts src README.md README.ja.md
//
// In every block, a `console.assert` that does not hold fails the test. In those of Markdown files, the world around is
// pretended as well, so that they can say `https://api.saasus.io` and be run all the same. Other tests are left alone.

import process from "node:process";
import { CredentialEmulator } from "../../src/emulator/mod.ts";

/** What the blocks of the READMEs sign with, and what the environment says there. */
const SIGNATURE = { saasId: "saasID", apiKey: "apiKey", secretKey: "secret" };
const BEARER_TOKEN = "token";

/** The code that the blocks exchange, as often as they like. */
const CODE = "69e732d6-8ecc-45c4-c2eb-8438f7ffe775";

const APPLICATION = "https://app.example.com";

const [, extension] = /\.(\w+)#\d+-\d+\.ts$/.exec(Deno.mainModule) ?? [];
if (extension !== undefined) console.assert = assertTruth;
if (extension === "md") pretendTheWorld();

/** The runtime's own only prints. */
function assertTruth(condition?: boolean, message = "It does not hold"): void {
  if (!condition) throw new Error(message);
}

function pretendTheWorld(): void {
  setEnvironment();
  Object.assign(globalThis, {
    history: { replaceState: () => {} },
    localStorage: emptyStorage(),
    location: callbackPage(),
  });
  globalThis.fetch = pretendedFetch(globalThis.fetch);
  Deno.serve = pretendedServe(Deno.serve);
}

function setEnvironment(): void {
  process.env["SAASUS_SAAS_ID"] = SIGNATURE.saasId;
  process.env["SAASUS_API_KEY"] = SIGNATURE.apiKey;
  process.env["SAASUS_SECRET_KEY"] = SIGNATURE.secretKey;
  process.env["SAASUS_LOGIN_URL"] = "https://login.example.com/";
}

/** The application's page that the login has just sent the browser to. */
function callbackPage(): URL {
  return new URL(`/callback?code=${CODE}`, APPLICATION);
}

/** What a runtime keeps by itself would be there at the next run as well. */
function emptyStorage(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

/** The service and the application are pretended; loopback is the real thing. */
function pretendedFetch(realFetch: typeof fetch): typeof fetch {
  const emulator = new CredentialEmulator({ bearerToken: BEARER_TOKEN, signature: SIGNATURE });
  return async (input, init) => {
    const request = new Request(
      typeof input === "string" ? new URL(input, location.href) : input,
      init,
    );
    const { hostname, origin, pathname } = new URL(request.url);
    if (hostname === "127.0.0.1" || hostname === "localhost") return await realFetch(request);
    // The application's own server asks the service with its signature.
    if (origin === "https://api.saasus.io") return await answer(emulator, request);
    if (origin === APPLICATION && pathname === "/auth/credentials") {
      return await answer(emulator, fromServer(request));
    }
    if (/\.example\.com$/.test(hostname)) return applicationAnswer(request);
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

/** The emulator's answer; for {@linkcode CODE} and a good authorization, that to a code it has just issued. */
async function answer(emulator: CredentialEmulator, request: Request): Promise<Response> {
  const response = await emulator.fetch(request);
  const url = new URL(request.url);
  if (response.status !== 404 || url.searchParams.get("code") !== CODE) return response;
  url.searchParams.set("code", emulator.issueCode());
  return await emulator.fetch(authorized(url.href));
}

/** An API that wants an ID token. */
function applicationAnswer({ headers }: Request): Response {
  const isAuthorized = headers.get("Authorization")?.startsWith("Bearer eyJ") ?? false;
  return Response.json({}, { status: isAuthorized ? 200 : 401 });
}

/** Shows the handler one request, that of a browser which comes from the login, and sees that it is answered well. */
function pretendedServe(serve: typeof Deno.serve): typeof Deno.serve {
  return ((handler: unknown, ...rest: unknown[]) => {
    if (typeof handler !== "function") {
      return (serve as (...args: unknown[]) => unknown)(handler, ...rest);
    }
    void Promise.resolve(handler(new Request(callbackPage()))).then(({ status }: Response) => {
      if (status >= 400) throw new Error(`The handler answered ${status}`);
    });
    return undefined;
  }) as typeof Deno.serve;
}
