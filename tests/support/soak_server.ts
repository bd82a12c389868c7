// The emulator of the soak test. Its own process excludes its memory from the measurement. It exits
// when its standard input closes.
import process from "node:process";
import { CredentialEmulator, type Fault, serveEmulator } from "../../src/emulator/mod.ts";

/** The faults, one of which affects one request in ten. */
const FAULTS: readonly Fault[] = [
  { kind: "drop" },
  { kind: "drop", when: "after_handling" },
  { kind: "truncate" },
  { kind: "status", status: 500 },
  { kind: "status", status: 503, headers: { "retry-after": "0" } },
  { kind: "status", status: 503, headers: { "retry-after": "3600" } },
  {
    kind: "status",
    status: 429,
    headers: { "retry-after": "0" },
    body: "<h1>Too many requests</h1>",
  },
  { kind: "status", status: 307, headers: { location: "/elsewhere" } },
  { kind: "status", status: 200, body: "<h1>It works!</h1>" },
  { kind: "delay", ms: 400 },
];

const emulator = new CredentialEmulator({
  faults: () => Math.random() < 0.1 ? FAULTS[Math.floor(Math.random() * FAULTS.length)] : undefined,
});
const server = await serveEmulator(emulator);
console.log(server.url);
process.stdin.on("end", () => process.exit()).resume();
