import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "node:test";
import { discard, isJson, readText } from "../../src/client/response_body.ts";

/** A body that is made as it is read, and what has become of it. */
class Source {
  pulled = 0;
  cancelled = false;
  readonly stream: ReadableStream<Uint8Array>;

  constructor(chunk: (number: number) => Uint8Array | undefined, onCancel = () => {}) {
    this.stream = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = chunk(this.pulled++);
        if (next === undefined) controller.close();
        else controller.enqueue(next);
      },
      cancel: () => {
        this.cancelled = true;
        onCancel();
      },
    }, { highWaterMark: 0 });
  }

  /** A response with this body, and this length in its headers. */
  response(contentLength?: string): Response {
    const headers = new Headers(
      contentLength === undefined ? {} : { "content-length": contentLength },
    );
    return new Response(this.stream, { headers });
  }
}

function chunks(...list: readonly Uint8Array[]): Source {
  return new Source((number) => list[number]);
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("readText() reads a body up to the limit, and not a byte more", async () => {
  for (const length of [0, 1, 99, 100]) {
    const text = "x".repeat(length);
    assertEquals(await readText(new Response(text), 100), text);
    assertEquals(await readText(chunks(bytes(text)).response(), 100), text);
  }
  assertEquals(await readText(new Response("x".repeat(101)), 100), undefined);
  assertEquals(await readText(new Response(null), 100), "");
  assertEquals(await readText(new Response(null, { status: 204 }), 0), "");
});

test("readText() counts bytes, not characters", async () => {
  assertEquals(await readText(new Response("あ".repeat(33)), 100), "あ".repeat(33));
  assertEquals(await readText(new Response("あ".repeat(34)), 100), undefined);
});

test("readText() counts a trusted body whose length nobody tells, or nobody can trust", async () => {
  const unsaid = new Response("x".repeat(101));
  assertEquals(await readText(unsaid, 100, { trustsLength: true }), undefined);
  // As Deno shows a length that was sent twice.
  const twice = new Response("x".repeat(101), { headers: { "content-length": "101, 101" } });
  assertEquals(await readText(twice, 100, { trustsLength: true }), undefined);
  const fromElsewhere = new Response("x".repeat(101), { headers: { "content-length": "5" } });
  Object.defineProperty(fromElsewhere, "type", { value: "cors" });
  assertEquals(await readText(fromElsewhere, 100, { trustsLength: true }), undefined);
});

test("readText() reads nothing of a body that says it is too long, and lets go of it", async () => {
  const source = chunks(bytes("x"));
  assertEquals(await readText(source.response("101"), 100), undefined);
  assertEquals([source.pulled, source.cancelled], [0, true]);
});

test("readText() takes the word of no other content length", async () => {
  for (const length of ["0", "1", "100", "-1", "abc", "", "1e1"]) {
    const source = chunks(bytes("x".repeat(60)), bytes("x".repeat(60)));
    assertEquals(await readText(source.response(length), 100), undefined, length);
    assertEquals([source.pulled, source.cancelled], [2, true]);
  }
});

test("readText() counts a trusted body too, if something else than its length says how long it is", async () => {
  const text = "x".repeat(101);
  for (const header of ["content-encoding", "transfer-encoding"]) {
    const headers = { "content-length": "5", [header]: "x" };
    const response = new Response(text, { headers });
    assertEquals(await readText(response, 100, { trustsLength: true }), undefined, header);
  }
  const trusted = new Response("abc", { headers: { "content-length": "3" } });
  assertEquals(await readText(trusted, 100, { trustsLength: true }), "abc");
});

test("readText() stops a body without an end as soon as it is too long", async () => {
  const source = new Source(() => new Uint8Array(10).fill(0x20));
  assertEquals(await readText(source.response(), 100), undefined);
  assertEquals([source.pulled, source.cancelled], [11, true]);
});

test("readText() does not wait for a body that takes its time to be cancelled, or fails to be", async () => {
  const source = new Source(() => new Uint8Array(101), () => {
    throw new Error("broken pipe");
  });
  assertEquals(await readText(source.response(), 100), undefined);
  const hanging = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(101)),
    cancel: () => new Promise<void>(() => {}),
  });
  assertEquals(await readText(new Response(hanging), 100), undefined);
});

test("readText() puts characters together that are cut by chunks", async () => {
  const text = '{"a":"é あ \u{1F600}"}';
  const whole = bytes(text);
  const single = Array.from(whole, (_, index) => whole.subarray(index, index + 1));
  assertEquals(await readText(chunks(...single).response(), 100), text);
  for (let cut = 1; cut < whole.length; cut++) {
    const source = chunks(whole.subarray(0, cut), whole.subarray(cut));
    assertEquals(await readText(source.response(), 100), text);
  }
});

test("readText() leaves out a byte order mark, and replaces what is no UTF-8", async () => {
  const mark = [0xef, 0xbb, 0xbf];
  assertEquals(await readText(chunks(Uint8Array.from([...mark, 0x7b, 0x7d])).response(), 9), "{}");
  const inPieces = chunks(Uint8Array.from(mark.slice(0, 2)), Uint8Array.from([0xbf, 0x7b, 0x7d]));
  assertEquals(await readText(inPieces.response(), 9), "{}");
  assertEquals(
    await readText(chunks(Uint8Array.from([0x61, 0xff, 0x62])).response(), 9),
    "a\ufffdb",
  );
  // A character whose end never comes.
  assertEquals(
    await readText(chunks(Uint8Array.from([0x61, 0xe3, 0x81])).response(), 9),
    "a\ufffd",
  );
});

test("readText() rejects where the body breaks off", async () => {
  const broken = new Source((number) => {
    if (number === 0) return bytes("{");
    throw new TypeError("error reading a body from connection");
  });
  await assertRejects(() => readText(broken.response(), 100), TypeError, "reading a body");
});

test("discard() cancels a body, and bears with one that cannot be", async () => {
  const source = chunks(bytes("x"));
  discard(source.response());
  assertEquals([source.pulled, source.cancelled], [0, true]);
  discard(new Response(null));
  const failing = new Source(() => undefined, () => {
    throw new Error("broken pipe");
  });
  discard(failing.response());
  assert(failing.cancelled);
  const locked = new Response("x");
  locked.body?.getReader();
  discard(locked);
  // A rejection that nobody handles would fail the test run by now.
  await new Promise((resolve) => setTimeout(resolve, 5));
});

test("isJson() knows the content types of JSON, and takes none for one", () => {
  const isJsonType = (type: string) => isJson(new Headers({ "content-type": type }));
  const json = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/json ; x=y",
    " APPLICATION/JSON ",
    "application/problem+json",
    "application/vnd.saasus.v1+json",
    "text/json",
  ];
  const others = [
    "",
    "text/html",
    "text/plain; format=application/json",
    "application/jsonx",
    "application/json-seq",
    "application/xjson",
    "application/json/x",
    "application/octet-stream",
    "text/html, application/json",
    "json",
  ];
  for (const type of json) assert(isJsonType(type), type);
  for (const type of others) assert(!isJsonType(type), type);
  assert(isJson(new Headers()));
});
