// Measures whole calls over the network.
import { strictEqual } from "node:assert/strict";
import { alternate, type AlternationOptions, type Contender } from "./alternate.ts";
import {
  axiosCryptoJs,
  byHand,
  byHandWithToken,
  kyAlone,
  ours,
  oursWithToken,
  plainKy,
} from "./contenders.ts";
import { answer, programArguments } from "./program.ts";
import { ratioOf } from "./ratio.ts";

const { origin, quick } = programArguments();
// Batches are short, so that some of them run while a busy machine is quiet. Lower quartiles come
// from these.
const rounds = quick ? 50 : 150;
const single: AlternationOptions = { lanes: 1, batch: 40, rounds, warmUp: quick ? 1_500 : 4_000 };
const parallel: AlternationOptions = {
  ...single,
  lanes: 32,
  batch: 256,
  rounds: quick ? 30 : 80,
};

const baseUrl = `${origin}/v1/auth`;
const contenders = {
  ours: ours(baseUrl),
  byHand: byHand(baseUrl),
  plainKy: plainKy(baseUrl),
  kyAlone: kyAlone(baseUrl),
  axios: axiosCryptoJs(baseUrl),
  oursWithToken: oursWithToken(baseUrl),
  byHandWithToken: byHandWithToken(baseUrl),
};

/** Makes sure that a contender fails: a success would be faster. */
function failing(contender: Contender): Contender {
  return async () => {
    try {
      await contender();
    } catch {
      return;
    }
    throw new Error("The call did not fail");
  };
}

async function serverCpu(): Promise<number> {
  return await (await fetch(`${origin}/cpu`)).json();
}

const expected = JSON.stringify(await contenders.byHand());
for (const contender of Object.values(contenders)) {
  strictEqual(JSON.stringify(await contender()), expected);
}

const one = await alternate(contenders, single);
const many = await alternate(contenders, parallel);
const chunked = await alternate({
  ours: ours(`${origin}/chunked`),
  byHand: byHand(`${origin}/chunked`),
}, single);
const missing = await alternate({
  ours: failing(ours(`${origin}/missing`)),
  byHand: failing(byHand(`${origin}/missing`)),
}, single);

// If the server were the bottleneck, all clients would look alike.
const [cpu, started] = [await serverCpu(), performance.now()];
await alternate({ byHand: contenders.byHand }, { ...parallel, warmUp: 0 });
const busy = (await serverCpu() - cpu) / (performance.now() - started);
console.error(`  the server was busy for ${Math.round(busy * 100)} % of the fastest client's time`);

answer({
  single: ratioOf(one.ours, one.byHand),
  parallel: ratioOf(many.ours, many.byHand),
  singleToken: ratioOf(one.oursWithToken, one.byHandWithToken),
  parallelToken: ratioOf(many.oursWithToken, many.byHandWithToken),
  singleAxios: ratioOf(one.ours, one.axios),
  parallelAxios: ratioOf(many.ours, many.axios),
  singleKy: ratioOf(one.ours, one.plainKy),
  parallelKy: ratioOf(many.ours, many.plainKy),
  singleFloor: ratioOf(one.ours, one.kyAlone),
  parallelFloor: ratioOf(many.ours, many.kyAlone),
  floor: ratioOf(one.kyAlone, one.byHand),
  parallelFloorOverHand: ratioOf(many.kyAlone, many.byHand),
  floorAxios: ratioOf(one.kyAlone, one.axios),
  parallelFloorAxios: ratioOf(many.kyAlone, many.axios),
  chunked: ratioOf(chunked.ours, chunked.byHand),
  notFound: ratioOf(missing.ours, missing.byHand),
});
