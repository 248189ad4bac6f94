import { isPictureSize, PICTURE_SIZES, type Picture, PictureError } from "./picture.ts";
import { pictureOf } from "./pixels.ts";

/** Gives the wasm of a decoder: its files lie elsewhere in Node than in pages. */
export type CodecSource = (format: "jpeg" | "webp") => Promise<BufferSource>;

/** Pixels above which an instance is not kept: its memory never shrinks. */
const KEPT_PIXELS = 4_000_000;

type Decoded = Parameters<typeof pictureOf>[0];

/** A decoder that Emscripten made, as far as it is used here. */
interface Instance {
  /** It counts its arguments: a JPEG's second one says whether to turn the picture as it was held. */
  decode(bytes: Uint8Array, ...upright: [true] | []): Decoded | null;
}
interface Settings {
  readonly noInitialRun: true;
  print(line: string): void;
  printErr(line: string): void;
  instantiateWasm?(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
}

/** One decoder in wasm: compiled once; its instance is made anew after each failure, which may have left it in any state. */
export class Codec {
  readonly #format: "jpeg" | "webp";
  readonly #factory: () => Promise<{ default: unknown }>;
  #module: Promise<WebAssembly.Module> | undefined;
  #instance: Promise<Instance> | undefined;
  /** What the decoder has said of the file under way. */
  #said: string[] = [];

  constructor(format: "jpeg" | "webp", factory: () => Promise<{ default: unknown }>) {
    this.#format = format;
    this.#factory = factory;
  }

  /**
   * Decodes a file whose header promises so many pixels.
   * Throws PictureError where it is damaged: `damage` says of what the decoder said whether it is that.
   */
  async decode(
    bytes: Uint8Array,
    pixels: number,
    wasmOf: CodecSource | undefined,
    damage: (said: string) => boolean = () => false,
  ): Promise<Picture> {
    this.#instance ??= this.#start(wasmOf).catch((error: unknown) => {
      this.#instance = undefined;
      throw error;
    });
    const instance = await this.#instance;
    this.#said = [];
    let picture: Decoded | null = null;
    try {
      picture = withImageData(() =>
        this.#format === "jpeg" ? instance.decode(bytes, true) : instance.decode(bytes),
      );
    } catch {
      // It has said why, or is out of memory.
    }
    const said = this.#said.join("; ");
    if (!picture || pixels > KEPT_PIXELS) this.#instance = undefined;
    const name = this.#format === "jpeg" ? "JPEG" : "WebP";
    if (!picture || damage(said))
      throw new PictureError(`is a damaged ${name}: ${said || "its pixels cannot be decoded"}`);
    if (picture.width * picture.height !== pixels)
      throw new PictureError(`is a damaged ${name}: its size is not what its header says`);
    return pictureOf(picture);
  }

  async #start(wasmOf: CodecSource | undefined): Promise<Instance> {
    this.#module ??= wasmOf?.(this.#format).then((bytes) => WebAssembly.compile(bytes));
    const [module, loaded] = await Promise.all([this.#module, this.#factory()]);
    const factory = loaded.default as (settings: Settings) => Promise<Instance>;
    // It runs at once, and only then waits.
    return withImageData(() =>
      factory({
        noInitialRun: true,
        print: () => {},
        printErr: (line) => {
          this.#said.push(line);
        },
        ...(module && {
          instantiateWasm(imports, done) {
            const instance = new WebAssembly.Instance(module, imports);
            done(instance);
            return instance.exports;
          },
        }),
      }),
    );
  }
}

/** Decoders make an ImageData, which Node has not; it does not keep theirs, as other packages would take it for a page. */
function withImageData<T>(work: () => T): T {
  if (globalThis.ImageData) return work();
  const scope = globalThis as { ImageData?: unknown };
  scope.ImageData = class {
    constructor(data: Uint8ClampedArray, width: number, height: number) {
      Object.assign(this, { data, width, height });
    }
  };
  try {
    return work();
  } finally {
    delete scope.ImageData;
  }
}

/** Throws PictureError on a size that is not read. */
export function checkSize(width: number, height: number): void {
  if (!isPictureSize(width, height))
    throw new PictureError(`is ${width}x${height} pixels; expected ${PICTURE_SIZES}`);
}
