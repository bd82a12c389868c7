import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { DEFAULT_BASE_URL, normalizeBaseUrl } from "../../src/client/settings.ts";

test("normalizeBaseUrl() writes a URL as it goes on the wire, without slashes at its end", () => {
  const urls: readonly (readonly [string, string])[] = [
    [DEFAULT_BASE_URL, DEFAULT_BASE_URL],
    ["https://api.saasus.io", "https://api.saasus.io"],
    ["https://api.saasus.io/v1/auth///", "https://api.saasus.io/v1/auth"],
    ["HTTPS://API.SaaSus.IO:443/V1", "https://api.saasus.io/V1"],
    ["https://api.saasus.io:8443/", "https://api.saasus.io:8443"],
    ["https://api.saasus.io/a/./b/../c", "https://api.saasus.io/a/c"],
    ["https://exämple.com/äb'c%2f", "https://xn--exmple-cua.com/%C3%A4b'c%2f"],
    ["https://10.0.0.1/x", "https://10.0.0.1/x"],
  ];
  for (const [url, normal] of urls) {
    assertEquals(normalizeBaseUrl(url), normal);
    assertEquals(normalizeBaseUrl(normal), normal);
    assertEquals(new URL(`${normal}/credentials`).href, `${normal}/credentials`);
  }
});

test("normalizeBaseUrl() takes http: on loopback hosts only", () => {
  const loopback = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "saasus.localhost",
    "127.0.0.1",
    "127.255.3.4",
    "127.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
  ];
  const elsewhere = [
    "api.saasus.io",
    "localhost.example",
    "mylocalhost",
    "127.0.0.1.example",
    "128.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "192.168.0.1",
    "[::]",
    "[::2]",
    "[fe80::1]",
  ];
  for (const host of loopback) {
    const url = new URL(`http://${host}:4010/v1/auth`).href;
    assertEquals(normalizeBaseUrl(`http://${host}:4010/v1/auth/`), url);
  }
  for (const host of elsewhere) {
    assertEquals(normalizeBaseUrl(`http://${host}:4010/v1/auth`), undefined, host);
    assertEquals(normalizeBaseUrl(`https://${host}/x`), `https://${host}/x`);
  }
});

test("normalizeBaseUrl() refuses what leaves no room for a path and a query, or is no https:", () => {
  const refused = [
    "",
    "api.saasus.io/v1/auth",
    "/v1/auth",
    "//api.saasus.io/v1",
    "https://",
    "https://api.saasus.io/v1?",
    "https://api.saasus.io/v1?code=1",
    "https://api.saasus.io/v1#",
    "https://api.saasus.io/v1#part",
    "https://user@api.saasus.io/v1",
    "https://user:password@api.saasus.io/v1",
    "https://:password@api.saasus.io/v1",
    "https://api.saasus.io\0/v1",
    "https://api.saasus.io:99999/v1",
    "ftp://localhost/v1",
    "ws://localhost/v1",
    "file:///etc/passwd",
    "data:application/json,{}",
    "javascript:alert(1)",
  ];
  for (const url of refused) assertEquals(normalizeBaseUrl(url), undefined, url);
});

test("normalizeBaseUrl() refuses white space and control characters, which the parser would take out", () => {
  for (
    const space of [" ", "\t", "\r", "\n", "\r\n", "\0", "\x7f", "\x85", "\xa0", "\u2028", "\u3000"]
  ) {
    for (
      const url of [
        `${space}https://api.saasus.io/v1`,
        `https://api.saasus.io/v1${space}`,
        `https://api.saasus.io/v1${space}/auth`,
        `https://api.saas${space}us.io/v1`,
        `htt${space}ps://api.saasus.io/v1`,
      ]
    ) {
      assertEquals(normalizeBaseUrl(url), undefined, JSON.stringify(url));
    }
  }
});
