// Hands over a login from one application to another: a user of "orders" opens "billing" without
// another sign-in. The login page of "billing" is a route of "orders", which saves the credentials
// and redirects to "billing" with their temporary code. The browser gets no token.
//
//   deno serve --host=127.0.0.1 --port=8000 --allow-net --allow-env hand_over.ts
//   PORT=8000 bun hand_over.ts
//
// For simplicity, this file contains both applications: "orders" is http://localhost:8000, and
// "billing" is http://127.0.0.1:8000. After the hand-over, both have the same refresh token. If the
// service rotates refresh tokens, a refresh of one application ends the session of the other.
//
// Settings are read from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY and
// SAASUS_LOGIN_URL, the hosted login page of "orders", whose callback is
// http://localhost:8000/callback.

import process from "node:process";
import { CredentialClient, isCredentialError } from "@saasus-sdk/credential";
import { CredentialLogin } from "@saasus-sdk/credential/login";

const { ORDERS_ORIGIN = "http://localhost:8000", BILLING_ORIGIN = "http://127.0.0.1:8000" } =
  process.env;

const client = CredentialClient.fromEnv();
const orders = CredentialLogin.fromEnv({ client, origin: ORDERS_ORIGIN });
const billing = new CredentialLogin({
  client,
  origin: BILLING_ORIGIN,
  loginUrl: `${ORDERS_ORIGIN}/hand-over`,
});

/**
 * Redirects to the callback of "billing". Its URL is a setting, because a URL from the request
 * could send the code to any site.
 */
const handOver = orders.protect(async ({ headers }, session) => {
  try {
    const { code } = await client.createAuthCredentials(await session.getCredentials(), {
      // The page that caused the call. The client removes the query.
      referer: headers.get("Referer"),
      saasusReferer: headers.get("X-SaaSus-Referer"),
      traceId: headers.get("X-Saasus-Trace-Id"),
    });
    return redirect(`${BILLING_ORIGIN}/callback?${new URLSearchParams({ code })}`);
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    // Safe to log, because errors contain no token, code or secret.
    console.error(error.message);
    return text(503, "Please try again");
  }
});

const ordersHome = orders.protect(() => text(200, "You are signed in at orders"));
const billingHome = billing.protect(() => text(200, "You are signed in at billing"));

async function fetch(request: Request): Promise<Response> {
  const { hostname, pathname } = new URL(request.url);
  const isOrders = hostname === new URL(ORDERS_ORIGIN).hostname;
  const response = await (isOrders ? orders : billing).handle(request);
  if (response !== undefined) return response;
  if (pathname === "/") return await (isOrders ? ordersHome : billingHome)(request);
  return pathname === "/hand-over" && isOrders ? await handOver(request) : text(404, "Not found");
}

function redirect(location: string): Response {
  const headers = {
    "Location": location,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
  };
  return new Response(null, { status: 303, headers });
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { "Cache-Control": "no-store" } });
}

const server: { hostname: string; fetch: typeof fetch } = { hostname: "127.0.0.1", fetch };

export default server;
