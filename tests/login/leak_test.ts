import { assert, assertEquals } from "@std/assert";
import { inspect } from "node:util";
import { test } from "node:test";
import { CredentialNetworkError } from "../../mod.ts";
import type { CredentialLoginOptions } from "../../src/login/mod.ts";
import {
  apiError,
  arrive,
  type Browser,
  type LoginScene,
  loginScene,
  NAVIGATION,
  ORIGIN,
  signIn,
} from "../support/login_scene.ts";

/** Returns the secret values of the cookies that a browser has had. */
function idsOf(browser: Browser): string[] {
  return [...browser.jar.values()].flatMap((value) => /[\w-]{43}/.exec(value) ?? []);
}

async function shown(response: Response | undefined): Promise<string> {
  if (response === undefined) return "";
  const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
  return [response.status, ...headers.flat(), await response.text()].join("\n");
}

interface Fault {
  readonly name: string;
  readonly options?: Partial<CredentialLoginOptions>;
  readonly cause: (scene: LoginScene) => void;
}

const FAULTS: readonly Fault[] = [
  { name: "none", cause: () => {} },
  ...[400, 401, 403, 404, 429, 500, 503].map((status) => ({
    name: `status ${status}`,
    cause: ({ service }: LoginScene) => void (service.failure = apiError(status)),
  })),
  {
    name: "network",
    cause: ({ service }) =>
      void (service.failure = new CredentialNetworkError("No response", { reason: "reset" })),
  },
  {
    name: "hook that quotes the tokens",
    cause: ({ service }) => void (service.failure = new Error(service.secrets.join())),
  },
  {
    name: "store that quotes its arguments",
    cause: ({ store, service }) =>
      void (store.failure = Object.assign(new Error(service.secrets.join()), {
        command: { args: [...store.items.values()] },
      })),
  },
  {
    name: "expired token",
    cause: ({ clock }) => void (clock.ms += 7_200_000),
  },
  {
    name: "expired token and outage",
    cause: ({ clock, service }) => {
      clock.ms += 7_200_000;
      service.failure = apiError(503);
    },
  },
  {
    name: "onSignIn",
    options: { onSignIn: () => new Response("no", { status: 403 }) },
    cause: () => {},
  },
];

for (const { name, options = {}, cause } of FAULTS) {
  test(`The login shows no token, code or id with the fault: ${name}`, async () => {
    const scene = loginScene(options);
    const { browser, service, login, store, events, clock } = scene;
    await signIn(browser, service);
    await browser.open("/auth/login?returnTo=/private");
    const marker = `query-${crypto.randomUUID()}`;
    cause(scene);
    const texts: string[] = [];
    const code = service.issueCode();
    const ids = idsOf(browser);
    for (const path of ["/auth/login", "/auth/me", "/auth/logout", "/callback", "/other"]) {
      for (
        const query of [
          "",
          `?x=${marker}`,
          `?code=${code}&x=${marker}`,
          `?code=${code}&code=${marker}`,
        ]
      ) {
        for (const method of ["GET", "HEAD", "POST"]) {
          for (const mode of ["navigate", "cors"]) {
            const headers = {
              ...NAVIGATION,
              "Sec-Fetch-Mode": mode,
              "Sec-Fetch-Site": "same-origin",
              "Cookie": browser.cookieHeader,
            };
            const request = new Request(ORIGIN + path + query, { method, headers });
            texts.push(await shown(await login.handle(request)));
            // The path to return to is the one part of a query that is shown.
            const bare = new Request(ORIGIN + path, { method, headers });
            texts.push(await shown(await login.protect(() => new Response("ok"))(bare)));
            try {
              await login.session(request);
            } catch (error) {
              texts.push(
                inspect(error, { depth: 9, showHidden: true }),
                String((error as Error).stack),
              );
            }
          }
        }
      }
    }
    await arrive(browser, code);
    ids.push(...idsOf(browser));
    assert(clock.ms > 0);
    texts.push(JSON.stringify(events), inspect(login, { depth: 9, showHidden: true }));
    texts.push(...store.items.keys(), ...store.calls);
    const stored = [...store.items.values()].join();
    for (const id of ids) assertEquals([id.length, stored.includes(id)], [43, false]);
    for (const secret of [...service.secrets, ...ids, marker]) {
      for (const text of texts) {
        assertEquals(text.includes(secret), false, `${text} has ${secret}`);
        assertEquals(text.includes(encodeURIComponent(secret)), false);
      }
    }
  });
}
