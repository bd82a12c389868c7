/**
 * The module of a page: signs in with the code that it is called back with, and keeps the login in `localStorage`. The test
 * drives it through `page`.
 */
import { bearerAuth, CredentialClient, CredentialSession } from "@saasus-sdk/credential";

const settings = JSON.parse(document.getElementById("settings")?.textContent ?? "{}");
const events: string[] = [];

const session = new CredentialSession({
  client: new CredentialClient({ auth: bearerAuth(settings.token), baseUrl: settings.baseUrl }),
  store: localStorage,
  lock: navigator.locks,
  now: () => Date.now() + Number(sessionStorage.getItem("ahead")),
  onChange: ({ type }) => {
    events.push(type);
  },
});

const signsIn = signIn();

async function signIn(): Promise<void> {
  const code = new URLSearchParams(location.search).get("code");
  if (code === null) return;
  history.replaceState(null, "", location.pathname);
  await session.signIn(code);
}

async function state(): Promise<unknown> {
  await signsIn;
  const { signedIn } = session;
  return {
    search: location.search,
    signedIn,
    idToken: signedIn ? await session.getIdToken() : undefined,
    events,
  };
}

Object.assign(globalThis, {
  page: {
    session,
    state,
    /** Lets the session believe that time has gone by, after a reload as well. */
    advance: (ms: number) => sessionStorage.setItem("ahead", String(ms)),
    /** What the page's own server has received as `Authorization`. */
    call: async (path: string) => await (await session.fetch(path)).text(),
  },
});
