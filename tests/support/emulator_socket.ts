import { Buffer } from "node:buffer";
import { connect } from "node:net";

/** What came back over a connection until it ended. */
export interface Conversation {
  readonly status: number;
  /** The head, in lower case. */
  readonly head: string;
  readonly body: string;
}

/** Sends bytes to a port of loopback just as they are, and reads until the other side ends the connection. */
export async function converse(port: number, ...messages: string[]): Promise<Conversation> {
  const chunks: Uint8Array[] = [];
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      for (const message of messages) socket.write(message);
    });
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    // A reset ends a connection as well.
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
  const text = Buffer.concat(chunks).toString();
  const [head = "", ...body] = text.split("\r\n\r\n");
  return {
    status: Number(head.split(" ")[1] ?? 0),
    head: head.toLowerCase(),
    body: body.join("\r\n\r\n"),
  };
}

/** A request as it goes on the wire. */
export function requestText(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
