import { Buffer } from "node:buffer";
import { connect } from "node:net";

/** The response of a connection that has ended. */
export interface Conversation {
  readonly status: number;
  /** The head, in lower case. */
  readonly head: string;
  readonly body: string;
}

/** Sends raw messages to a loopback port, and reads until the server closes the connection. */
export async function converse(port: number, ...messages: string[]): Promise<Conversation> {
  const chunks: Uint8Array[] = [];
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      for (const message of messages) socket.write(message);
    });
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    // A reset also closes the connection.
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

/** Returns the text of an HTTP request. */
export function requestText(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
