import { assertEquals, assertMatch } from "@std/assert";
import { CredentialEmulator, EMULATOR_SIGNATURE, serveEmulator } from "../../src/emulator/mod.ts";
import { FETCH, NAVIGATION } from "../support/login_scene.ts";
import { bundle } from "./bundle.ts";
import { testWith } from "./tools.ts";
import { startWorkerd } from "./workerd.ts";

testWith(
  ["workerd"],
  "The example application signs in, refreshes and signs out in workerd",
  async () => {
    const emulator = new CredentialEmulator();
    await using api = await serveEmulator(emulator);
    const { saasId, apiKey, secretKey } = EMULATOR_SIGNATURE;
    await using worker = await startWorkerd(await bundle("examples/app/worker.ts"), {
      APP_ORIGIN: "http://localhost:3000",
      SAASUS_API_URL_BASE: new URL(api.url).origin,
      SAASUS_LOGIN_URL: api.loginUrl,
      SAASUS_SAAS_ID: saasId,
      SAASUS_API_KEY: apiKey,
      SAASUS_SECRET_KEY: secretKey,
    });
    const jar = new Map<string, string>();
    const send = async (path: string, headers: Record<string, string>, method = "GET") => {
      const Cookie = [...jar].map((pair) => pair.join("=")).join("; ");
      const response = await fetch(worker.url + path, {
        method,
        headers: { ...headers, Cookie },
        redirect: "manual",
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        jar.set(name, value);
      }
      return {
        status: response.status,
        location: response.headers.get("Location"),
        body: await response.text(),
      };
    };
    const start = await send("/auth/login?returnTo=/profile", NAVIGATION);
    assertEquals([start.status, start.location], [303, api.loginUrl]);
    const code = emulator.issueCode("alice@example.com");
    const callback = await send(`/callback?code=${code}`, NAVIGATION);
    assertEquals([callback.status, callback.location], [303, "/profile"]);
    const profile = await send("/profile", NAVIGATION);
    assertMatch(profile.body, /alice@example\.com[^]*Administrator/);
    const refresh = await send("/refresh", NAVIGATION, "POST");
    assertEquals([refresh.status, refresh.location], [303, "/profile"]);
    const me = await send("/auth/me", FETCH);
    assertEquals(JSON.parse(me.body).claims.email, "alice@example.com");
    assertEquals((await send("/auth/logout", FETCH, "POST")).status, 204);
    assertEquals((await send("/auth/me", FETCH)).status, 401);
  },
);
