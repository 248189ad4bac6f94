// What runtimes.test.ts runs in other runtimes: `golden-runs.mjs SAMPLES 'JSON'` trains with the package, imported by its
// name, on the samples of a file (bytes of the images, then of the labels), and prints one result for each run of the JSON.
import { readFileSync } from "node:fs";
import { namedModel, sequential } from "wasmgrad";

const [, , file, job] = process.argv;
const { count, batchSize, runs } = JSON.parse(job);
const bytes = new Uint8Array(readFileSync(file));
const labels = bytes.subarray(count * 784);
const samples = { images: bytes.subarray(0, count * 784), labels, count, shape: [28, 28, 1] };

const results = [];
for (const { name, ...options } of runs) {
  const model = sequential(namedModel(name, [28, 28, 1], 10));
  await model.compile({ seed: 1, ...options });
  const { engine } = model.session;
  // A run waits for no thread: here each is to have had its part.
  for (const end = Date.now() + 20_000; engine.startedThreads < engine.threads && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 5));
  const started = engine.startedThreads;
  await model.fit(samples, { batchSize });
  results.push({ name, ...options, started, sha256: await model.weightsSha256() });
  // Left undisposed on purpose: the process is to end all the same.
}
console.log(JSON.stringify(results));
