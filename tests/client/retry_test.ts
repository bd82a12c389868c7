import { assert, assertEquals } from "@std/assert";
import { test } from "node:test";
import {
  type AnyCredentialError,
  CredentialApiError,
  CredentialInputError,
  CredentialNetworkError,
  CredentialResponseError,
  CredentialSessionError,
  CredentialTimeoutError,
} from "../../src/errors.ts";
import { isResponseLost, retryDelay, type RetryState } from "../../src/client/retry.ts";
import type { RetrySettings } from "../../src/client/settings.ts";

const SETTINGS: RetrySettings = { limit: 2, delay: 300, maxDelay: 2_000 };

function delayAfter(
  error: AnyCredentialError,
  state: Partial<RetryState> = {},
  settings: Partial<RetrySettings> = {},
): number | undefined {
  return retryDelay(error, { attempt: 1, remaining: 10_000, random: 0.5, ...state }, {
    ...SETTINGS,
    ...settings,
  });
}

function answered(status: number, retryAfter?: number): CredentialApiError {
  return new CredentialApiError("x", { status, retryAfter });
}

const reset = new CredentialNetworkError("x", { reason: "reset" });

test("retryDelay() retries network errors, timeouts, 408, 429, 500, 502, 503 and 504", () => {
  const retried: readonly AnyCredentialError[] = [
    ...(["refused", "reset", "dns", "other"] as const).map((reason) =>
      new CredentialNetworkError("x", { reason })
    ),
    new CredentialTimeoutError("x", { timeout: 1 }),
    ...[408, 429, 500, 502, 503, 504].map((status) => answered(status)),
  ];
  for (const error of retried) assertEquals(delayAfter(error), 150, JSON.stringify(error));
});

test("retryDelay() does not retry permanent errors", () => {
  const statuses = Array.from({ length: 500 }, (_, index) => index + 100)
    .filter((status) => ![408, 429, 500, 502, 503, 504].includes(status));
  const final: readonly AnyCredentialError[] = [
    ...statuses.map((status) => answered(status)),
    // Not even where the server asks for it.
    ...[400, 401, 403, 404, 501].map((status) => answered(status, 1_000)),
    new CredentialNetworkError("x", { reason: "tls" }),
    new CredentialInputError("x", { issues: [] }),
    ...[200, 302, 503].map((status) => new CredentialResponseError("x", { status })),
    new CredentialSessionError("x"),
  ];
  for (const error of final) assertEquals(delayAfter(error), undefined, JSON.stringify(error));
});

test("retryDelay() returns a random delay below a limit that doubles up to maxDelay", () => {
  const growth: readonly (readonly [number, number])[] = [
    [1, 300],
    [2, 600],
    [3, 1_200],
    [4, 2_000],
    [5, 2_000],
    [100, 2_000],
  ];
  for (const [attempt, most] of growth) {
    for (const random of [0, 0.25, 0.5, 0.999]) {
      assertEquals(delayAfter(reset, { attempt, random }), random * most);
    }
  }
  assertEquals(delayAfter(reset, { attempt: 3 }, { delay: 10, maxDelay: 1_000 }), 20);
  assertEquals(delayAfter(reset, { attempt: 3 }, { delay: 10, maxDelay: 15 }), 7.5);
  assertEquals(delayAfter(reset, { attempt: 1 }, { delay: 5_000, maxDelay: 2_000 }), 1_000);
  for (const attempt of [1, 2, 100]) {
    assertEquals(delayAfter(reset, { attempt }, { delay: 0 }), 0);
    assertEquals(delayAfter(reset, { attempt }, { maxDelay: 0 }), 0);
  }
});

test("retryDelay() does not retry if the delay exceeds the remaining time", () => {
  assertEquals(delayAfter(reset, { remaining: 151 }), 150);
  for (const remaining of [150, 149, 0, -1]) {
    assertEquals(delayAfter(reset, { remaining }), undefined, String(remaining));
  }
  assertEquals(delayAfter(reset, { remaining: 0, random: 0 }), undefined);
  assertEquals(delayAfter(reset, { remaining: 1, random: 0 }), 0);
});

test("retryDelay() returns the requested delay of the server, whatever maxDelay is", () => {
  for (const status of [429, 503, 500]) {
    for (const random of [0, 0.999]) {
      assertEquals(delayAfter(answered(status, 9_999), { random }), 9_999);
      assertEquals(delayAfter(answered(status, 1), { random }), 1);
      assertEquals(delayAfter(answered(status, 0), { random }), 0);
    }
    for (const retryAfter of [10_000, 10_001, 3_600_000, 1e13]) {
      assertEquals(delayAfter(answered(status, retryAfter)), undefined);
    }
  }
});

test("isResponseLost() returns true if the service may have processed the request", () => {
  const lost: readonly (readonly [AnyCredentialError, boolean])[] = [
    [reset, true],
    [new CredentialNetworkError("x", { reason: "other" }), true],
    [new CredentialTimeoutError("x", { timeout: 1 }), true],
    [new CredentialNetworkError("x", { reason: "refused" }), false],
    [new CredentialNetworkError("x", { reason: "dns" }), false],
    [new CredentialNetworkError("x", { reason: "tls" }), false],
    [answered(502), true],
    [answered(504), true],
    [answered(500), false],
    [answered(503), false],
    [answered(404), false],
    [new CredentialResponseError("x", { status: 200 }), false],
    [new CredentialInputError("x", { issues: [] }), false],
    [new CredentialSessionError("x"), false],
  ];
  for (const [error, isLost] of lost) {
    assert(isResponseLost(error) === isLost, JSON.stringify(error));
  }
});
