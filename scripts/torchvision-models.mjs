// Writes docs/examples/mobilenet-v2.json and resnet18.json: torchvision's models as lists of layers, which are called as
// torchvision's modules are, so that its weights go into them. Run: node scripts/torchvision-models.mjs && npx biome format --write docs/examples
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SHAPE = [224, 224, 3];
const CLASSES = 1000;
/** What torchvision's images are brought to: the mean and the standard deviation of ImageNet's channels, of numbers from 0 to 1. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** Collects layers, each of which takes what the last one gives unless it is told otherwise. */
function graph(name) {
  const layers = [{ type: "input", name: "image", shape: SHAPE }];
  let last = "image";
  const add = (type, name, options = {}, from = [last]) => {
    layers.push({ type, name, ...options, from });
    last = name;
    return name;
  };
  const variance = STD.map((value) => Number((value * value).toPrecision(12)));
  add("normalization", "normalize", { mean: MEAN, variance });
  return {
    add,
    last: () => last,
    /** PyTorch's padding is the same on all sides. */
    pad(name, padding) {
      if (padding > 0) add("zeroPadding2d", name, { padding });
    },
    norm: (name) => add("batchNormalization", name, { momentum: 0.9, epsilon: 1e-5 }),
    write(file) {
      const path = fileURLToPath(new URL(`../docs/examples/${file}`, import.meta.url));
      const config = { name, inputs: ["image"], outputs: [last], layers };
      writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
    },
  };
}

const whole = { useBias: false };

function resnet18() {
  const net = graph("resnet18");
  net.pad("conv1.pad", 3);
  net.add("conv2d", "conv1", { filters: 64, kernelSize: 7, strides: 2, ...whole });
  net.norm("bn1");
  net.add("relu", "relu");
  // Of numbers from 0 on: zeros around them change no maximum.
  net.pad("maxpool.pad", 1);
  net.add("maxPooling2d", "maxpool", { poolSize: 3, strides: 2 });
  for (const [i, filters] of [64, 128, 256, 512].entries())
    for (const block of [0, 1]) {
      const at = `layer${i + 1}.${block}`;
      const strides = i > 0 && block === 0 ? 2 : 1;
      const before = net.last();
      net.pad(`${at}.pad1`, 1);
      net.add("conv2d", `${at}.conv1`, { filters, kernelSize: 3, strides, ...whole });
      net.norm(`${at}.bn1`);
      net.add("relu", `${at}.relu1`);
      net.pad(`${at}.pad2`, 1);
      net.add("conv2d", `${at}.conv2`, { filters, kernelSize: 3, ...whole });
      const main = net.norm(`${at}.bn2`);
      let other = before;
      if (strides > 1) {
        net.add("conv2d", `${at}.downsample.0`, { filters, kernelSize: 1, strides, ...whole }, [before]);
        other = net.norm(`${at}.downsample.1`);
      }
      net.add("add", `${at}.add`, {}, [main, other]);
      net.add("relu", `${at}.relu2`);
    }
  net.add("globalAveragePooling2d", "avgpool");
  net.add("dense", "fc", { units: CLASSES });
  net.add("softmax", "softmax");
  net.write("resnet18.json");
}

function mobilenetV2() {
  const net = graph("mobilenet_v2");
  /** Convolution, normalization and relu6, as torchvision's Conv2dNormActivation. */
  const conv = (at, type, options, padding) => {
    net.pad(`${at}.pad`, padding);
    net.add(type, `${at}.0`, { ...options, ...whole });
    net.norm(`${at}.1`);
    net.add("activation", `${at}.2`, { activation: "relu6" });
  };
  conv("features.0", "conv2d", { filters: 32, kernelSize: 3, strides: 2 }, 1);
  let [channels, i] = [32, 1];
  for (const [expand, filters, count, first] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ])
    for (let n = 0; n < count; n++, i++) {
      const at = `features.${i}.conv`;
      const before = net.last();
      const strides = n === 0 ? first : 1;
      let k = 0;
      if (expand > 1) conv(`${at}.${k++}`, "conv2d", { filters: expand * channels, kernelSize: 1 }, 0);
      conv(`${at}.${k++}`, "depthwiseConv2d", { kernelSize: 3, strides }, 1);
      net.add("conv2d", `${at}.${k}`, { filters, kernelSize: 1, ...whole });
      const end = net.norm(`${at}.${k + 1}`);
      if (strides === 1 && channels === filters) net.add("add", `features.${i}.add`, {}, [end, before]);
      channels = filters;
    }
  conv("features.18", "conv2d", { filters: 1280, kernelSize: 1 }, 0);
  net.add("globalAveragePooling2d", "pool");
  net.add("dropout", "classifier.0", { rate: 0.2 });
  net.add("dense", "classifier.1", { units: CLASSES });
  net.add("softmax", "softmax");
  net.write("mobilenet-v2.json");
}

resnet18();
mobilenetV2();
