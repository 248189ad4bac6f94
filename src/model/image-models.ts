import type { Shape } from "../compiler/graph.ts";
import {
  activation as activationLayer,
  batchNormalization,
  concatenate,
  conv2d,
  conv2dTranspose,
  cropping2d,
  input,
  type Layer,
  maxPooling2d,
  zeroPadding2d,
} from "./layers/index.ts";
import type { SymbolicTensor } from "./layers/types.ts";

/** What a model of images ends with: probabilities of classes that exclude each other, numbers from 0 to 1, or any numbers. */
export type Ending = "softmax" | "sigmoid" | "linear";

/** Models by name that give an image for an image: so many channels, or classes, for each pixel. */
export const IMAGE_MODELS = {
  autoencoder: {
    description:
      "convolutional autoencoder: two strided 3x3 convolutions to 8 channels of a quarter of the size, and back by transposed ones",
    layers: autoencoder,
  },
  unet: {
    description:
      "U-Net (Ronneberger et al. 2015) for small images: 16, 32 and 64 filters, skips from each size to the same on the way back, batch normalization",
    graph: unet,
  },
} as const;

/** The usual ending of a model that gives so many channels. */
export const endingOf = (channels: number): Ending => (channels > 1 ? "softmax" : "sigmoid");

function autoencoder(
  [height, width, ...rest]: Shape,
  channels: number,
  activation: Ending = "sigmoid",
): Layer[] {
  const same = { padding: "same", activation: "relu" } as const;
  const most = ([height, width] as number[]).map((size) => 4 * Math.ceil(size / 4) - size);
  const excess = most.some(Boolean);
  return [
    conv2d({
      filters: 16,
      kernelSize: 3,
      strides: 2,
      ...same,
      inputShape: [height!, width!, ...rest],
    }),
    conv2d({ filters: 8, kernelSize: 3, strides: 2, ...same }),
    conv2dTranspose({ filters: 8, kernelSize: 3, strides: 2, ...same }),
    conv2dTranspose({ filters: 16, kernelSize: 3, strides: 2, ...same }),
    ...(excess
      ? [cropping2d({ cropping: most.map((n) => [0, n]) as [[number, number], [number, number]] })]
      : []),
    conv2d({ filters: channels, kernelSize: 3, padding: "same", activation }),
  ];
}

function unet(inputShape: Shape, channels: number, activation: Ending = endingOf(channels)) {
  const twice = (x: SymbolicTensor, filters: number) => {
    let y = x;
    for (let i = 0; i < 2; i++) {
      const conv = conv2d({
        filters,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        kernelInitializer: "heNormal",
      });
      y = activationLayer({ activation: "relu" }).apply(batchNormalization().apply(conv.apply(y)));
    }
    return y;
  };
  const image = input({ shape: inputShape });
  // Sizes that halve twice.
  const more = inputShape.slice(0, 2).map((size) => 4 * Math.ceil(size / 4) - size);
  const around = more.map((n) => [Math.floor(n / 2), Math.ceil(n / 2)]) as [
    [number, number],
    [number, number],
  ];
  const padded = more.some(Boolean);
  const first = twice(padded ? zeroPadding2d({ padding: around }).apply(image) : image, 16);
  const second = twice(maxPooling2d().apply(first), 32);
  let x = twice(maxPooling2d().apply(second), 64);
  for (const [skip, filters] of [
    [second, 32],
    [first, 16],
  ] as const) {
    const up = conv2dTranspose({ filters, kernelSize: 2, strides: 2, padding: "same", activation: "relu" });
    x = twice(concatenate().apply([up.apply(x), skip]), filters);
  }
  const cut = padded ? cropping2d({ cropping: around }).apply(x) : x;
  const y = conv2d({ filters: channels, kernelSize: 1, activation }).apply(cut);
  return { inputs: [image], outputs: [y] };
}
