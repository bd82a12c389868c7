// Searches for secrets in all representations of a value.
import { inspect } from "node:util";

interface Runtime {
  Deno?: { inspect(value: unknown, options: object): string };
  Bun?: { inspect(value: unknown, options?: object): string };
}

/** Returns all texts that represent a value, with the names of the functions that return them. */
export function textsOf(value: unknown): [string, string][] {
  const { Deno, Bun }: Runtime = globalThis as object;
  const ways: [string, () => unknown][] = [
    ["String", () => String(value)],
    ["JSON.stringify", () => JSON.stringify(value)],
    ["util.inspect", () => inspect(value, { showHidden: true, depth: Infinity, getters: true })],
    ["util.inspect with proxies", () => inspect(value, { showProxy: true, depth: Infinity })],
    ["Deno.inspect", () => Deno?.inspect(value, { showHidden: true, depth: 100, getters: true })],
    ["Bun.inspect", () => Bun?.inspect(value, { depth: 100 })],
    [
      "structuredClone",
      () => inspect(structuredClone(value), { showHidden: true, depth: Infinity }),
    ],
    ["properties", () => properties(value).join("\n")],
  ];
  return ways.map(([name, get]) => [name, attempt(get)]);
}

function attempt(get: () => unknown): string {
  try {
    return String(get() ?? "");
  } catch (error) {
    // The error of a value that cannot be cloned or printed must not contain a secret either.
    return String(error);
  }
}

/** Returns all keys and values recursively, with hidden ones, symbols and inherited getters. */
function properties(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value === "function") seen.add(Object.getPrototypeOf(value));
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return [String(value)];
  }
  if (seen.has(value)) return [];
  seen.add(value);
  const texts: string[] = [];
  for (
    let holder = value;
    holder !== null && !isBuiltIn(holder);
    holder = Object.getPrototypeOf(holder)
  ) {
    for (const key of Reflect.ownKeys(holder)) {
      texts.push(String(key));
      try {
        texts.push(...properties(Reflect.get(holder, key, value), seen));
      } catch (error) {
        texts.push(String(error));
      }
    }
  }
  return texts;
}

function isBuiltIn(holder: object): boolean {
  return [Object.prototype, Function.prototype, Array.prototype].includes(holder as never);
}

/** Returns the texts of a value that contain a secret or a piece of it. */
export function leaksIn(value: unknown, secrets: Readonly<Record<string, string>>): string[] {
  return textsOf(value).flatMap(([way, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => piecesOf(secret).some((piece) => text.includes(piece)))
      .map(([name]) => `${name} in ${way}`)
  );
}

/** Returns a secret, its percent-encoding and pieces of it. */
function piecesOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), secret.slice(0, 16), secret.slice(-16)];
}
