/** Returns the HMAC-SHA256 of a text in hexadecimal: at once, or with a promise. */
export type Hmac = (text: string) => string | Promise<string>;

/** As many signatures by WebCrypto take about as long as Deno takes to load a faster HMAC. */
const WORTH_LOADING = 1_000;

/**
 * The HMAC-SHA256 of texts under one key, both as UTF-8, by the fastest means (bench/README.md).
 *
 * Bun and Node have one that answers at once, and is faster than WebCrypto from the first few signatures on. Deno has to load
 * Node's, and does nothing else meanwhile, for about as long as a thousand signatures take. So it changes over only after as
 * many: a script or an edge function does not pay for what a server alone lives long enough to earn.
 */
export function hmacOf(key: string): Hmac {
  const patient = webCryptoHmac(key);
  let immediate: Hmac | undefined;
  let left = "Deno" in globalThis ? WORTH_LOADING : 0;
  return (text) => {
    if (left > 0) {
      left--;
      return patient(text);
    }
    immediate ??= immediateHmac(key) ?? patient;
    return immediate(text);
  };
}

function webCryptoHmac(key: string): Hmac {
  const encoder = new TextEncoder();
  let imported: Promise<CryptoKey> | undefined;
  return async (text) => {
    imported ??= importKey(encoder.encode(key));
    return hex(await crypto.subtle.sign("HMAC", await imported, encoder.encode(text)));
  };
}

async function importKey(bytes: BufferSource): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
}

function hex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function immediateHmac(key: string): Hmac | undefined {
  try {
    const hmac = runtimeHmac();
    if (hmac !== undefined && isRight(hmac)) return (text) => hmac(key, text);
  } catch {
    // One that fails is none.
  }
  return undefined;
}

type KeyedHmac = (key: string, text: string) => string;

/** Before 1.1.30, Bun passed over the key in silence. The vector is that of RFC 4231, section 4.3; half of it is enough. */
function isRight(hmac: KeyedHmac): boolean {
  return hmac("Jefe", "what do ya want for nothing?").startsWith(
    "5bdcc146bf60754e6a042426089575c7",
  );
}

function runtimeHmac(): KeyedHmac | undefined {
  const { Bun: bun, process } = globalThis as unknown as Runtime;
  if (bun) return (key, text) => new bun.CryptoHasher("sha256", key).update(text).digest("hex");
  const node = process?.getBuiltinModule?.("crypto");
  return node && ((key, text) => node.createHmac("sha256", key).update(text).digest("hex"));
}

/** Where runtimes keep an HMAC that answers at once. */
interface Runtime {
  Bun?: { CryptoHasher: new (algorithm: "sha256", key: string) => Hasher };
  process?: {
    getBuiltinModule?(
      name: "crypto",
    ): { createHmac(algorithm: "sha256", key: string): Hasher } | undefined;
  };
}

/** What Bun's `CryptoHasher` and Node's `Hmac` have in common. */
interface Hasher {
  update(text: string): Hasher;
  digest(encoding: "hex"): string;
}
