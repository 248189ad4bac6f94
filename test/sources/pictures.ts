import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encode } from "fast-png";

/** A PNG of one colour, or of a grey. */
export function png(
  width: number,
  height: number,
  colour: number | readonly [number, number, number],
): Uint8Array {
  const channels = typeof colour === "number" ? 1 : 3;
  const data = new Uint8Array(width * height * channels).map((_, i) =>
    typeof colour === "number" ? colour : colour[i % 3]!,
  );
  return encode({ width, height, channels, data });
}

/** Writes files into a folder and those within it. */
export async function fillTree(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** What Keras made of a folder: see test/fixtures/make_pictures.py. */
export interface KerasCase {
  readonly options: {
    readonly image_size: readonly [number, number];
    readonly interpolation?: "bilinear" | "nearest" | "bicubic" | "area";
    readonly color_mode?: "grayscale";
    readonly crop_to_aspect_ratio?: boolean;
    readonly pad_to_aspect_ratio?: boolean;
    readonly class_names?: readonly string[];
  };
  readonly classNames: readonly string[];
  readonly files: readonly string[];
  readonly labels: readonly number[];
  /** Hundredths, int16. */
  readonly images: string;
}

export const keras: {
  readonly files: Readonly<Record<string, string>>;
  readonly cases: readonly KerasCase[];
} = JSON.parse(readFileSync(new URL("../fixtures/pictures/folders.json", import.meta.url), "utf8"));

/** The images of a case. */
export function hundredthsOf({ images }: KerasCase): Int16Array {
  const bytes = Uint8Array.from(Buffer.from(images, "base64"));
  return new Int16Array(bytes.buffer);
}

/** How far bytes may be from a case's images: half a step of a byte, half of a hundredth, and what TensorFlow rounds. */
export function toleranceOf({ color_mode, interpolation }: KerasCase["options"]): number {
  // It reads its cubic from a table of 1024 values, and makes bytes of grey before it resizes.
  return 0.506 + (color_mode ? 1 : interpolation === "bicubic" ? 0.05 : 0);
}
