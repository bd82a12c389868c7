import { commandOf } from "./tools.ts";

/** A page in a headless Chromium of its own, driven by the DevTools protocol. */
export interface ChromiumPage {
  /** Goes to a URL, and waits until the page has loaded. */
  open(url: string): Promise<void>;
  /** Evaluates an expression in the page, waits if it is a promise, and answers its value. */
  evaluate(expression: string): Promise<unknown>;
  /** Loads the page again. */
  reload(): Promise<void>;
  /** Closes the browser, and forgets what it has stored. */
  [Symbol.asyncDispose](): Promise<void>;
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--remote-debugging-port=0",
];

/** Starts a browser with an empty profile. */
export async function startChromium(): Promise<ChromiumPage> {
  const profile = await Deno.makeTempDir();
  const [program = "", ...args] = commandOf("chromium");
  const browser = new Deno.Command(program, {
    args: [...args, ...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const devTools = await DevTools.connect(await endpointIn(browser.stderr));
  const page = await devTools.attachToPage();
  const loaded = async (method: string, params: object) => {
    const event = devTools.nextEvent("Page.loadEventFired");
    await page(method, params);
    await event;
  };
  return {
    open: (url) => loaded("Page.navigate", { url }),
    reload: () => loaded("Page.reload", {}),
    evaluate: async (expression) => {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await page("Runtime.evaluate", options);
      if (exceptionDetails === undefined) return result.value;
      throw new Error(`${expression} threw ${exceptionDetails.exception?.description}`);
    },
    [Symbol.asyncDispose]: async () => {
      await devTools.close();
      await browser.status;
      await Deno.remove(profile, { recursive: true });
    },
  };
}

/** Reads where the browser listens from what it prints, and goes on reading, so that it is never held up. */
async function endpointIn(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const found = Promise.withResolvers<string>();
  const read = async () => {
    let text = "";
    for await (const chunk of stderr.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const endpoint = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (endpoint !== undefined) found.resolve(endpoint);
    }
    found.reject(new Error(`Chromium ended: ${text}`));
  };
  read().catch(found.reject);
  return await found.promise;
}

/** What the protocol answers: as loose as JSON. */
// deno-lint-ignore no-explicit-any -- described by the protocol, not by types
type Answer = any;

type Send = (method: string, params: object) => Promise<Answer>;

/** A connection by the DevTools protocol. */
class DevTools {
  readonly #socket: WebSocket;
  readonly #calls = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #events = new Map<string, PromiseWithResolvers<void>>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
  }

  static async connect(endpoint: string): Promise<DevTools> {
    const socket = new WebSocket(endpoint);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("Cannot connect to Chromium")));
    });
    return new DevTools(socket);
  }

  /** Opens a tab, and answers a function that speaks to it. */
  async attachToPage(): Promise<Send> {
    const { targetId } = await this.#send("Target.createTarget", { url: "about:blank" });
    const options = { targetId, flatten: true };
    const { sessionId } = await this.#send("Target.attachToTarget", options);
    await this.#send("Page.enable", {}, sessionId);
    return (method, params) => this.#send(method, params, sessionId);
  }

  nextEvent(method: string): Promise<void> {
    const event = Promise.withResolvers<void>();
    this.#events.set(method, event);
    return event.promise;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.addEventListener("close", resolve));
    this.#socket.send(JSON.stringify({ id: 0, method: "Browser.close" }));
    await closed;
  }

  #send(method: string, params: object, sessionId?: string): Promise<Answer> {
    const id = this.#calls.size + 1;
    const call = Promise.withResolvers<Answer>();
    this.#calls.set(id, call);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return call.promise;
  }

  #receive({ id, method, result, error }: Answer): void {
    if (id === undefined) this.#events.get(method)?.resolve();
    else if (error === undefined) this.#calls.get(id)?.resolve(result);
    else this.#calls.get(id)?.reject(new Error(error.message));
  }
}
