// The login of a page in a browser: kept in localStorage over reloads, and one for all tabs.
//
//   deno bundle --platform browser --output page.js session_browser.ts
//   <script type="module" src="page.js" data-login-url="https://login.example.com/"></script>
//
// A page cannot keep an API key. Its client asks the page's own server, at /auth, which sends the request on to the service
// with the Authorization that it has. Whatever else runs in the page can read localStorage: where that is a worry, leave
// the tokens on the server (session_redis.ts).

import { CredentialClient, CredentialSession, isCredentialError } from "@saasus-sdk/credential";

/** What the page does when it is loaded: signs in if the login page has sent it back, and asks the application's API. */
export async function openPage(loginUrl: string): Promise<string> {
  const client = new CredentialClient({
    baseUrl: new URL("/auth", location.href).href,
    auth: () => "Bearer page", // the server puts its own in the place of this
  });
  const session = new CredentialSession({
    client,
    store: localStorage,
    lock: navigator.locks, // one refresh for all tabs, where the browser has locks
    onChange: ({ type }) => {
      if (type === "ended" || type === "signed_out") location.assign(loginUrl);
    },
  });
  try {
    const url = new URL(location.href);
    const code = url.searchParams.get("code");
    if (code !== null) {
      url.searchParams.delete("code");
      // A code is good for one sign-in: a reload must not try it again.
      history.replaceState(null, "", url);
      await session.signIn(code);
    }
    if (!session.signedIn) {
      location.assign(loginUrl);
      return "Going to the login page";
    }
    const response = await session.fetch("/api/me"); // with the ID token: it is the page's own origin
    return response.ok ? `Signed in as ${await response.text()}` : "Please try again later";
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    if (error.code === "api_error" && error.status === 404) {
      location.assign(loginUrl); // the code is unknown, was used before, or has expired
      return "Going to the login page";
    }
    // Safe to show: no token, code or secret is ever in an error.
    return error.message;
  }
}

if (typeof document === "object") {
  const script = document.querySelector<HTMLScriptElement>("script[data-login-url]");
  document.body.textContent = await openPage(script?.dataset["loginUrl"] ?? "/login");
}
