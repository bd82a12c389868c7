/**
 * Returns the path and the query of a URL if it stays on an origin. The result begins with exactly
 * one slash, so that no browser reads it as another host, and is returned unchanged if it is passed
 * in again.
 *
 * @param text A path or a URL, from anywhere.
 * @param origin The origin that it is resolved against, and that it has to stay on.
 * @returns `undefined` for a text that is no URL, or that leaves the origin.
 */
export function returnPath(text: string | null | undefined, origin: string): string | undefined {
  if (text === null || text === undefined || text === "" || !URL.canParse(text, origin)) {
    return undefined;
  }
  const { protocol, host, username, password, pathname, search } = new URL(text, origin);
  // A "blob:" URL has the origin of the page that made it, but is another resource.
  if (`${protocol}//${host}` !== origin || username !== "" || password !== "") return undefined;
  return `/${pathname.replace(/^\/+/, "")}${search}`;
}
