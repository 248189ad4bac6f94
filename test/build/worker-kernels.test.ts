import { expect, test } from "vitest";
import { KERNELS } from "../../src/engine/kernel-table.ts";

/** Kernels that no training calls. */
const ELSEWHERE = ["peak", "randomBits"];

// A worker carries the lines of the kernel table that its script names: a name that is put together is not among them.
test("the scripts of a page's workers name every kernel that a training may call", async () => {
  const scripts = await Promise.all(
    ["training", "further", "extra"].map(
      async (name) => (await import(`../../build/${name}-worker.js`)).default as string,
    ),
  );
  const words = new Set(scripts.flatMap((script) => script.match(/\w+/g)));
  const missing = Object.keys(KERNELS).filter((name) => !words.has(name));
  expect(missing).toEqual(ELSEWHERE);
});
