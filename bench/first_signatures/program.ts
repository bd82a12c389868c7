// Makes signatures, one after another, and prints how many ms that took.
import process from "node:process";
import { signatureAuth } from "../../mod.ts";
import { KEYS, REFRESH_TOKEN } from "../keys.ts";

const [, , name, count] = process.argv;
const url = `https://api.saasus.io/v1/auth/credentials?refresh-token=${REFRESH_TOKEN}`;

function ours(): () => Promise<unknown> {
  const auth = signatureAuth(KEYS);
  return async () =>
    await auth({ method: "GET", url, body: "", timestamp: Date.now(), rejected: false });
}

function webCrypto(): () => Promise<unknown> {
  const encoder = new TextEncoder();
  const hash = { name: "HMAC", hash: "SHA-256" };
  const secret = encoder.encode(KEYS.secretKey);
  const key = crypto.subtle.importKey("raw", secret, hash, false, ["sign"]);
  const text = "202601010000" + KEYS.apiKey + "GET" + url.slice("https://".length);
  return async () => await crypto.subtle.sign("HMAC", await key, encoder.encode(text));
}

const started = performance.now();
const sign = name === "ours" ? ours() : webCrypto();
for (let made = 0; made < Number(count); made++) await sign();
console.log(performance.now() - started);
