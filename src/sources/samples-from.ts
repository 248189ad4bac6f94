import { elements, type Shape } from "../compiler/graph.ts";
import {
  COLOR_MODES,
  type ColorMode,
  INTERPOLATIONS,
  type Interpolation,
  imageSizeKind,
  RESIZES,
  type Resize,
} from "../data/picture-options.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { counted } from "../options/counted.ts";
import { oneOf, some, type TableOf } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import { fitPicture } from "../picture/fit.ts";
import type { Picture } from "../picture/picture.ts";
import { type PictureSource, pictureIn } from "../picture/source.ts";
import { isPixels, type Pixels, type PlainSamples, SamplesError } from "../train/samples.ts";
import { answersOf, type LabelsSource, wrong } from "./answers.ts";

/** Numbers in lists: `[height][width]`, or `[height][width][channels]`, or of any other depth. */
export type Nested = readonly number[] | readonly Nested[];
type Numbers = Pixels | Float64Array | Int8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
type OnePicture = Exclude<PictureSource, string | URL | Uint8Array | ArrayBuffer>;

/** Images as programs hold them: numbers in lists, one typed array of all or one for each, or pictures. */
export type ImagesSource = readonly Nested[] | Numbers | readonly Numbers[] | readonly OnePicture[];
export interface SamplesFromOptions {
  /** Shape of one image, where images are typed arrays: `[height, width, channels]`. */
  readonly shape?: Shape | undefined;
  /** Names of the classes, class 0 first. Default, of labels that are names: all that there are, sorted. */
  readonly classNames?: readonly string[] | undefined;
  /**
   * "bytes", 0 to 255, are scaled by the model's preprocessing; "floats" are taken as they are. Default: by the array's type; of
   * lists, bytes where all are whole numbers from 0 to 255 and one is above 1.
   */
  readonly pixels?: "bytes" | "floats" | undefined;
  /** Of pictures: `[height, width]`. Default: that of the first. */
  readonly imageSize?: readonly [height: number, width: number] | undefined;
  /** Of pictures. Default "rgb". */
  readonly colorMode?: ColorMode | undefined;
  /** Of pictures. Default "bilinear". */
  readonly interpolation?: Interpolation | undefined;
  /** Of pictures. Default "stretch". */
  readonly resize?: Resize | undefined;
}

const CALL = "samplesFrom(images, labels, *)";
const SAMPLES_FROM: Checked = {
  call: CALL,
  error: (problem) => new SamplesError(`samplesFrom: ${problem}`),
  table: (): TableOf<SamplesFromOptions> => ({
    shape: some<Shape>(
      "the shape of one image: [height, width, channels]",
      (value) =>
        Array.isArray(value) && value.length > 0 && value.every((n) => Number.isSafeInteger(n) && n > 0),
      [28, 28, 1],
    ),
    classNames: some(
      "a list of different names",
      (value) =>
        Array.isArray(value) &&
        value.every((name) => typeof name === "string") &&
        new Set(value).size === value.length,
      ["no", "yes"],
    ),
    pixels: oneOf(["bytes", "floats"] as const),
    imageSize: imageSizeKind(),
    colorMode: oneOf(COLOR_MODES),
    interpolation: oneOf(INTERPOLATIONS),
    resize: oneOf(RESIZES),
  }),
};

/** What fit(), evaluate() and predict() take, with the names of its classes. */
export class MadeSamples implements PlainSamples {
  readonly images: Pixels;
  readonly shape: Shape;
  readonly count: number;
  declare readonly labels?: Uint8Array;
  declare readonly targets?: Float32Array;
  // No property of its own: samples have none but those above.
  readonly #classNames: readonly string[] | undefined;

  constructor(
    { images, shape, count, labels, targets }: PlainSamples,
    classNames: readonly string[] | undefined,
  ) {
    this.images = images;
    this.shape = shape;
    this.count = count;
    if (labels) this.labels = labels;
    if (targets) this.targets = targets;
    this.#classNames = classNames;
  }

  /** Of labels that are names, or as they were given. */
  get classNames(): readonly string[] | undefined {
    return this.#classNames;
  }
}

/** Largest number that fractions may have beside them without doubt that they are meant as they are. */
const MOST_FLOAT = 32;

/**
 * Makes samples of what programs hold.
 * Throws SamplesError, which says what to write; PictureError where a picture cannot be read.
 */
export async function samplesOf(
  images: ImagesSource,
  labels: LabelsSource | undefined,
  options: SamplesFromOptions,
  decode: (bytes: Uint8Array) => Promise<Picture>,
): Promise<MadeSamples> {
  checkOptions(SAMPLES_FROM, options);
  const made = isNumbers(images)
    ? ofArray(images, options)
    : Array.isArray(images) && images.length > 0
      ? await ofList(images, options, decode)
      : undefined;
  if (!made)
    throw wrong(
      `images is ${show(images)}, expected a list of images or a typed array of all of them. Write: samplesFrom([[[0, 255], [255, 0]]], [1])`,
    );
  if (labels === undefined) return new MadeSamples(made, options.classNames);
  const { classNames = options.classNames, ...answers } = answersOf(labels, made.count, options.classNames);
  return new MadeSamples({ ...made, ...answers }, classNames);
}

function isNumbers(value: unknown): value is Numbers {
  return (
    ArrayBuffer.isView(value) && !(value instanceof DataView) && typeof (value as Pixels)[0] !== "bigint"
  );
}

type Images = Pick<PlainSamples, "images" | "shape" | "count">;

/** One array of all images. */
function ofArray(all: Numbers, { shape, pixels }: SamplesFromOptions): Images {
  if (!shape)
    throw wrong(
      `images is a ${all.constructor.name} of all images, of which the shape of one is not known. Write: ${CALL.replace("*", "{ shape: [28, 28, 1] }")}`,
    );
  const size = elements(shape);
  const count = all.length / size;
  if (!Number.isInteger(count) || count === 0)
    throw wrong(
      `images holds ${counted(all.length, "number")}, no whole images of ${size}, as shape [${shape.join(", ")}] has them`,
    );
  return { images: asPixels(all, pixels), shape, count };
}

function asPixels(numbers: Numbers, pixels: SamplesFromOptions["pixels"]): Pixels {
  if (isPixels(numbers)) {
    if (pixels === undefined || (pixels === "floats") === numbers instanceof Float32Array) return numbers;
    return pixels === "floats" ? Float32Array.from(numbers) : bytesOf(numbers);
  }
  // Other integers may be anything: what they are shows in them.
  return numbersAsPixels(numbers, numbers instanceof Float64Array ? (pixels ?? "floats") : pixels);
}

/** Bytes where all are: see `pixels`. */
function numbersAsPixels(numbers: ArrayLike<number>, pixels: SamplesFromOptions["pixels"]): Pixels {
  if (pixels === "floats") return finite(Float32Array.from(numbers));
  if (pixels === "bytes") return bytesOf(numbers);
  let [whole, least, most] = [true, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i]!;
    whole &&= Number.isInteger(value);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (whole && least >= 0 && most > 1 && most <= 255) return bytesOf(numbers);
  if (!whole && least >= 0 && most > MOST_FLOAT && most <= 255)
    throw wrong(
      `images hold fractions and numbers up to ${most}: they may be meant as bytes, which are scaled, or as they are. Write: pixels: "bytes", after Math.round, or pixels: "floats"`,
    );
  return finite(Float32Array.from(numbers));
}

function finite(numbers: Float32Array): Float32Array {
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw wrong(`images: number ${at} is ${numbers[at]}, expected finite numbers`);
  return numbers;
}

function bytesOf(numbers: ArrayLike<number>): Uint8Array {
  const bytes = Uint8Array.from(numbers);
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] !== numbers[i])
      throw wrong(
        `images: number ${i} is ${numbers[i]}, expected bytes: whole numbers from 0 to 255. Write: pixels: "floats", which are taken as they are`,
      );
  return bytes;
}

/** A list with an image each. */
async function ofList(
  list: readonly unknown[],
  options: SamplesFromOptions,
  decode: (bytes: Uint8Array) => Promise<Picture>,
): Promise<Images> {
  const [first] = list;
  if (isNumbers(first)) return ofArrays(list, options);
  if (Array.isArray(first) || typeof first === "number") return ofNested(list, options);
  if (typeof first === "string" || first instanceof URL)
    throw wrong(
      `images[0] is ${show(String(first))}: a picture's place, expected the picture. Write: samplesFrom(await Promise.all(paths.map(async (path) => new Blob([await readFile(path)]))), labels)`,
    );
  return ofPictures(list as readonly OnePicture[], options, decode);
}

function ofArrays(list: readonly unknown[], options: SamplesFromOptions): Images {
  const { shape } = options;
  if (!shape)
    throw wrong(
      `images are a ${(list[0] as Numbers).constructor.name} each, of which the shape is not known. Write: ${CALL.replace("*", "{ shape: [28, 28, 1] }")}`,
    );
  const size = elements(shape);
  const odd = list.findIndex(
    (one) => !isNumbers(one) || one.length !== size || one.constructor !== list[0]!.constructor,
  );
  if (odd >= 0)
    throw wrong(
      `images[${odd}] is ${isNumbers(list[odd]) ? `a ${list[odd].constructor.name} of ${list[odd].length}` : show(list[odd])}, expected a ${(list[0] as Numbers).constructor.name} of ${size} numbers, as shape [${shape.join(", ")}] has them`,
    );
  const all = new (list[0]!.constructor as Float32ArrayConstructor)(list.length * size);
  for (const [i, one] of list.entries()) all.set(one as Float32Array, i * size);
  return { images: asPixels(all, options.pixels), shape, count: list.length };
}

/** Numbers in lists: their lengths are the shape. An image of rows of numbers has one channel. */
function ofNested(list: readonly unknown[], { shape, pixels }: SamplesFromOptions): Images {
  const sizes: number[] = [];
  for (let one: unknown = list[0]; Array.isArray(one); one = one[0]) sizes.push(one.length);
  if (sizes.length === 0)
    throw wrong(
      `images is a list of numbers, expected one of images. Write: samplesFrom([image], [label]), or ${CALL.replace("images", "Float32Array.from(images)").replace("*", "{ shape: [28, 28, 1] }")}`,
    );
  const numbers: number[] = [];
  const flatten = (one: unknown, depth: number, where: string): void => {
    if (depth === sizes.length) {
      if (typeof one !== "number") throw wrong(`images${where} is ${show(one)}, expected a number`);
      numbers.push(one);
      return;
    }
    if (!Array.isArray(one) || one.length !== sizes[depth])
      throw wrong(
        `images${where} is ${Array.isArray(one) ? `a list of ${one.length}` : show(one)}, expected one of ${sizes[depth]}, as those before it`,
      );
    for (const [i, inner] of one.entries()) flatten(inner, depth + 1, `${where}[${i}]`);
  };
  for (const [i, one] of list.entries()) flatten(one, 0, `[${i}]`);
  const own = sizes.length === 2 ? [...sizes, 1] : sizes;
  if (shape && elements(shape) !== elements(own))
    throw wrong(
      `images have ${sizes.join("x")} numbers each, but shape is [${shape.join(", ")}]. Write: shape: [${own.join(", ")}], or leave it out`,
    );
  return { images: numbersAsPixels(numbers, pixels), shape: shape ?? own, count: list.length };
}

async function ofPictures(
  list: readonly OnePicture[],
  { imageSize, colorMode, interpolation, resize, shape }: SamplesFromOptions,
  decode: (bytes: Uint8Array) => Promise<Picture>,
): Promise<Images> {
  if (shape)
    throw wrong(
      `images are pictures, of which shape says nothing. Write: imageSize: [${shape.slice(0, 2).join(", ")}]`,
    );
  const read = async (source: OnePicture) => {
    const picture = await pictureIn(source, "samplesFrom");
    return picture instanceof Uint8Array ? decode(picture) : picture;
  };
  const first = await read(list[0]!);
  const own = [...(imageSize ?? [first.height, first.width]), colorMode === "grayscale" ? 1 : 3] as const;
  const made = own as readonly [number, number, number];
  const size = elements(made);
  const images = new Uint8Array(size * list.length);
  for (const [i, source] of list.entries()) {
    const picture = i === 0 ? first : await read(source);
    images.set(fitPicture(picture, made, { interpolation, resize }), i * size);
  }
  return { images, shape: [...made], count: list.length };
}
