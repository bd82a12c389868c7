import type { ApiErrorBody } from "../models.ts";

/** A complete response. */
export interface CompleteAnswer {
  /** The kind of the answer. */
  readonly kind: "complete";
  /** The status code. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body; `null` if the status allows none. */
  readonly body: string | null;
}

/** A response whose connection is cut in the middle of the body. */
export interface TruncatedAnswer {
  /** The kind of the answer. */
  readonly kind: "truncated";
  /** The status code. */
  readonly status: number;
  /** The headers; `Content-Length` is that of the whole body. */
  readonly headers: Headers;
  /** The part of the body that is sent. */
  readonly body: string;
}

/** No response: the connection is cut. */
export interface DroppedAnswer {
  /** The kind of the answer. */
  readonly kind: "dropped";
}

/** A response of the emulator, for a server to send. */
export type EmulatorAnswer = CompleteAnswer | TruncatedAnswer | DroppedAnswer;

/** The error types of the statuses. */
const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "permission_denied",
  404: "not_found",
  405: "method_not_allowed",
  408: "request_timeout",
  413: "payload_too_large",
  429: "too_many_requests",
  500: "internal_server_error",
  502: "bad_gateway",
  503: "service_unavailable",
  504: "gateway_timeout",
};

/** Creates a response in JSON. */
export function jsonAnswer(status: number, body: object): CompleteAnswer {
  const headers = new Headers({ "Content-Type": "application/json; charset=utf-8" });
  return { kind: "complete", status, headers, body: JSON.stringify(body) };
}

/** Creates a response with an error body. Official clients read `data` of every error. */
export function errorAnswer(status: number, message: string): CompleteAnswer {
  const body: ApiErrorBody = { type: ERROR_TYPES[status] ?? "error", message, data: {} };
  return jsonAnswer(status, body);
}

/** Creates a response without a body. */
export function emptyAnswer(status: number): CompleteAnswer {
  return { kind: "complete", status, headers: new Headers(), body: null };
}

/** Creates a redirect to which the browser sends a GET request. */
export function redirectAnswer(location: string): CompleteAnswer {
  const headers = new Headers({ "Location": location, "Cache-Control": "no-store" });
  return { kind: "complete", status: 303, headers, body: "" };
}

/** Cuts a response in the middle of its body. */
export function truncated({ status, headers, body }: CompleteAnswer): TruncatedAnswer {
  const whole = body ?? "";
  const length = new TextEncoder().encode(whole).length;
  const withLength = new Headers(headers);
  withLength.set("Content-Length", String(length));
  return {
    kind: "truncated",
    status,
    headers: withLength,
    body: whole.slice(0, Math.floor(whole.length / 2)),
  };
}

/**
 * Converts an answer to a `Response`. It has no access to the connection, so that a cut is a body
 * that ends in an error: servers close the connection then.
 */
export function toResponse(answer: EmulatorAnswer, method: string): Response {
  switch (answer.kind) {
    case "complete":
      return new Response(method === "HEAD" || !answer.body ? null : answer.body, answer);
    case "truncated":
      return new Response(cutAfter(answer.body), answer);
    case "dropped":
      return new Response(cutAfter(""));
    default:
      return answer satisfies never;
  }
}

function cutAfter(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = text === "" ? [] : [new TextEncoder().encode(text)];
  return new ReadableStream({
    pull(controller): void {
      const chunk = chunks.shift();
      if (chunk !== undefined) controller.enqueue(chunk);
      else controller.error(cutError());
    },
  });
}

/** Creates the error of a connection that a fault has cut. */
export function cutError(): TypeError {
  return new TypeError("A fault of the emulator cut the connection");
}
