// Measures a protected route for a signed-in user, compared with other session libraries, with
// `deno task bench:login`. Each contender finds the session of one request, and returns the same
// short text.
import { memoryAdapter } from "better-auth/adapters/memory";
import { betterAuth } from "better-auth";
import { Hono } from "hono";
import { sign } from "hono/jwt";
import { initOidcAuthMiddleware, oidcAuthMiddleware } from "@hono/oidc-auth";
import { getIronSession, sealData, webCookies } from "iron-session";
import process from "node:process";
import { bearerAuth, CredentialClient } from "../mod.ts";
import { CredentialEmulator, EMULATOR_BEARER_TOKEN, signInThrough } from "../src/emulator/mod.ts";
import { CredentialLogin } from "../src/login/mod.ts";
import { alternate, type Contender } from "./alternate.ts";

const ORIGIN = "https://app.example.com";
const TEXT = "signed in";
const password = crypto.randomUUID() + crypto.randomUUID();

function requestWith(cookie: string): Request {
  const headers = {
    "Accept": "text/html",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
  };
  return new Request(`${ORIGIN}/private`, { headers: { ...headers, cookie } });
}

async function checked(contender: () => Promise<Response>): Promise<Contender> {
  const text = await (await contender()).text();
  if (text !== TEXT) throw new Error(`A contender returned another text: ${text}`);
  return contender;
}

async function protect(): Promise<Contender> {
  const emulator = new CredentialEmulator();
  const client = new CredentialClient({
    auth: bearerAuth(EMULATOR_BEARER_TOKEN),
    fetch: emulator.fetch,
  });
  const login = new CredentialLogin({
    client,
    loginUrl: "https://auth.example.net/",
    origin: ORIGIN,
  });
  const request = requestWith((await signInThrough(login, emulator)).cookie);
  const route = login.protect(() => new Response(TEXT));
  return await checked(() => route(request));
}

async function ironSession(): Promise<Contender> {
  const options = { password, cookieName: "session" };
  const user = { idToken: "x".repeat(1_100), email: "alice@example.com" };
  const request = requestWith(`session=${await sealData(user, { password })}`);
  return await checked(async () => {
    const cookies = webCookies(request, new Headers());
    const session = await getIronSession<typeof user>(cookies, options);
    return new Response(session.email === user.email ? TEXT : "signed out");
  });
}

async function oidcAuth(): Promise<Contender> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: "a3f1", email: "alice@example.com", rtk: "x".repeat(1_100) };
  const token = await sign(
    { ...claims, rtkexp: now + 3_600, ssnexp: now + 86_400 },
    password,
    "HS256",
  );
  const app = new Hono();
  app.use(initOidcAuthMiddleware({
    OIDC_AUTH_SECRET: password,
    OIDC_ISSUER: "https://issuer.example.com",
    OIDC_CLIENT_ID: "client",
    OIDC_CLIENT_SECRET: "secret",
  }));
  app.use(oidcAuthMiddleware());
  app.get("/private", () => new Response(TEXT));
  const request = requestWith(`oidc-auth=${token}`);
  return await checked(async () => await app.fetch(request));
}

async function betterAuthSession(): Promise<Contender> {
  const database = { user: [], session: [], account: [], verification: [] };
  const auth = betterAuth({
    baseURL: ORIGIN,
    secret: password,
    database: memoryAdapter(database),
    emailAndPassword: { enabled: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
  });
  const { headers } = await auth.api.signUpEmail({
    body: { email: "alice@example.com", password, name: "Alice" },
    returnHeaders: true,
  });
  const cookie = headers.getSetCookie().map((text) => text.split(";")[0]).join("; ");
  const request = requestWith(cookie);
  return await checked(async () => {
    const session = await auth.api.getSession({ headers: request.headers });
    return new Response(session === null ? "signed out" : TEXT);
  });
}

async function honoAlone(): Promise<Contender> {
  const app = new Hono();
  app.get("/private", () => new Response(TEXT));
  const request = requestWith("");
  return await checked(async () => await app.fetch(request));
}

const contenders = {
  "bare handler": await checked(() => Promise.resolve(new Response(TEXT))),
  "`login.protect`": await protect(),
  "iron-session": await ironSession(),
  "Hono alone": await honoAlone(),
  "@hono/oidc-auth": await oidcAuth(),
  "better-auth `getSession`": await betterAuthSession(),
};

const quick = process.argv.includes("--quick");
const times = await alternate(contenders, {
  lanes: 1,
  batch: 200,
  rounds: quick ? 20 : 100,
  warmUp: 4_000,
});
const lowerQuartile = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 4)] ?? 0;
const bare = lowerQuartile(times["bare handler"]);

const runtime = "Bun" in globalThis
  ? `Bun ${process.versions["bun"]}`
  : `Deno ${Deno.version.deno}`;
console.log(`| ${runtime} | µs a request | over the bare handler |\n| --- | ---: | ---: |`);
for (const [name, values] of Object.entries(times)) {
  const time = lowerQuartile(values);
  console.log(`| ${name} | ${time.toFixed(1)} | ${(time - bare).toFixed(1)} |`);
}
