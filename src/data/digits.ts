import { loadWasmBytes } from "#platform";
import { DIGIT_PIXELS, DIGIT_SIDE } from "../engine/abi.ts";
import { withAddresses } from "../engine/addresses.ts";
import { type WasmSource, wasmBytes } from "../engine/kernels.ts";
import { checkOptions } from "../options/check.ts";
import type { DigitsOptions } from "./load-options.ts";
import { DIGITS } from "./options.ts";
import type { Dataset, ImageSet } from "./types.ts";

export const DIGITS_SHAPE: ImageSet["shape"] = [DIGIT_SIDE, DIGIT_SIDE, 1];
const CLASS_NAMES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** Index of the first test image; a multiple of ten, like a block of labels, and far beyond any training image. */
const FIRST_TEST = 2_000_000_000;

/** The exports of build/digits.wasm: see assembly/digits/index.ts. */
interface DigitsModule {
  readonly memory: WebAssembly.Memory;
  readonly CHUNK: WebAssembly.Global<"i32">;
  readonly pixels: WebAssembly.Global<"i32">;
  readonly labels: WebAssembly.Global<"i32">;
  generate(seed: number, first: number, count: number): void;
}

/**
 * Draws handwritten-looking digits, 28x28 grey: white (255) on black, fitted into a 20x20 box whose centre of mass is
 * in the middle of the image, as in MNIST. No file and no network: every image is computed, with the same bits on
 * every machine.
 *
 * Image i of a seed does not depend on how many are asked for, so a smaller set is the beginning of a larger one.
 * Labels are balanced: each ten images in a row hold every digit once, in random order. Test images are drawn like
 * training images, but none is ever both.
 *
 * Throws DataError `bad-argument` for a count that is not an integer from 0 to 1,000,000, a bad seed, or an option that is none.
 */
export async function generateDigits(options: DigitsOptions = {}): Promise<Dataset> {
  checkOptions(DIGITS, options);
  const { train = 12_000, test = 2_000, seed = 1 } = options;
  const instance = await instantiate(options.wasm);
  const module = instance.exports as unknown as DigitsModule;
  return {
    name: "digits",
    classNames: CLASS_NAMES,
    train: draw(module, seed, 0, train),
    test: draw(module, seed, FIRST_TEST, test),
  };
}

async function instantiate(wasm: WasmSource | undefined): Promise<WebAssembly.Instance> {
  const module =
    wasm instanceof WebAssembly.Module
      ? wasm
      : await WebAssembly.compile(await (wasm === undefined ? loadWasmBytes("digits") : wasmBytes(wasm)));
  return withAddresses(() => WebAssembly.instantiate(module));
}

/** Images `first` to `first + count - 1` of `seed`, copied out of the module chunk by chunk. */
function draw(module: DigitsModule, seed: number, first: number, count: number): ImageSet {
  const images = new Uint8Array(count * DIGIT_PIXELS);
  const labels = new Uint8Array(count);
  const chunk = module.CHUNK.value;
  for (let done = 0; done < count; done += chunk) {
    const n = Math.min(chunk, count - done);
    module.generate(seed, first + done, n);
    const { buffer } = module.memory;
    images.set(new Uint8Array(buffer, module.pixels.value, n * DIGIT_PIXELS), done * DIGIT_PIXELS);
    labels.set(new Uint8Array(buffer, module.labels.value, n), done);
  }
  return { images, labels, count, shape: DIGITS_SHAPE };
}
