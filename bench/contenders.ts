// Ways to refresh credentials, from ten lines by hand to this package. All send the same request.
import { Buffer } from "node:buffer";
import axios from "axios";
import CryptoJS from "crypto-js";
import ky from "ky";
import { bearerAuth, CredentialClient, signatureAuth } from "../mod.ts";
import type { Contender } from "./alternate.ts";
import { KEYS, REFRESH_TOKEN } from "./keys.ts";

const TOKEN = "t0k3n".repeat(8);

const encoder = new TextEncoder();
const key = await crypto.subtle.importKey(
  "raw",
  encoder.encode(KEYS.secretKey),
  { name: "HMAC", hash: "SHA-256" },
  false,
  ["sign"],
);

function minute(): string {
  return new Date().toISOString().slice(0, 16).replace(/[-T:]/g, "");
}

function header(signature: string): string {
  return `SAASUSSIGV1 Sig=${signature}, SaaSID=${KEYS.saasId}, APIKey=${KEYS.apiKey}`;
}

async function sign(method: string, url: string): Promise<string> {
  const text = minute() + KEYS.apiKey + method + url.split("//")[1];
  const signature = await crypto.subtle.sign("HMAC", key, encoder.encode(text));
  return header(Buffer.from(signature).toString("hex"));
}

function refreshUrl(baseUrl: string): string {
  const token = encodeURIComponent(REFRESH_TOKEN);
  return `${baseUrl}/credentials?auth-flow=refreshTokenAuth&refresh-token=${token}`;
}

/** This package with its defaults: validation, retries, time limits, redaction. */
export function ours(baseUrl: string): Contender {
  const client = new CredentialClient({ auth: signatureAuth(KEYS), baseUrl });
  return () =>
    client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken: REFRESH_TOKEN });
}

/** This package with a bearer token, to measure its costs without the signature. */
export function oursWithToken(baseUrl: string): Contender {
  const client = new CredentialClient({ auth: bearerAuth(TOKEN), baseUrl });
  return () =>
    client.getAuthCredentials({ authFlow: "refreshTokenAuth", refreshToken: REFRESH_TOKEN });
}

/** A hand-written `fetch`, without retries, timeout and validation. */
export function byHand(baseUrl: string): Contender {
  return async () => {
    const url = refreshUrl(baseUrl);
    return await fetchByHand(url, await sign("GET", url));
  };
}

/** A hand-written `fetch` with a bearer token. */
export function byHandWithToken(baseUrl: string): Contender {
  return async () => await fetchByHand(refreshUrl(baseUrl), `Bearer ${TOKEN}`);
}

async function fetchByHand(url: string, authorization: string): Promise<unknown> {
  const response = await fetch(url, { headers: { authorization } });
  if (!response.ok) {
    const { type } = await response.json();
    throw new Error(`The API returned ${response.status} (${type})`);
  }
  return await response.json();
}

/** ky as in its documentation, with the time limits of this package. It retries GET by default. */
export function plainKy(baseUrl: string): Contender {
  const api = ky.create({
    timeout: 5_000,
    totalTimeout: 30_000,
    hooks: {
      beforeRequest: [async ({ request }) => {
        request.headers.set("authorization", await sign(request.method, request.url));
      }],
    },
  });
  return async () => await api(refreshUrl(baseUrl)).json();
}

/** The hand-written `fetch` in ky with the options of this package: the minimum costs of ky. */
export function kyAlone(baseUrl: string): Contender {
  const api = ky.create();
  return async () => {
    let credentials: unknown;
    await api(`${baseUrl}/credentials`, {
      timeout: 5_000,
      totalTimeout: 30_000,
      retry: { limit: 2, methods: ["get", "post"], shouldRetry: () => false, delay: () => 0 },
      fetch: async (request) => {
        const { signal } = request as Request;
        const url = refreshUrl(baseUrl);
        const authorization = await sign("GET", url);
        const response = await fetch(url, { headers: { authorization }, signal });
        credentials = await response.json();
        return response;
      },
    });
    return credentials;
  };
}

/** The parts of the official JavaScript SDK: an axios instance that signs with crypto-js. */
export function axiosCryptoJs(baseUrl: string): Contender {
  const api = axios.create({ baseURL: baseUrl, headers: { "content-type": "application/json" } });
  api.interceptors.request.use((config) => {
    const path = config.url?.split("//")[1];
    const text = minute() + KEYS.apiKey + config.method?.toUpperCase() + path + (config.data ?? "");
    const signature = CryptoJS.HmacSHA256(text, KEYS.secretKey);
    config.headers.set("Authorization", header(CryptoJS.enc.Hex.stringify(signature)));
    return config;
  });
  return async () => (await api.get(refreshUrl(baseUrl))).data;
}
