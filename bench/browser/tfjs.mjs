import { median } from "../peers/measure.mjs";
import { launch, openPage } from "./browsers.mjs";

/** Batches before the clock starts: WebGL compiles its programs in the first ones. */
const WARM_UP = { cpu: 0, webgl: 3 };

/**
 * TensorFlow.js in Chromium, the seed CNN as a tf.layers model: `{ version, rows: [{ backend, training, inference,
 * lossFirst, lossLast, renderer }], skipped }`.
 */
export async function measureTfjs(origin, { backends, rounds, seconds, log }) {
  const browser = await launch("chromium", { webgl: true });
  const rows = [];
  const skipped = [];
  let version;
  try {
    for (const backend of backends) {
      log(`TensorFlow.js ${backend}`);
      try {
        const call = await openPage(browser, `${origin}/tfjs.html`);
        const opened = await call("open", backend);
        version = opened.version;
        const first = await call("train", 0);
        for (let i = 0; i < WARM_UP[backend]; i++) await call("train", 0);
        const training = [];
        let last;
        for (let round = 0; round < rounds; round++) {
          last = await call("train", seconds);
          training.push(last.imagesPerSecond);
        }
        if (!(last.value < first.value))
          throw new Error(`it does not learn: loss ${first.value} at first, ${last.value} at last`);
        await call("infer", 0);
        const inference = [];
        for (let round = 0; round < rounds; round++)
          inference.push((await call("infer", seconds / 2)).imagesPerSecond);
        rows.push({
          backend,
          renderer: opened.renderer,
          training: median(training),
          inference: median(inference),
          samples: { training, inference },
          lossFirst: first.value,
          lossLast: last.value,
        });
      } catch (error) {
        skipped.push({ backend, reason: error.message });
      }
    }
  } finally {
    await browser.close();
  }
  return { version, rows, skipped };
}
