// Runs the demo with an emulator whose clock does not advance, so the second step fails.
import process from "node:process";
import { play } from "../../examples/demo.ts";
import { CredentialEmulator, serveEmulator } from "../../src/emulator/mod.ts";

class StoppedEmulator extends CredentialEmulator {
  override advance(): void {}
}

const emulator = new StoppedEmulator();
const server = await serveEmulator(emulator);
process.exitCode = await play({ emulator, baseUrl: server.url }, {
  line: console.log,
  problem: console.error,
  isColored: false,
});
await server.close();
