import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { returnPath } from "../../src/login/return_path.ts";

const ORIGIN = "https://app.example.com";

test("returnPath() returns the path and the query of a URL on the origin", () => {
  const cases: [string, string][] = [
    ["/", "/"],
    ["/report?month=5", "/report?month=5"],
    ["report", "/report"],
    ["https://app.example.com/report?a=1#part", "/report?a=1"],
    ["https://app.example.com", "/"],
    ["?a=1", "/?a=1"],
    ["/a/../b/./c", "/b/c"],
    ["/日本語?q=報告", "/%E6%97%A5%E6%9C%AC%E8%AA%9E?q=%E5%A0%B1%E5%91%8A"],
    ["/.//evil.example", "/evil.example"],
    ["/..//evil.example", "/evil.example"],
    ["/./\t/evil.example/", "/evil.example/"],
    ["https:evil.example", "/evil.example"],
    ["/a//b", "/a//b"],
    ["/%2F%2Fevil.example", "/%2F%2Fevil.example"],
    ["/%5Cevil.example", "/%5Cevil.example"],
  ];
  for (const [text, expected] of cases) assertEquals(returnPath(text, ORIGIN), expected, text);
});

test("returnPath() returns undefined for a URL that leaves the origin", () => {
  const texts = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\n//evil.example",
    "https://evil.example/",
    "http://app.example.com/",
    "https://app.example.com:8443/",
    "https://app.example.com.evil.example/",
    "https://app.example.com@evil.example/",
    "https://user@app.example.com/",
    "https://user:password@app.example.com/",
    "javascript:alert(1)",
    "data:text/html,hi",
    "blob:https://app.example.com/0b5bb1a4",
    "https://",
    "",
  ];
  for (const text of texts) assertEquals(returnPath(text, ORIGIN), undefined, text);
  assertEquals(returnPath(null, ORIGIN), undefined);
  assertEquals(returnPath(undefined, ORIGIN), undefined);
});

const piece = fc.oneof(
  fc.constantFrom(
    ..."/ // \\ . .. ? # @ : % %2f %5c %2e %0a \t \n \r \0".split(" "),
    " ",
    "https:",
    "http:",
    "javascript:",
    "blob:",
    "app.example.com",
    "evil.example",
    "\uFF0F",
    "\u2044",
    "\uD800",
  ),
  fc.string({ maxLength: 5 }),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const address = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join("")),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
);

test("returnPath() never leaves the origin, and returns its result unchanged", () => {
  fc.assert(
    fc.property(address, (text) => {
      const path = returnPath(text, ORIGIN);
      if (path === undefined) return;
      assert(/^\/(?!\/)[\x21-\x7e]*$/.test(path));
      assert(!path.startsWith("/\\"));
      const url = new URL(path, ORIGIN);
      assertEquals(url.origin, ORIGIN);
      assertEquals(url.pathname + url.search, path);
      assertEquals(returnPath(path, ORIGIN), path);
      // A browser resolves a relative redirect against the URL of the request.
      assertEquals(new URL(path, `${ORIGIN}/callback?code=1`).origin, ORIGIN);
    }),
    { numRuns: 10_000 },
  );
});
