import { setTimeout } from "node:timers/promises";
import { elements, type Shape } from "../../src/compiler/graph.ts";
import { isBytes, listed, type Pixels, type Samples } from "../../src/train/samples.ts";
import type { Into, SampleSource } from "../../src/train/source.ts";

/** What a source was asked for. */
export interface Asked {
  /** Numbers of each call of read(), in their order. */
  readonly reads: number[][];
  /** Most reads that were under way at once. */
  most: number;
  closed: number;
}

/**
 * A source of samples that lie in memory, whose images are shapes by input as in Samples; it notes what it is asked for.
 * @param fails numbers of samples that cannot be read
 */
export function sourceOf(
  { images, labels, targets, weights, ...samples }: Samples,
  fails: ReadonlySet<number> = new Set(),
): SampleSource & { readonly asked: Asked } {
  const arrays = listed<Pixels>(images as Pixels | Pixels[]);
  const shapes = (Array.isArray(samples.shape[0 as never]) ? samples.shape : [samples.shape]) as Shape[];
  const asked: Asked = { reads: [], most: 0, closed: 0 };
  let underWay = 0;
  return {
    ...samples,
    ...(labels && { labels }),
    ...(targets && { targets }),
    ...(weights && { weights }),
    pixels: isBytes(arrays[0]) ? "bytes" : "floats",
    asked,
    async read(indices: Uint32Array, into: Into) {
      asked.reads.push([...indices]);
      asked.most = Math.max(asked.most, ++underWay);
      await setTimeout(indices[0]! % 3);
      underWay--;
      const bad = indices.find((index) => fails.has(index));
      if (bad !== undefined) throw new Error(`sample ${bad} has disappeared`);
      const own = listed(into as Pixels | Pixels[]);
      arrays.forEach((array, k) => {
        const size = elements(shapes[k]!);
        for (const [i, index] of indices.entries())
          own[k]!.set(array.subarray(index * size, (index + 1) * size), i * size);
      });
    },
    close() {
      asked.closed++;
    },
  };
}
