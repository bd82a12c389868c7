// The login of a page in a browser: all tabs share it in localStorage, also after a reload.
//
//   deno bundle --platform browser --output page.js session_browser.ts
//   <script type="module" src="page.js" data-login-url="https://login.example.com/"></script>
//
// A page cannot keep an API key secret, so its client calls the server of the page, at /auth, which
// forwards the request to the service with its own Authorization. All scripts of the page can read
// localStorage. To keep the tokens on the server instead, use CredentialLogin (app/).

import { CredentialClient, CredentialSession, isCredentialError } from "@saasus-sdk/credential";

/** Signs in if the URL has a code, calls the API of the application, and returns a text. */
export async function openPage(loginUrl: string): Promise<string> {
  const client = new CredentialClient({
    baseUrl: new URL("/auth", location.href).href,
    auth: () => "Bearer page", // the server replaces it with its own
  });
  const session = new CredentialSession({
    client,
    store: localStorage,
    lock: navigator.locks, // one refresh for all tabs, if the browser supports locks
    onChange: ({ type }) => {
      if (type === "ended" || type === "signed_out") location.assign(loginUrl);
    },
  });
  try {
    const url = new URL(location.href);
    const code = url.searchParams.get("code");
    if (code !== null) {
      url.searchParams.delete("code");
      // A code is valid once, so a reload must not use it again.
      history.replaceState(null, "", url);
      await session.signIn(code);
    }
    if (!session.signedIn) {
      location.assign(loginUrl);
      return "Going to the login page";
    }
    const response = await session.fetch("/api/me"); // with the ID token, on the page's own origin
    return response.ok ? `Signed in as ${await response.text()}` : "Please try again later";
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    if (error.code === "api_error" && error.status === 404) {
      location.assign(loginUrl); // the code is unknown, was used before, or has expired
      return "Going to the login page";
    }
    // Safe to show, because errors contain no token, code or secret.
    return error.message;
  }
}

if (typeof document === "object") {
  const script = document.querySelector<HTMLScriptElement>("script[data-login-url]");
  document.body.textContent = await openPage(script?.dataset["loginUrl"] ?? "/login");
}
