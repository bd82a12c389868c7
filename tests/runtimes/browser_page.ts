/**
 * The module of a page that signs in with the code of its URL, and keeps the login in
 * `localStorage`. The test controls it with `page`.
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
    /** Sets the clock of the session forward, also after a reload. */
    advance: (ms: number) => sessionStorage.setItem("ahead", String(ms)),
    /** Returns the `Authorization` header that the server of the page received. */
    call: async (path: string) => await (await session.fetch(path)).text(),
  },
});
