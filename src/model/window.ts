import { ModelError } from "../compiler/errors.ts";
import { formatShape, type Shape, type WindowAttributes } from "../compiler/graph.ts";
import { MAX_WINDOW } from "../compiler/limits.ts";

export type Padding = "valid" | "same";
/** One number for both axes, or `[height, width]`. */
export type Pair = number | readonly [number, number];

export interface WindowOptions {
  /** Name of the option that holds the window's size, for messages. */
  readonly sizeOption: "kernelSize" | "poolSize";
  readonly size: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

function pair(value: Pair): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}

/**
 * Fits a sliding window to an image `[height, width, channels]` and resolves its padding. The options are in range.
 * valid: floor((size - extent) / stride) + 1 positions. same: ceil(size / stride) positions, the padding they
 * need split in two, the larger half at the bottom and right (as Keras and TensorFlow do).
 * Throws ModelError with the layer's name where the window does not fit.
 */
export function resolveWindow(
  layer: string,
  input: Shape,
  options: WindowOptions,
): { attributes: WindowAttributes; outputSize: readonly [number, number] } {
  if (input.length !== 3)
    throw new ModelError(
      `got an input of shape ${formatShape(input)}, expected an image (height, width, channels)`,
      layer,
    );
  const kernel = pair(options.size);
  const strides = pair(options.strides);
  const dilation = pair(options.dilation);
  const largest = Math.max(...kernel, ...strides, ...dilation);
  if (largest > MAX_WINDOW)
    throw new ModelError(
      `${options.sizeOption}, strides or dilationRate is ${largest}, expected at most ${MAX_WINDOW}`,
      layer,
    );

  const axis = (i: 0 | 1) => {
    const size = input[i]!;
    const extent = (kernel[i] - 1) * dilation[i] + 1;
    if (options.padding === "same") {
      const positions = Math.ceil(size / strides[i]);
      const total = Math.max(0, (positions - 1) * strides[i] + extent - size);
      const before = Math.floor(total / 2);
      return { positions, before, after: total - before };
    }
    if (size < extent)
      throw new ModelError(
        `got an input of shape ${formatShape(input)}, but ${options.sizeOption} ${kernel.join("x")} spans ${extent} ${i === 0 ? "rows" : "columns"}; use a smaller ${options.sizeOption} or padding: "same"`,
        layer,
      );
    return { positions: Math.floor((size - extent) / strides[i]) + 1, before: 0, after: 0 };
  };
  const [rows, columns] = [axis(0), axis(1)];
  return {
    attributes: {
      kernel,
      strides,
      dilation,
      pad: { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after },
    },
    outputSize: [rows.positions, columns.positions],
  };
}
