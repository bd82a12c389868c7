import * as v from "valibot";
import { CredentialInputError } from "../errors.ts";
import { hmacOf } from "./hmac.ts";
import { checkInput, isVisibleAscii, optionsSchema } from "../validation.ts";
import type { AuthRequest, RequestAuth } from "./request_auth.ts";
import { hideSecret } from "../redaction.ts";

/** The three parts of a SaaSus signature, as the platform's console shows them. */
export interface SignatureAuthOptions {
  /** The SaaS ID. */
  saasId: string;
  /** The API key. */
  apiKey: string;
  /** The client secret: the key of the signature. It never goes on the wire. */
  secretKey: string;
}

const FAILURE = "Cannot sign requests";

const word = /* @__PURE__ */ v.custom<string>(
  isVisibleAscii,
  "Expected a non-empty string of visible ASCII characters",
);

const signatureOptions = /* @__PURE__ */ optionsSchema<SignatureAuthOptions>({
  saasId: word,
  apiKey: word,
  secretKey: /* @__PURE__ */ v.custom<string>(
    isSecretKey,
    "Expected a non-empty string without control characters (no line break at its end)",
  ),
}, { required: ["saasId", "apiKey", "secretKey"] });

function isSecretKey(value: unknown): boolean {
  return typeof value === "string" && /^\P{Cc}+$/u.test(value);
}

/**
 * Authorizes requests with the signature that the service and the official SDKs use, `SAASUSSIGV1`: an HMAC-SHA256 over
 * the minute, the API key, the method, the URL and the body, made afresh for every attempt.
 *
 * The function that it returns depends on nothing but the request it is given, so that it can be tested and used alone.
 *
 * @param options The three parts.
 * @returns The `auth` of a client.
 * @throws {CredentialInputError} If a part is missing or empty, or has spaces, control or non-ASCII characters (the
 * secret may have any but control characters).
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
 */
export function signatureAuth(options: SignatureAuthOptions): RequestAuth {
  const { saasId, apiKey, secretKey } = checkInput(signatureOptions, options, {
    message: FAILURE,
  });
  const hmac = hmacOf(secretKey);
  const auth: RequestAuth = async (request) => {
    const signature = await hmac(signedText(request, apiKey));
    return `SAASUSSIGV1 Sig=${signature}, SaaSID=${saasId}, APIKey=${apiKey}`;
  };
  return hideSecret(auth, secretKey);
}

/** The text under the signature: minute, API key, method, URL without its scheme, body; nothing between them. */
function signedText({ method, url, body, timestamp }: AuthRequest, apiKey: string): string {
  return minute(timestamp) + apiKey + method.toUpperCase() + withoutScheme(url) + body;
}

/** `YYYYMMDDHHmm` in UTC. */
function minute(timestamp: number): string {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) {
    throw new CredentialInputError(FAILURE, {
      issues: [{ path: "timestamp", expected: "a time in ms since the epoch" }],
    });
  }
  const iso = date.toISOString();
  return iso.slice(0, -20) + iso.slice(-19, -17) + iso.slice(-16, -14) + iso.slice(-13, -11) +
    iso.slice(-10, -8);
}

/** Host, port, path and query, byte for byte. A fragment never goes on the wire. */
function withoutScheme(url: string): string {
  const slashes = url.indexOf("//");
  const start = slashes >= 0 && slashes === url.indexOf("/") ? slashes + 2 : 0;
  const end = url.indexOf("#", start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
