import { ModelError } from "../../compiler/errors.ts";
import { formatShape } from "../../compiler/graph.ts";
import { needed, type OptionsOf, optional, whole } from "../../options/kinds.ts";
import { resolveWindow } from "../window.ts";
import {
  defineLayer,
  type Layer,
  type LayerOptions,
  layer,
  lowerOutput,
  padding,
  pair,
  sizes,
  WEIGHTS,
  weights,
} from "./layer.ts";

const options = {
  /** Output channels. */
  filters: needed(whole(), 32),
  /** One number for both axes, or `[height, width]`. */
  kernelSize: needed(pair),
  /** How many outputs lie between the outputs of neighbouring inputs. Default 1. */
  strides: optional(pair, 1),
  /** "same": inputs * strides outputs. "valid", the default: as many as inputs * strides and what the kernel reaches beyond them. */
  padding,
  /** Further rows and columns of outputs, fewer than strides. Default: what padding says. */
  outputPadding: sizes,
  /** Distance between taps; default 1. */
  dilationRate: optional(pair, 1),
  ...WEIGHTS,
};

export interface Conv2dTransposeOptions extends LayerOptions, OptionsOf<typeof options> {}

const both = (value: number | readonly number[]) => (typeof value === "number" ? [value, value] : value);

export const CONV2D_TRANSPOSE = defineLayer({
  type: "conv2dTranspose",
  options,
  lower(graph, name, [input], config) {
    const { shape } = input;
    if (shape.length !== 3)
      throw new ModelError(
        `got an input of shape ${formatShape(shape)}, expected an image (height, width, channels)`,
        name,
      );
    const [kernel, strides, dilation] = [config.kernelSize, config.strides, config.dilationRate].map(both);
    const extra = config.outputPadding === undefined ? undefined : both(config.outputPadding);
    const size = [0, 1].map((axis) => {
      const [k, s, d] = [kernel![axis]!, strides![axis]!, dilation![axis]!];
      const extent = (k - 1) * d + 1;
      if (extra === undefined)
        return shape[axis]! * s + (config.padding === "valid" ? Math.max(extent - s, 0) : 0);
      if (extra[axis]! >= s)
        throw new ModelError(
          `outputPadding is ${extra.join("x")}, expected less than strides, ${strides!.join("x")}`,
          name,
        );
      return (
        (shape[axis]! - 1) * s +
        extent -
        (config.padding === "same" ? 2 * Math.floor(extent / 2) : 0) +
        extra[axis]!
      );
    });
    if (size.some((length) => length < 1))
      throw new ModelError(
        `gives outputs of ${size.join("x")}: use a greater kernelSize or outputPadding`,
        name,
      );
    const outputs = [...size, config.filters];
    const { attributes, outputSize } = resolveWindow(name, outputs, {
      sizeOption: "kernelSize",
      size: config.kernelSize,
      strides: config.strides,
      dilation: config.dilationRate,
      padding: config.padding,
    });
    if (outputSize.some((length, axis) => length !== shape[axis]))
      throw new ModelError(
        `outputs of ${size.join("x")} belong to inputs of ${outputSize.join("x")}, not ${shape[0]}x${shape[1]}: leave out outputPadding`,
        name,
      );
    const parameters = weights(
      graph,
      name,
      config,
      [...attributes.kernel, config.filters, shape[2]!],
      config.filters,
    );
    const output = graph.op("conv2dTranspose", name, [input], attributes, outputs, parameters);
    return lowerOutput(graph, name, output, config);
  },
});

/**
 * Transposed 2-D convolution, which enlarges an image: `[height, width, channels]` to
 * `[height * strides, width * strides, filters]` with padding "same". Parameters: kernel `[kernelHeight, kernelWidth, filters, channels]`
 * and bias `[filters]`.
 */
export function conv2dTranspose(options: Conv2dTransposeOptions): Layer {
  return layer(CONV2D_TRANSPOSE, options);
}
