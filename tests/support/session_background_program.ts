// A program with nothing to do but a background refresh in an hour: it has to end at once.
import { CredentialSession } from "../../src/session/session.ts";
import { Clock, Service } from "./session_scene.ts";

const clock = new Clock();
const session = new CredentialSession({
  client: new Service(clock),
  now: clock.now,
  backgroundRefresh: true,
});
await session.signIn(crypto.randomUUID());
console.log("signed in");
