import { useLayoutEffect, useRef } from "preact/hooks";

interface PixelsProps {
  /** Bytes, `height * width * channels`: 1 channel is grey, 3 are RGB, 4 RGBA; of others the first is shown. */
  readonly pixels: Uint8Array | Uint8ClampedArray;
  /** `[height, width, channels]`. */
  readonly shape: readonly number[];
  /** What it shows, in words; none where text beside it says so. */
  readonly label?: string | undefined;
}

/** A small picture, its pixels crisp at any size. */
export function Pixels({ pixels, shape, label }: PixelsProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [height = 1, width = 1, channels = 1] = shape;
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context)
      context.putImageData(new ImageData(rgba(pixels, width * height, channels), width, height), 0, 0);
  }, [pixels, width, height, channels]);
  return (
    <canvas
      ref={canvas}
      class="pixels"
      width={width}
      height={height}
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    />
  );
}

function rgba(
  pixels: Uint8Array | Uint8ClampedArray,
  count: number,
  channels: number,
): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(4 * count);
  const colour = channels === 3 || channels === 4;
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    out[4 * i] = pixels[at]!;
    out[4 * i + 1] = pixels[colour ? at + 1 : at]!;
    out[4 * i + 2] = pixels[colour ? at + 2 : at]!;
    out[4 * i + 3] = channels === 4 ? pixels[at + 3]! : 255;
  }
  return out;
}

/** One image of a set, a view on its bytes. */
export function imageAt(
  set: { readonly images: Uint8Array; readonly shape: readonly number[] },
  index: number,
): Uint8Array {
  const size = set.shape.reduce((product, n) => product * n, 1);
  return set.images.subarray(index * size, (index + 1) * size);
}
