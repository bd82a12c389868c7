import { assertEquals, assertStringIncludes } from "@std/assert";
import { CredentialEmulator, EMULATOR_SIGNATURE, serveEmulator } from "../../src/emulator/mod.ts";
import { bundle } from "./bundle.ts";
import { testWith } from "./tools.ts";
import { startWorkerd } from "./workerd.ts";

testWith(
  ["workerd"],
  "CredentialClient in workerd signs, exchanges a code and rejects a used one",
  async () => {
    const emulator = new CredentialEmulator();
    await using api = await serveEmulator(emulator);
    const { saasId, apiKey, secretKey } = EMULATOR_SIGNATURE;
    await using worker = await startWorkerd(await bundle("tests/runtimes/worker.ts"), {
      BASE_URL: api.url,
      SAAS_ID: saasId,
      API_KEY: apiKey,
      SECRET_KEY: secretKey,
    });
    const login = emulator.issueCredentials();
    const callback = `${worker.url}/?code=${emulator.issueCode(login)}`;

    const signedIn = await fetch(callback);
    assertEquals([signedIn.status, await signedIn.json()], [200, login]);
    const usedUp = await fetch(callback);
    assertEquals(usedUp.status, 401);
    assertStringIncludes(await usedUp.text(), "the API answered 404");
  },
);
