import { quotesSecret, SHORTEST_SECRET } from "./untrusted.ts";

/** How much of an error is looked at. */
const MOST = { values: 200, characters: 20_000 };

/**
 * What a store has thrown, as it is; or, where it repeats a token, an error that says so. Errors of Redis clients carry the
 * command that failed with its arguments, and so the tokens that could not be stored.
 */
export function storeFailure(thrown: unknown, secrets: readonly string[]): unknown {
  // Shorter texts are no tokens, and are found in every error by chance.
  const tokens = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  if (tokens.length === 0 || isHarmless(textOf(thrown), tokens)) return thrown;
  const message = thrown instanceof Error ? thrown.message : undefined;
  const reason = message && isHarmless(message, tokens) ? message : "the store failed";
  return new Error(`Cannot store the credentials: ${reason}`);
}

function isHarmless(text: string | undefined, tokens: readonly string[]): boolean {
  return text !== undefined && !quotesSecret(text, tokens);
}

/** All texts in a value, a line each; `undefined` if there are too many to look at, or it does not let itself be read. */
function textOf(thrown: unknown): string | undefined {
  const lines: string[] = [];
  const pending = [thrown];
  const seen = new Set<unknown>();
  let characters = 0;
  try {
    while (pending.length > 0) {
      const value = pending.pop();
      if (typeof value === "string") {
        lines.push(value);
        characters += value.length;
      } else if (typeof value === "object" && value !== null && !seen.has(value)) {
        seen.add(value);
        for (const name of Reflect.ownKeys(value)) pending.push(Reflect.get(value, name));
      }
      if (seen.size > MOST.values || characters > MOST.characters) return undefined;
    }
  } catch {
    return undefined;
  }
  return lines.join("\n");
}
