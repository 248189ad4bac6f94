import type { StreamedImageSet } from "../data/streamed.ts";

/** A read that waits until the other one asks for the same images. */
interface Waiting {
  readonly indices: Uint32Array;
  readonly into: Uint8Array;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * What two make of the same images, both in the same order, each with a set of its own: what both have asked for is read and decoded
 * once. Rejects as `first` does, with which `second` ends as well, else as `second` does. Closes the images.
 */
export async function readOnce<A, B>(
  images: StreamedImageSet,
  first: (own: StreamedImageSet) => Promise<A>,
  second: (own: StreamedImageSet) => Promise<B>,
): Promise<[A, B]> {
  const [asked, askedToo]: [Waiting[], Waiting[]] = [[], []];
  let [over, alone] = [false, false];
  const serve = () => {
    while (asked.length > 0 && (alone || askedToo.length > 0)) {
      const one = asked.shift()!;
      const other = askedToo.shift();
      images.read(one.indices, one.into).then(
        () => {
          other?.into.set(one.into);
          one.resolve();
          other?.resolve();
        },
        (error: unknown) => {
          one.reject(error);
          other?.reject(error);
        },
      );
    }
    // Nobody hears of it: what ended the first is told.
    if (over) for (const { reject } of askedToo.splice(0)) reject(new Error("the first has ended"));
  };
  const own = (queue: Waiting[]): StreamedImageSet => ({
    ...images,
    read: (indices, into) =>
      new Promise((resolve, reject) => {
        queue.push({ indices, into, resolve, reject });
        serve();
      }),
    async close() {},
  });
  const [one, other] = await Promise.allSettled([
    first(own(asked)).finally(() => {
      over = true;
      serve();
    }),
    second(own(askedToo)).finally(() => {
      alone = true;
      serve();
    }),
  ]);
  const closed = images.close();
  if (one.status === "fulfilled" && other.status === "fulfilled") {
    await closed;
    return [one.value, other.value];
  }
  await closed.catch(() => {});
  throw one.status === "rejected" ? one.reason : (other as PromiseRejectedResult).reason;
}
