// Nets of odd sizes whose training calls the kernels that have pairs of vectors. Node 24 runs this file as it stands: `nets.ts BUILD ...`
// trains them with the package on builds by name, and prints what comes of it.
import { fileURLToPath } from "node:url";
import type { CompileOptions, Layer } from "../../src/index.ts";

type Wasmgrad = typeof import("../../src/index.ts");
type Net = (api: Wasmgrad) => {
  readonly layers: readonly Layer[];
  readonly optimizer: CompileOptions["optimizer"];
};

const inputShape = [21, 18, 3];

export const NETS: Readonly<Record<string, Net>> = {
  "first layers, and windows by Winograd's products": ({ adam, conv2d, dense, flatten, maxPooling2d }) => ({
    layers: [
      conv2d({ filters: 27, kernelSize: 3, activation: "relu", inputShape }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 41, kernelSize: 3, activation: "relu" }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 37, activation: "relu" }),
      dense({ units: 10, activation: "softmax" }),
    ],
    optimizer: adam({ weightDecay: 0.01 }),
  }),
  "windows by direct products": ({ conv2d, dense, flatten, maxPooling2d, sgd }) => ({
    layers: [
      conv2d({ filters: 9, kernelSize: 5, activation: "relu", padding: "same", inputShape }),
      maxPooling2d({ poolSize: 3, strides: 2 }),
      conv2d({ filters: 23, kernelSize: [2, 5] }),
      maxPooling2d({ poolSize: 2, strides: 1 }),
      flatten(),
      dense({ units: 10, activation: "softmax" }),
    ],
    optimizer: sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true }),
  }),
  "Winograd's products": ({ conv2d, dense, globalAveragePooling2d, rmsprop }) => ({
    layers: [
      conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu", inputShape }),
      conv2d({ filters: 31, kernelSize: 3, padding: "same", activation: "relu" }),
      conv2d({ filters: 24, kernelSize: 3, activation: "tanh" }),
      globalAveragePooling2d(),
      dense({ units: 10, activation: "softmax" }),
    ],
    optimizer: rmsprop({ centered: true, momentum: 0.5 }),
  }),
  "products of matrices": ({ averagePooling2d, batchNormalization, conv2d, dense, flatten, sgd }) => ({
    layers: [
      conv2d({ filters: 19, kernelSize: 1, activation: "relu", inputShape }),
      conv2d({ filters: 34, kernelSize: 1, strides: 2, useBias: false }),
      batchNormalization(),
      conv2d({ filters: 8, kernelSize: 1, activation: "relu" }),
      conv2d({ filters: 45, kernelSize: 3, dilationRate: 2 }),
      averagePooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 67, activation: "relu" }),
      dense({ units: 10, activation: "softmax" }),
    ],
    optimizer: sgd({ learningRate: 0.01 }),
  }),
};

const COUNT = 35;
const BATCH = 7;
/** Epochs: enough that more than one step flushes what is faint. */
const EPOCHS = 4;

function samples() {
  const [height, width, channels] = inputShape as [number, number, number];
  // Every fourth run of 16 is zero, as where images are black.
  const images = Uint8Array.from({ length: COUNT * height * width * channels }, (_, i) =>
    Math.imul((i >> 4) + 1, 0x9e3779b1) >>> 30 === 0 ? 0 : Math.imul(i + 1, 0x85ebca6b) >>> 24,
  );
  const labels = Uint8Array.from({ length: COUNT }, (_, i) => (7 * i) % 10);
  return { images, labels, shape: inputShape, count: COUNT };
}

/** What a net's weights hash to when it is trained. */
export async function trained(api: Wasmgrad, name: string, options: CompileOptions) {
  const { layers, optimizer } = NETS[name]!(api);
  const model = api.sequential(layers);
  await model.compile({ seed: 3, optimizer, ...options });
  const { history } = await model.fit(samples(), { epochs: EPOCHS, batchSize: BATCH });
  const sha256 = await model.weightsSha256();
  model.dispose();
  return { loss: history.loss.at(-1)!, sha256 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const api = (await import("wasmgrad" as string)) as Wasmgrad;
  const results: Record<string, Awaited<ReturnType<typeof trained>>[]> = {};
  for (const backend of process.argv.slice(2) as CompileOptions["backend"][]) {
    results[backend!] = [];
    for (const name of Object.keys(NETS))
      results[backend!]!.push(await trained(api, name, { backend, threads: 1 }));
  }
  console.log(JSON.stringify(results));
}
