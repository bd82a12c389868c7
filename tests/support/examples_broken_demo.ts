// The demo on an emulator whose codes never expire, so that a step of the story cannot go as told.
import process from "node:process";
import { runDemo } from "../../examples/demo.ts";

process.exitCode = await runDemo({ codeLifetime: 3_600_000 });
