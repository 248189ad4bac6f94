#!/usr/bin/env node
// npm run bench:stream: training on images that are streamed from disk beside the same in memory, in turns.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { encode } from "fast-png";
import { createModel, encodeIdxImages, encodeIdxLabels, loadDataset } from "../../dist/node.js";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "12000" },
    pictures: { type: "string", default: "2000" },
    rounds: { type: "string", default: "5" },
    model: { type: "string", default: "keras-mnist" },
    threads: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run bench:stream -- [--images 12000] [--pictures 2000] [--rounds 5] [--model keras-mnist] [--threads 1]

Trains an epoch on generated digits in memory and streamed, in turns: as an IDX file, and as a folder of PNGs, which are
decoded anew in every epoch. Prints the best of the rounds, and the streamed speed over that in memory. Files were just
written, so that they are read from the system's memory: a slow disk is not measured.`);
  process.exit();
}

const [count, pictures, rounds, threads] = [
  values.images,
  values.pictures,
  values.rounds,
  values.threads,
].map(Number);
const folder = mkdtempSync(join(tmpdir(), "wasmgrad-bench-"));
try {
  const { train, test } = await loadDataset("digits", { digits: { train: count, test: 10 } });
  const idx = join(folder, "idx");
  mkdirSync(idx);
  for (const [part, set] of Object.entries({ train, t10k: test })) {
    writeFileSync(join(idx, `${part}-images-idx3-ubyte`), encodeIdxImages(set));
    writeFileSync(join(idx, `${part}-labels-idx1-ubyte`), encodeIdxLabels(set.labels));
  }
  const png = join(folder, "png");
  for (let i = 0; i < Math.min(pictures, count); i++) {
    const place = join(png, String(train.labels[i]));
    mkdirSync(place, { recursive: true });
    const data = train.images.subarray(784 * i, 784 * (i + 1));
    writeFileSync(join(place, `${i}.png`), encode({ width: 28, height: 28, channels: 1, data }));
  }
  for (const [what, path] of Object.entries({ "IDX file": idx, "folder of PNGs": png })) {
    const options = path === png ? { imageSize: [28, 28], colorMode: "grayscale" } : {};
    const sets = {
      "in memory": (await loadDataset(path, options)).train,
      streamed: (await loadDataset(path, { ...options, stream: true })).train,
    };
    const best = { "in memory": 0, streamed: 0 };
    for (let round = 0; round < rounds; round++)
      for (const [way, set] of Object.entries(sets)) {
        const net = createModel(values.model, set.shape, 10);
        await net.compile({ threads });
        const began = performance.now();
        await net.fit(set);
        best[way] = Math.max(best[way], (1000 * set.count) / (performance.now() - began));
        net.dispose();
      }
    const speed = (way) => `${Math.round(best[way]).toLocaleString("en-US")} images/s ${way}`;
    console.log(
      `${what}, ${sets.streamed.count} images of 28x28, ${values.model}, ${threads} thread${threads > 1 ? "s" : ""}: ${speed("in memory")}, ${speed("streamed")}: ${(best.streamed / best["in memory"]).toFixed(2)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
