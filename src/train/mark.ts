import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { listed, type Pixels } from "./samples.ts";
import type { Held } from "./source.ts";

/** Bytes of an array that are looked at: of a larger one so many, evenly spread, as all would hold up the page. */
const MOST_BYTES = 2 ** 18;

/** An array is looked at once. */
const MARKS = new WeakMap<ArrayBufferView, string>();

/**
 * What tells samples from others, which are as many: a hash of their numbers, in hex; of a source its own mark stands for those that it
 * reads. Of samples that are inOrder().
 */
export function markOf(samples: Held): string {
  const { labels, targets, weights, mark } = samples;
  const arrays = [
    mark === undefined ? listed<Pixels>(samples.images) : [],
    listed(labels),
    listed(targets),
    listed(weights),
  ];
  const marks = [mark, ...arrays.map((each) => each.map((array) => array && markOfArray(array)))].filter(
    Boolean,
  );
  return hash(new TextEncoder().encode(JSON.stringify(marks)));
}

/** What tells the samples of a training, and those that validate it. */
export function dataOf(train: Held, validation: Held | undefined): string {
  return [train, ...(validation ? [validation] : [])].map(markOf).join();
}

/**
 * What tells them where a source's numbers could not be read, and may have been mended since: of a source its shape, and what lies in
 * memory beside it.
 */
export function likenessOf(train: Held, validation?: Held): string {
  return [train, ...(validation ? [validation] : [])]
    .map((samples) => {
      const { mark, count, shape, labels, targets, weights } = samples;
      return mark === undefined
        ? markOf(samples)
        : markOf({
            images: [],
            shape,
            count,
            labels,
            targets,
            weights,
            mark: `${count} of ${shape}`,
          } as Held);
    })
    .join();
}

function markOfArray(array: ArrayBufferView): string {
  let mark = MARKS.get(array);
  if (mark === undefined) {
    const { buffer, byteOffset, byteLength: length } = array;
    const bytes = new Uint8Array(buffer, byteOffset, length);
    const few = Math.min(length, MOST_BYTES);
    const some = new Uint8Array(few);
    for (let i = 0; i < few; i++) some[i] = bytes[Math.floor((i * length) / few)]!;
    mark = hash(some);
    MARKS.set(array, mark);
  }
  return mark;
}

const hash = (bytes: Uint8Array) => bytesToHex(sha256(bytes)).slice(0, 32);
