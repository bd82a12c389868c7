import { isLoopback } from "../validation.ts";

/** Addresses that stand for all addresses of a machine. */
export const ALL_ADDRESSES: readonly string[] = ["0.0.0.0", "::", "[::]"];

/**
 * Checks whether a `Host` belongs to the emulator: a page of another site whose name was rebound to
 * this machine must not read or change anything.
 *
 * @param host The host as sent, with the port.
 * @param hostname The host name of the server, if there is one.
 */
export function isTrustedHost(host: string, hostname: string | undefined): boolean {
  const name = URL.parse(`http://${host}`)?.hostname ?? "";
  if (isLoopback(name) || (hostname !== undefined && name === bracketed(hostname).toLowerCase())) {
    return true;
  }
  // Rebinding needs a name.
  const isAddress = /^(?:\[[\da-f:.]+\]|\d+(?:\.\d+){3})$/.test(name);
  return hostname !== undefined && ALL_ADDRESSES.includes(hostname) && isAddress;
}

/** Returns a host name as URLs contain it. */
export function bracketed(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
}

/** Checks whether a request was sent by a page of the emulator, or by no page. */
export function isSameSite(headers: Headers, host: string): boolean {
  const site = headers.get("Sec-Fetch-Site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = headers.get("Origin");
  return origin === null || origin.replace(/^https?:\/\//, "") === host.toLowerCase();
}
