import type { LoginContext } from "./context.ts";
import { startedLogin, withPermit } from "./cookies.ts";
import { isCrossSite, isNavigation } from "./cross_origin.ts";
import { notAllowed, page, redirect } from "./pages.ts";

/** Returns the response to a request for the start of a login. */
export async function start(context: LoginContext, request: Request): Promise<Response> {
  if (request.method !== "GET") return notAllowed("GET");
  if (!isNavigation(request)) return context.signedOut();
  const { cookies, settings } = context;
  const { searchParams } = context.urlOf(request);
  const returnTo = context.returnPath(searchParams.get("returnTo"));
  const now = settings.now();
  const login = cookies.readLogin(request, now);
  const link = context.startPath(returnTo);
  // The callback that sends a browser here sets the cookie, too.
  if (searchParams.has("restart") && login === undefined) {
    context.report("refused", "cookies");
    return page("cookies", request, { status: 401, link });
  }
  if (isCrossSite(request)) {
    context.report("refused", "cross_site");
    return page("signedOut", request, { status: 401, link });
  }
  const loginUrl = await context.loginUrl(request);
  if (loginUrl === undefined) {
    context.report("failed", "login_url");
    return page("unavailable", request, { status: 503, link });
  }
  const started = { ...withPermit(login ?? startedLogin(now), now), returnTo };
  return redirect(loginUrl.href, [["Set-Cookie", cookies.setLogin(started, now)]]);
}
