// A program that waits only for a background refresh in an hour, and therefore must end at once.
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
