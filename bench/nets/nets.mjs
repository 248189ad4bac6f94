// The nets of bench:nets, as wasmgrad has them; torch_nets.py has the same for PyTorch, and Keras reads the file of them.
import {
  add,
  batchNormalization,
  conv2d,
  createModel,
  dense,
  depthwiseConv2d,
  globalAveragePooling2d,
  input,
  model,
  relu,
} from "../../dist/index.js";

/** MobileNetV2's stages: how much wider a block is inside, its filters, how many blocks, stride of the first. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** By name: shape of an image, classes, and whether each pixel has one. */
export const NETS = {
  "keras-mnist": { shape: [28, 28, 1], classes: 10 },
  lenet5: { shape: [28, 28, 1], classes: 10 },
  vgg: { shape: [32, 32, 3], classes: 10 },
  resnet20: { shape: [32, 32, 3], classes: 10 },
  "mobilenet-32": { shape: [32, 32, 3], classes: 10 },
  "mobilenet-96": { shape: [96, 96, 3], classes: 10 },
  unet: { shape: [64, 64, 3], classes: 5, masks: true },
};

/** A net by its name, not compiled. */
export function createNet(name) {
  const { shape, classes } = NETS[name];
  return name.startsWith("mobilenet") ? mobileNet(shape, classes) : createModel(name, shape, classes);
}

/** MobileNetV2 (Sandler et al. 2018); small images are halved twice less, as is usual for CIFAR-10. */
function mobileNet(shape, classes) {
  const small = shape[0] < 64;
  const normalized = (x, { bounded = true } = {}) => {
    const y = batchNormalization().apply(x);
    return bounded ? relu({ maxValue: 6 }).apply(y) : y;
  };
  const convolved = (x, filters, kernelSize, strides = 1) =>
    conv2d({ filters, kernelSize, strides, padding: "same", useBias: false }).apply(x);
  const block = (x, channels, expansion, filters, strides) => {
    let y = expansion === 1 ? x : normalized(convolved(x, expansion * channels, 1));
    y = normalized(depthwiseConv2d({ kernelSize: 3, strides, padding: "same", useBias: false }).apply(y));
    y = normalized(convolved(y, filters, 1), { bounded: false });
    return strides === 1 && channels === filters ? add().apply([x, y]) : y;
  };
  const image = input({ shape });
  let x = normalized(convolved(image, 32, 3, small ? 1 : 2));
  let channels = 32;
  for (const [stage, [expansion, filters, blocks, strides]] of STAGES.entries())
    for (let i = 0; i < blocks; i++) {
      x = block(x, channels, expansion, filters, i > 0 || (small && stage === 1) ? 1 : strides);
      channels = filters;
    }
  x = globalAveragePooling2d().apply(normalized(convolved(x, 1280, 1)));
  return model({ inputs: image, outputs: dense({ units: classes, activation: "softmax" }).apply(x) });
}
