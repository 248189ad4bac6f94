// What data.test.ts does in pages: each function runs in a page and returns plain data.
import { DataError, generateDigits, loadDataset, sha256 } from "/dist/wasmgrad.js";

/** Loads, and tells all that was to be seen: content, notices, progress, or the error. */
export async function load(dataset, options = {}) {
  const notices = [];
  const progress = [];
  try {
    const { name, classNames, train, test } = await loadDataset(dataset, {
      retryDelayMs: 10,
      ...options,
      onNotice: (notice) => notices.push(notice),
      onProgress: (report) => progress.push(report),
    });
    return {
      name,
      classes: classNames.length,
      counts: [train.count, test.count],
      images: await sha256(train.images),
      labels: Array.from(test.labels.subarray(0, 10)),
      notices,
      progress,
    };
  } catch (error) {
    return { error: error.message, code: error.code, isDataError: error instanceof DataError, notices };
  }
}

/** The generated digits are those of generateDigits(), whichever way their number is given. */
export async function digits() {
  const own = await generateDigits({ train: 40, test: 20, seed: 5 });
  const expected = await sha256(own.train.images);
  const results = [];
  for (const options of [{ train: 40, test: 20, seed: 5 }, { digits: { train: 40, test: 20, seed: 5 } }])
    results.push(await load("digits", options));
  return { expected, results };
}

/** Aborted before, and while a mirror keeps it waiting. */
export async function aborting(info, mirror) {
  const reason = async (signal) => {
    const began = performance.now();
    try {
      await loadDataset(info, { mirrors: [mirror], signal });
      return "no error";
    } catch (error) {
      return { message: error.message, soon: performance.now() - began < 5000 };
    }
  };
  const before = AbortSignal.abort(new Error("not today"));
  const later = new AbortController();
  setTimeout(() => later.abort(new Error("enough")), 200);
  return [await reason(before), await reason(later.signal)];
}

/** Names of the files that the browser's storage keeps. */
export async function kept() {
  const cache = await caches.open("wasmgrad-data");
  return (await cache.keys()).map(({ url }) => url.replace(/.*\//, "")).sort();
}

/** Changes one byte of a kept file. */
export async function damage(file) {
  const cache = await caches.open("wasmgrad-data");
  const request = (await cache.keys()).find(({ url }) => url.endsWith(file));
  const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
  bytes[bytes.length - 20] ^= 1;
  await cache.put(request, new Response(bytes));
}
