import {
  type Call,
  channelsLast,
  type Entry,
  type Flow,
  type Importer,
  Lacking,
  paddingHint,
  type Real,
} from "./importer.ts";

/** Along an axis. */
export interface Window {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Cells that the kernel spans. */
  readonly extent: number;
  readonly before: number;
  /** Padding at the end, as it was asked for. */
  readonly end: number;
  /** Such that the last window ends there. */
  readonly after: number;
  readonly positions: number;
}

/** The windows of a convolution or a pooling, along the height and the width. */
export function windowsOf(
  { node, attributes }: Call,
  shape: readonly number[],
  kernel: readonly number[],
): Window[] {
  const axes = kernel.length;
  const list = (name: string) => attributes.ints(name) ?? Array<number>(axes).fill(1);
  const [strides, dilations] = [list("strides"), list("dilations")];
  const pads = attributes.ints("pads") ?? Array<number>(2 * axes).fill(0);
  const auto = attributes.text("auto_pad", "NOTSET");
  const ceil = attributes.int("ceil_mode", 0) === 1;
  return kernel.map((k, i): Window => {
    const [size, stride, dilation] = [shape[i + 2]!, strides[i]!, dilations[i]!];
    const extent = (k - 1) * dilation + 1;
    let [before, end] = [pads[i]!, pads[i + axes]!];
    if (auto === "VALID") [before, end] = [0, 0];
    if (auto.startsWith("SAME")) {
      const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent - size);
      before = auto === "SAME_LOWER" ? Math.ceil(total / 2) : Math.floor(total / 2);
      end = total - before;
    }
    const room = size + before + end - extent;
    let positions = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // A window that would begin beyond the image is none.
    if (ceil && (positions - 1) * stride >= size + before) positions--;
    if (![k, stride, dilation, size].every((n) => Number.isSafeInteger(n) && n >= 1) || !(positions >= 1))
      throw new Lacking(node, "whose window does not fit its input");
    if (!(before >= 0 && end >= 0)) throw new Lacking(node, "with padding below 0");
    const after = (positions - 1) * stride + extent - size - before;
    return { size, kernel: k, stride, dilation, extent, before, end, after, positions };
  });
}

export const pairOf = (windows: readonly Window[], key: "kernel" | "stride" | "dilation") =>
  windows.map((window) => window[key]);

/** Whether the padding is what `same` means here: Keras's, the larger half at the end. */
export function isSame(windows: readonly Window[]): boolean {
  return windows.every(({ size, stride, extent, before, after, positions }) => {
    const total = Math.max(0, (positions - 1) * stride + extent - size);
    return (
      positions === Math.ceil(size / stride) &&
      before === Math.floor(total / 2) &&
      Math.max(0, after) === total - before
    );
  });
}

/** The image with its zeros around it, and what the layer's padding is then. */
export function padded(
  importer: Importer,
  call: Call,
  image: Entry,
  windows: readonly Window[],
): { readonly image: Entry; readonly padding: "valid" | "same" } {
  if (windows.every(({ before, after }) => before === 0 && after <= 0)) return { image, padding: "valid" };
  if (isSame(windows)) return { image, padding: "same" };
  return { image: zeros(importer, call, image, windows), padding: "valid" };
}

/** Brings sequences [N, C, steps] in the form of images of one row, and what comes of them back. */
export function asImages(
  importer: Importer,
  call: Call,
  flow: Flow,
  of: (image: Flow, windows: (kernel: readonly number[]) => Window[]) => Real,
  kernel: readonly number[],
): Flow {
  const { node } = call;
  const [name] = node.output;
  const rank = flow.shape.length;
  if (rank < 3 || rank > 4 || kernel.length !== rank - 2)
    throw new Lacking(node, `of ${rank - 2} dimensions`, "two, or one");
  const windows = windowsOf(call, flow.shape, kernel);
  if (rank === 4)
    return importer.made(
      name!,
      of(flow, () => windows),
    );
  const [N, C, steps] = flow.shape as [number, number, number];
  const row = importer.reshaped(call, flow, [N, C, 1, steps], "");
  const still = {
    size: 1,
    kernel: 1,
    stride: 1,
    dilation: 1,
    extent: 1,
    before: 0,
    end: 0,
    after: 0,
    positions: 1,
  };
  const made = importer.made(
    "",
    of(row, () => [still, ...windows]),
  );
  const [, filters, , positions] = made.shape as [number, number, number, number];
  return importer.reshaped(call, made, [N, filters, positions], name);
}

/** A pooling of windows that exist: of the cells that lie in the image. */
export function pooled(
  importer: Importer,
  call: Call,
  flow: Flow,
  windows: readonly Window[],
  mode: "max" | "average",
  counting: boolean,
): Real {
  const { node } = call;
  if (windows.some(({ dilation }) => dilation !== 1)) throw new Lacking(node, "with dilations");
  const type = `${mode}Pooling2d`;
  const order = channelsLast(4);
  const image = importer.arranged(node, flow, order);
  const pool = (image: Entry, strides: readonly number[], padding: "valid" | "same") =>
    importer.layer(node, type, { poolSize: pairOf(windows, "kernel"), strides, padding }, [image]);
  const strides = pairOf(windows, "stride");
  if (counting && windows.some(({ after, end }) => after > end))
    throw new Lacking(node, "with ceil_mode and count_include_pad", "ceil_mode 0");
  const bare = windows.every(({ before, after }) => before === 0 && after <= 0);
  // Zeros change no maximum of what is not below 0; counted ones are cells like others.
  if (bare || (mode === "average" ? counting : image.positive && !isSame(windows))) {
    const around = bare ? image : zeros(importer, call, image, windows);
    return { entry: pool(around, strides, "valid"), order };
  }
  if (isSame(windows)) return { entry: pool(image, strides, "same"), order };
  // Every window of the image, of which those that are asked for are taken.
  const all = pool(image, [1, 1], "same");
  const cropping = windows.map(({ size, kernel, stride, before, positions }) => {
    const first = Math.floor((kernel - 1) / 2) - before;
    return [first, size - first - (positions - 1) * stride - 1];
  });
  if (cropping.flat().some((n) => n < 0))
    throw new Lacking(node, "with more padding than half a window", "less padding, or ceil_mode 0");
  const cut = cropping.flat().some((n) => n > 0)
    ? importer.layer(node, "cropping2d", { cropping }, [all])
    : all;
  const taken = strides.every((stride) => stride === 1)
    ? cut
    : importer.layer(node, "maxPooling2d", { poolSize: 1, strides }, [cut]);
  return { entry: taken, order };
}

/** The image with the zeros around it that the windows reach. */
function zeros(importer: Importer, { node }: Call, image: Entry, windows: readonly Window[]): Entry {
  const padding = windows.map(({ before, after }) => [before, Math.max(0, after)]);
  return importer.layer(node, "zeroPadding2d", { padding }, [image], {}, paddingHint(node));
}
