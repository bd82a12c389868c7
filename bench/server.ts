// A server that is faster than any client: it reads only the first line of a request, and its
// responses are prepared. Prints its origin, and serves until it is stopped.
import { Buffer } from "node:buffer";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";

const credentials = JSON.stringify({ id_token: "i".repeat(900), access_token: "a".repeat(860) });
const notFound = JSON.stringify({ type: "not_found", message: "No such credentials" });

function head(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nX-Saasus-Trace-Id: trace-1\r\n` +
    `Date: ${new Date().toUTCString()}\r\n`;
}

function whole(status: string, body: string): Buffer {
  return Buffer.from(`${head(status)}Content-Length: ${body.length}\r\n\r\n${body}`);
}

function chunked(body: string): Buffer {
  const size = body.length.toString(16);
  const chunks = `${size}\r\n${body}\r\n0\r\n\r\n`;
  return Buffer.from(`${head("200 OK")}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
}

/** The responses by the beginning of the path. */
const responses = new Map<string, Buffer>();

function prepareResponses() {
  responses.set("/v1", whole("200 OK", credentials));
  responses.set("/chunked", chunked(credentials));
  responses.set("/missing", whole("404 Not Found", notFound));
}

function responseTo(request: string): Buffer {
  if (request.startsWith("GET /cpu ")) {
    const { user, system } = process.cpuUsage();
    return whole("200 OK", JSON.stringify((user + system) / 1_000));
  }
  const prefix = /^GET (\/\w+)/.exec(request)?.[1] ?? "";
  return responses.get(prefix) ?? whole("400 Bad Request", notFound);
}

prepareResponses();
// The `Date` must be current, because the client uses it as its clock.
setInterval(prepareResponses, 1_000);

const server = createServer({ noDelay: true }, (socket) => {
  let received = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
    for (let end; (end = received.indexOf("\r\n\r\n")) >= 0;) {
      socket.write(responseTo(received));
      received = received.slice(end + 4);
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(`http://127.0.0.1:${port}`);
});
