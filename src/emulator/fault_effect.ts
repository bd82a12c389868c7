import { setTimeout as wait } from "node:timers/promises";
import {
  type CompleteAnswer,
  emptyAnswer,
  type EmulatorAnswer,
  errorAnswer,
  htmlAnswer,
  jsonAnswer,
  truncated,
} from "./answer.ts";
import type { Fault, StatusFault } from "./faults.ts";
import type { EmulatorRequest } from "./request.ts";

/** Does what a fault says to the handling of a request. */
export async function withFault(
  fault: Fault | undefined,
  request: Pick<EmulatorRequest, "signal">,
  handle: () => Promise<CompleteAnswer>,
): Promise<EmulatorAnswer> {
  if (fault === undefined) return await handle();
  if (fault.kind === "truncate") return truncated(await handle());
  const answer = fault.when === "after_handling" ? await handle() : undefined;
  switch (fault.kind) {
    case "delay":
      return await hasWaited(fault.ms, request.signal)
        ? answer ?? await handle()
        : { kind: "dropped" };
    case "drop":
      return { kind: "dropped" };
    case "status":
      return statusAnswer(fault);
    case "not_json":
      return htmlAnswer(200, "<!DOCTYPE html><title>Welcome</title><h1>It works!</h1>");
    default:
      return fault satisfies never;
  }
}

/** Whether the wait came to its end before the client left. */
async function hasWaited(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

function statusAnswer({ status, headers = {}, body }: StatusFault): CompleteAnswer {
  const answer = bodyAnswer(status, body);
  for (const [name, value] of Object.entries(headers)) answer.headers.set(name, value);
  return answer;
}

function bodyAnswer(status: number, body: StatusFault["body"]): CompleteAnswer {
  if (status === 204 || status === 205 || status === 304) return emptyAnswer(status);
  if (typeof body === "string") return { ...emptyAnswer(status), body };
  return body === undefined
    ? errorAnswer(status, "A fault of the emulator")
    : jsonAnswer(status, body);
}
