// Hands a login over from one application to another: the user is signed in at "orders", and opens
// "billing" without signing in again. The login page of "billing" is a route of "orders", which
// saves the credentials and sends the browser back with the code for them. No token passes through
// the browser.
//
//   deno serve --host=127.0.0.1 --port=8000 --allow-net --allow-env hand_over.ts
//   PORT=8000 bun hand_over.ts
//
// Both applications are in this file so that it can be tried alone: "orders" is
// http://localhost:8000, "billing" is http://127.0.0.1:8000. From then on both have the same
// refresh token: where the service rotates refresh tokens, the first refresh of one signs the other
// out. Settings come from the environment: SAASUS_SAAS_ID, SAASUS_API_KEY, SAASUS_SECRET_KEY and
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
 * Sends the user to the callback of "billing": a setting, never a part of the request, which would
 * send logins anywhere.
 */
const handOver = orders.protect(async ({ headers }, session) => {
  try {
    const { code } = await client.createAuthCredentials(await session.getCredentials(), {
      // The page that the call is made for. The client removes the query.
      referer: headers.get("Referer"),
      saasusReferer: headers.get("X-SaaSus-Referer"),
      traceId: headers.get("X-Saasus-Trace-Id"),
    });
    return redirect(`${BILLING_ORIGIN}/callback?${new URLSearchParams({ code })}`);
  } catch (error) {
    if (!isCredentialError(error)) throw error;
    // Safe to log: no token, code or secret is ever in an error.
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
