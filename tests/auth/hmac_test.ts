import { assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { type Hmac, hmacOf } from "../../src/auth/hmac.ts";

/** Deno uses WebCrypto for as many, and loads something faster after them. */
const PATIENT = "Deno" in globalThis ? 1_000 : 0;

/** The same by another way than that of the package. */
function expected(key: string, text: string): string {
  const encoder = new TextEncoder();
  return createHmac("sha256", encoder.encode(key)).update(encoder.encode(text)).digest("hex");
}

/** The HMAC as a process has it that has lived for long. */
async function grown(key: string): Promise<Hmac> {
  const hmac = hmacOf(key);
  for (let call = 0; call < PATIENT; call++) await hmac("x");
  return hmac;
}

interface Stubs {
  /** What `globalThis.Bun` is to be. On Bun itself, which holds on to it, only its `CryptoHasher` is replaced. */
  Bun?: { CryptoHasher: unknown };
  /** What `globalThis.process` is to be. */
  process?: unknown;
}

/** Runs something while the runtime has something else than it has, and counts what it signs by WebCrypto meanwhile. */
async function stubbed(stubs: Stubs, run: () => Promise<void>): Promise<number> {
  const scope = globalThis as unknown as Record<string, unknown>;
  const { Bun: bun } = globalThis as unknown as Stubs;
  const undo: (() => void)[] = [];
  const replace = (holder: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(holder, name);
    undo.push(() => {
      if (before) Object.defineProperty(holder, name, before);
      else Reflect.deleteProperty(holder, name);
    });
    const kind = { configurable: before?.configurable ?? true, enumerable: true, writable: true };
    Object.defineProperty(holder, name, { value, ...kind });
  };
  if (bun !== undefined) replace(bun, "CryptoHasher", stubs.Bun?.CryptoHasher);
  else if (stubs.Bun !== undefined) replace(scope, "Bun", stubs.Bun);
  if (bun === undefined && "process" in stubs) replace(scope, "process", stubs.process);
  let signed = 0;
  const { subtle } = crypto;
  const sign = subtle.sign.bind(subtle);
  replace(subtle, "sign", (...args: Parameters<typeof sign>) => {
    signed++;
    return sign(...args);
  });
  try {
    await run();
  } finally {
    for (const restore of undo.reverse()) restore();
  }
  return signed;
}

test("hmacOf() signs any text with any key, the first time and the thousandth", async () => {
  const keys = [
    "k",
    " \x7f",
    "鍵é\u{1F511}",
    "\ud800",
    "x".repeat(64),
    "x".repeat(65),
    "é".repeat(99),
  ];
  const texts = ["", "a", "あ\u{1F600}", "\udfff!", "\0\r\n", "y".repeat(64), "z".repeat(5_000)];
  for (const key of keys) {
    const hmacs = [hmacOf(key), await grown(key)];
    for (const text of texts) {
      for (const hmac of hmacs) assertEquals(await hmac(text), expected(key, text));
    }
  }
});

test("hmacOf() answers at once on Bun and Node, and on Deno after many", async () => {
  const hmac = hmacOf("key");
  for (let call = 1; call <= PATIENT + 2; call++) {
    const answer = hmac("text");
    assertEquals(typeof answer, call <= PATIENT ? "object" : "string", `call ${call}`);
    await answer;
  }
});

test("hmacOf() signs many at the same time, across the change to what is faster", async () => {
  const hmac = hmacOf("key");
  const texts = Array.from({ length: PATIENT + 50 }, (_, index) => `text ${index}`);
  assertEquals(
    await Promise.all(texts.map((text) => hmac(text))),
    texts.map((text) => expected("key", text)),
  );
});

test("hmacOf() takes Bun's hasher where there is one", async () => {
  const Hasher = class {
    readonly #hmac;
    constructor(algorithm: string, key: string) {
      this.#hmac = createHmac(algorithm, key);
    }
    update(text: string) {
      return this.#hmac.update(text);
    }
  };
  const signed = await stubbed({ Bun: { CryptoHasher: Hasher }, process: undefined }, async () => {
    const hmac = await grown("key");
    assertEquals(hmac("text"), expected("key", "text"));
  });
  assertEquals(signed, PATIENT);
});

test("hmacOf() goes on with WebCrypto where a runtime has nothing faster, or nothing that is right", async () => {
  const keyless = class {
    constructor(algorithm: string) {
      return createHmac(algorithm, "");
    }
  };
  const failing = class {
    constructor() {
      throw new Error("not implemented");
    }
  };
  const answering = (createHmac: unknown) => ({ getBuiltinModule: () => ({ createHmac }) });
  const runtimes: readonly Stubs[] = [
    { process: undefined },
    { process: {} },
    { process: { getBuiltinModule: () => undefined } },
    {
      process: {
        getBuiltinModule: () => {
          throw new Error("not implemented");
        },
      },
    },
    { process: answering(() => createHmac("sha256", "")) },
    { process: answering(() => ({ update: () => ({ digest: () => "" }) })) },
    { process: answering(undefined) },
    // As Bun was before 1.1.30.
    { Bun: { CryptoHasher: keyless } },
    { Bun: { CryptoHasher: failing } },
    { Bun: { CryptoHasher: undefined } },
  ];
  for (const runtime of runtimes) {
    const signed = await stubbed(runtime, async () => {
      const hmac = await grown("key");
      for (let call = 0; call < 3; call++) {
        assertEquals(await hmac("text"), expected("key", "text"));
      }
    });
    assertEquals(signed, PATIENT + 3);
  }
});
