import { CredentialInputError } from "../errors.ts";
import { hideSecret } from "../redaction.ts";
import {
  checkedSchema,
  checkInput,
  isVisibleAscii,
  optionsSchema,
  VISIBLE_ASCII,
} from "../validation.ts";
import type { AuthRequest, RequestAuth } from "./request_auth.ts";

/**
 * Options for {@linkcode signatureAuth}: the three parts of a SaaSus signature, as the platform's
 * console shows them.
 *
 * @category Authorization
 */
export interface SignatureAuthOptions {
  /** The SaaS ID. */
  saasId: string;
  /** The API key. */
  apiKey: string;
  /** The client secret, which is the key of the signature. It is never sent. */
  secretKey: string;
}

const FAILURE = "Cannot sign requests";

/**
 * Creates an `auth` that signs each request as the official SDKs do (`SAASUSSIGV1`): with an
 * HMAC-SHA256 of the minute, the API key, the method, the URL and the body.
 *
 * The returned function depends only on its request, so that it can also be used without a client.
 *
 * @param options The three parts of the signature.
 * @returns The `auth` of a client.
 * @throws {CredentialInputError} If a part is missing, empty, or has spaces, control or non-ASCII
 * characters. Only control characters are invalid in the secret.
 *
 * @example A client that signs
 * ```ts
 * import { CredentialClient, signatureAuth } from "@saasus-sdk/credential";
 *
 * const auth = signatureAuth({
 *   saasId: "saasID",
 *   apiKey: "apiKey",
 *   secretKey: "secret",
 * });
 * const client = new CredentialClient({ auth });
 * ```
 *
 * @example Sign a request by hand
 * ```ts
 * import { signatureAuth } from "@saasus-sdk/credential";
 *
 * const auth = signatureAuth({
 *   saasId: "saasID",
 *   apiKey: "apiKey",
 *   secretKey: "secret",
 * });
 * const value = await auth({
 *   method: "GET",
 *   url: "https://api.saasus.io/v1/auth/userinfo",
 *   body: "",
 *   timestamp: Date.UTC(2021, 8, 1, 12, 34),
 *   rejected: false,
 * });
 * console.assert(value.startsWith("SAASUSSIGV1 Sig=a041e74f"));
 * ```
 *
 * @category Authorization
 */
export function signatureAuth(options: SignatureAuthOptions): RequestAuth {
  const word = checkedSchema<string>(isVisibleAscii, VISIBLE_ASCII);
  const key = checkedSchema<string>(
    (value) => typeof value === "string" && /^\P{Cc}+$/u.test(value),
    "a non-empty string without control characters (no line break at its end)",
  );
  const schema = optionsSchema<SignatureAuthOptions>(
    { saasId: word, apiKey: word, secretKey: key },
    { required: ["saasId", "apiKey", "secretKey"] },
  );
  const { saasId, apiKey, secretKey } = checkInput(schema, options, { message: FAILURE });
  let imported: Promise<CryptoKey> | undefined;
  const auth: RequestAuth = async (request) => {
    imported ??= importKey(secretKey);
    const signature = await hmac(await imported, signedText(request, apiKey));
    return `SAASUSSIGV1 Sig=${signature}, SaaSID=${saasId}, APIKey=${apiKey}`;
  };
  return hideSecret(auth, secretKey);
}

async function importKey(secretKey: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return await crypto.subtle.importKey("raw", utf8(secretKey), algorithm, false, ["sign"]);
}

/** Returns the HMAC-SHA256 of a text in hexadecimal. */
async function hmac(key: CryptoKey, text: string): Promise<string> {
  const bytes: Uint8Array & { toHex?(): string } = new Uint8Array(
    await crypto.subtle.sign("HMAC", key, utf8(text)),
  );
  // Node 24 and older browsers do not have it.
  if (bytes.toHex !== undefined) return bytes.toHex();
  let hex = "";
  for (const byte of bytes) hex += (byte + 0x100).toString(16).slice(1);
  return hex;
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * Returns the signed text: minute, API key, method, URL without its scheme, and body, without
 * separators.
 */
function signedText({ method, url, body, timestamp }: AuthRequest, apiKey: string): string {
  return minute(timestamp) + apiKey + method.toUpperCase() + withoutScheme(url) + body;
}

/** Returns a time as `YYYYMMDDHHmm` in UTC. */
function minute(timestamp: number): string {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) {
    throw new CredentialInputError(FAILURE, {
      issues: [{ path: "timestamp", expected: "a time in ms since the epoch" }],
    });
  }
  // Without the separators, and without seconds and milliseconds (`56.789Z`).
  return date.toISOString().replace(/[-T:]/g, "").slice(0, -7);
}

/** Returns the host, port, path and query of a URL unchanged. A fragment is never sent. */
function withoutScheme(url: string): string {
  const slashes = url.indexOf("//");
  const start = slashes >= 0 && slashes === url.indexOf("/") ? slashes + 2 : 0;
  const end = url.indexOf("#", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
