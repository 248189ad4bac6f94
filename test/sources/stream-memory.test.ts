import { execFile } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { encodeIdxLabels } from "../../src/data/index.ts";
import { tempFolder } from "../data/helpers.ts";
import { fillTree, png } from "./pictures.ts";

const MB = 1e6;
const NODE = new URL("../../dist/node.js", import.meta.url).href;

/**
 * Trains an epoch on a dataset that is streamed in a process of its own, and tells by how much memory grew engine and model included, and by
 * how much in the second half of it; and how large the images are.
 */
async function growth(path: string, options: object, batchSize: number) {
  const script = `
    import { dense, globalAveragePooling2d, loadDataset, sequential } from ${JSON.stringify(NODE)};
    const first = process.memoryUsage();
    const { train } = await loadDataset(${JSON.stringify(path)}, { stream: true, ...${JSON.stringify(options)} });
    const net = sequential([globalAveragePooling2d({ inputShape: train.shape }), dense({ units: 2, activation: "softmax" })]);
    await net.compile({ threads: 1 });
    let rss = 0, arrays = 0, early = 0;
    await net.fit(train, { batchSize: ${batchSize}, callbacks: { onBatchEnd({ seen }) {
      const used = process.memoryUsage();
      rss = Math.max(rss, used.rss);
      if (seen <= train.count / 2) early = rss;
      arrays = Math.max(arrays, used.arrayBuffers);
    } } });
    const images = train.shape.reduce((product, n) => product * n, train.count);
    console.log(JSON.stringify({ images, rss: rss - first.rss, late: rss - early, arrays: arrays - first.arrayBuffers }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  return JSON.parse(stdout) as { images: number; rss: number; late: number; arrays: number };
}

test("memory stays as it is while a file many times its growth is trained on", {
  timeout: 120_000,
}, async () => {
  const folder = await tempFolder();
  const shape = [64, 64, 3] as const;
  for (const [part, count] of [
    ["train", 50_000],
    ["t10k", 2],
  ] as const) {
    const dims = Uint32Array.of(count, ...shape);
    const header = new DataView(new ArrayBuffer(20));
    header.setUint32(0, 0x0804);
    for (const [i, dim] of dims.entries()) header.setUint32(4 + 4 * i, dim);
    // Zeros that take no room on the disk.
    const file = await open(join(folder, `${part}-images-idx4-ubyte`), "w");
    await file.write(new Uint8Array(header.buffer));
    await file.truncate(20 + dims.reduce((product, n) => product * n, 1));
    await file.close();
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), encodeIdxLabels(labels));
  }
  const { images, rss, late, arrays } = await growth(folder, {}, 100);
  expect(images).toBeGreaterThan(600 * MB);
  expect(rss).toBeLessThan(150 * MB);
  expect(late).toBeLessThan(50 * MB);
  expect(arrays).toBeLessThan(20 * MB);
});

test("memory stays as it is while pictures are decoded", { timeout: 120_000 }, async () => {
  const files = Array.from(
    { length: 500 },
    (_, i) => [`${i % 2}/${i}.png`, png(400, 300, [i % 256, 7, 99])] as const,
  );
  const folder = await fillTree(await tempFolder(), Object.fromEntries(files));
  const { images, late, arrays } = await growth(
    folder,
    { imageSize: [300, 400], colorMode: "rgb", testSplit: 0.01 },
    8,
  );
  expect(images).toBeGreaterThan(140 * MB);
  // Decoders, and what they leave to be collected, are not little, but become no more.
  expect(late).toBeLessThan(40 * MB);
  expect(arrays).toBeLessThan(30 * MB);
});
