/** Several maps of one layer as one picture: a canvas for each would make a page of hundreds. */
export interface Atlas {
  /** RGBA. */
  readonly pixels: Uint8Array;
  /** `[height, width, 4]`. */
  readonly shape: readonly [number, number, 4];
}

/**
 * The first maps of an activation `[height, width, channels]` side by side, some to a row, bright where they are strong:
 * on one scale for the whole layer, from its least number to its greatest, 0 included. Between maps it is clear.
 */
export function mapAtlas(data: Float32Array, shape: readonly number[], maps: number, columns: number): Atlas {
  const [height = 1, width = 1, channels = 1] = shape;
  const gap = Math.max(1, Math.round(width / 10));
  const rows = Math.ceil(maps / columns);
  const atlasWidth = columns * (width + gap) - gap;
  const atlasHeight = rows * (height + gap) - gap;
  const pixels = new Uint8Array(4 * atlasWidth * atlasHeight);
  const shade = shades(data);
  for (let map = 0; map < maps; map++) {
    const left = (map % columns) * (width + gap);
    const top = Math.floor(map / columns) * (height + gap);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        put(pixels, (top + y) * atlasWidth + left + x, shade(data[(y * width + x) * channels + map]!));
  }
  return { pixels, shape: [atlasHeight, atlasWidth, 4] };
}

/** The numbers of a flat layer in rows, the rest of the last row clear. */
export function rowAtlas(data: Float32Array): Atlas {
  const width = Math.min(data.length, data.length > 256 ? 80 : 32);
  const height = Math.ceil(data.length / width);
  const pixels = new Uint8Array(4 * width * height);
  const shade = shades(data);
  data.forEach((value, i) => {
    put(pixels, i, shade(value));
  });
  return { pixels, shape: [height, width, 4] };
}

function put(pixels: Uint8Array, at: number, grey: number): void {
  pixels.fill(grey, 4 * at, 4 * at + 3);
  pixels[4 * at + 3] = 255;
}

function shades(data: Float32Array): (value: number) => number {
  let low = 0;
  let high = 0;
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? 255 / (high - low) : 0;
  return (value) => Math.round((value - low) * scale);
}
