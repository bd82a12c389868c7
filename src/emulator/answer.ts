import type { ApiErrorBody } from "../models.ts";

/** An answer as it goes out. */
export interface CompleteAnswer {
  /** Tells this answer from the others. */
  readonly kind: "complete";
  /** The status code. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body; `null` where the status allows none. */
  readonly body: string | null;
}

/** An answer of whose body only a part is sent before the connection is cut. */
export interface TruncatedAnswer {
  /** Tells this answer from the others. */
  readonly kind: "truncated";
  /** The status code. */
  readonly status: number;
  /** The headers; `Content-Length` is that of the whole body. */
  readonly headers: Headers;
  /** The part of the body that is sent. */
  readonly body: string;
}

/** No answer: the connection is cut. */
export interface DroppedAnswer {
  /** Tells this answer from the others. */
  readonly kind: "dropped";
}

/** What the emulator does with a request, for a server to carry out. */
export type EmulatorAnswer = CompleteAnswer | TruncatedAnswer | DroppedAnswer;

/** The machine words of the error statuses. */
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

/** An answer in JSON. */
export function jsonAnswer(status: number, body: object): CompleteAnswer {
  const headers = new Headers({ "Content-Type": "application/json; charset=utf-8" });
  return { kind: "complete", status, headers, body: JSON.stringify(body) };
}

/** An answer with an error body. */
export function errorAnswer(status: number, message: string): CompleteAnswer {
  const body: ApiErrorBody = { type: ERROR_TYPES[status] ?? "error", message };
  return jsonAnswer(status, body);
}

/** An answer in HTML, as proxies give it. */
export function htmlAnswer(status: number, body: string): CompleteAnswer {
  const headers = new Headers({ "Content-Type": "text/html; charset=utf-8" });
  return { kind: "complete", status, headers, body };
}

/** An answer without a body. */
export function emptyAnswer(status: number): CompleteAnswer {
  return { kind: "complete", status, headers: new Headers(), body: null };
}

/** The same answer, cut in the middle of its body. */
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
 * The answer as a `Response`. A handler of `fetch` has no hold of the connection, so that a cut is a body that ends in
 * an error: servers close the connection then.
 */
export function toResponse(answer: EmulatorAnswer, method: string): Response {
  switch (answer.kind) {
    case "complete":
      return new Response(method === "HEAD" ? null : answer.body, answer);
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
      else controller.error(new TypeError("A fault of the emulator cut the connection"));
    },
  });
}
