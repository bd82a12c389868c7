// The pages. Hono's `html` escapes every value, and also works without the rest of Hono.

import { html, raw } from "hono/html";

type Html = ReturnType<typeof html>;

// Allows styles, scripts and calls of this site only. There is no "form-action", because a form
// may redirect to the login page.
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

export async function page(title: string, body: Html, status = 200): Promise<Response> {
  const text = await html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>${title}</title>
        <link rel="stylesheet" href="/style.css">
      </head>
      <body>
        <main>
    <h1>${title}</h1>
    ${body}
        </main>
      </body>
    </html>
  `;
  return new Response(String(text), {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": POLICY,
      // No cache may keep the page of a user, nor show it after a sign-out.
      "Cache-Control": "no-store",
    },
  });
}

const signOutForm =
  html`<form method="post" action="/auth/logout"><button>Sign out</button></form>`;

export function signedOutView(tenants: readonly string[]): Html {
  return html`<p>You are not signed in.</p>
<p><a class="button" href="/auth/login?returnTo=/profile">Sign in</a></p>
${
    tenants.map((tenant) =>
      html`<p><a href="/auth/login?returnTo=/profile&amp;tenant=${
        encodeURIComponent(tenant)
      }">Sign in with the account of ${tenant}</a></p>`
    )
  }`;
}

export function signedInView(): Html {
  return html`<p>You are signed in.</p>
<p><a class="button" href="/profile">Your profile</a></p>
${signOutForm}`;
}

export interface Profile {
  name: string;
  expiry: Date;
  roles: readonly string[] | undefined;
}

export function profileView({ name, expiry, roles }: Profile): Html {
  return html`<p>You are signed in as <strong>${name}</strong>.</p>
<h2>Roles</h2>
${
    roles === undefined
      ? html`<p>The roles are not available at the moment.</p>`
      : html`<ul>${roles.map((role) => html`<li>${role}</li>`)}</ul>`
  }
<h2>ID token</h2>
<p>Valid until <time id="expiry" datetime="${expiry.toISOString()}">${expiry.toUTCString()}</time></p>
<form method="post" action="/refresh"><button>Refresh now</button></form>
<h2>Report</h2>
<p><button id="load">Load the report</button> <output id="report"></output></p>
<p><a href="/">Home</a></p>
${signOutForm}
<script src="/app.js"></script>`;
}

export function messageView(text: string): Html {
  return html`<p>${text}</p>
<p><a href="/">Home</a></p>`;
}

/** Script that calls the API. On 401, it offers a sign-in. */
const SCRIPT = `const report = document.querySelector("#report");
document.querySelector("#load").addEventListener("click", async () => {
  const response = await fetch("/api/report");
  const body = await response.json();
  report.textContent = response.ok ? body.text : response.status + " " + body.type;
  if (response.status === 401) {
    const link = document.createElement("a");
    link.href = body.login + "?" + new URLSearchParams({ returnTo: location.pathname });
    link.textContent = "Sign in";
    report.append(" ", link);
  }
});
`;

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; display: grid; place-items: center; min-height: 100vh; background: light-dark(#f3f5f8, #16181d); }
main { width: min(32rem, 100vw - 5rem); margin: 2rem; padding: 1.5rem 2rem; border-radius: 12px;
  background: light-dark(#fff, #21242b); box-shadow: 0 1px 3px #0003; }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin-bottom: 0; }
a { color: light-dark(#1a5fb4, #8ab4f8); }
button, .button { display: inline-block; padding: .4rem 1rem; border: 0; border-radius: 8px; font: inherit;
  cursor: pointer; text-decoration: none; color: #fff; background: #1a5fb4; }
form { margin: .5rem 0; }
`;

/** The style sheet and the script, by their paths. */
export const assets: Readonly<Record<string, () => Response>> = {
  "/style.css": () => asset(STYLE, "text/css"),
  "/app.js": () => asset(SCRIPT, "text/javascript"),
};

function asset(text: string, type: string): Response {
  return new Response(String(raw(text)), { headers: { "Content-Type": `${type}; charset=utf-8` } });
}
