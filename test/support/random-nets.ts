import type { SymbolicTensor } from "../../src/index.ts";
import * as api from "../../src/index.ts";
import { hash32 } from "./fixture-values.ts";

/** A parameter of a net: its numbers are offset + the formula of test/fixtures at this seed and scale. */
export interface NetParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: "weight" | "state";
  readonly seed: number;
  readonly scale: number;
  readonly offset: number;
}

/** A net that a number stands for, and how it is trained. */
export interface RandomNet {
  readonly seed: number;
  readonly batch: number;
  readonly config: api.ModelConfig;
  readonly parameters: readonly NetParameter[];
  readonly inputShape: readonly number[];
  readonly outputs: number;
  readonly loss: { readonly name: api.LossName; readonly [option: string]: unknown };
  readonly optimizer: { readonly name: api.OptimizerName; readonly [option: string]: unknown };
}

const BATCH = 3;
const MOST = 360;
const SMOOTH = [
  "tanh",
  "sigmoid",
  "silu",
  "gelu",
  "geluApproximate",
  "softplus",
  "softsign",
  "mish",
  "elu",
  "selu",
] as const;
const KINKED = ["relu", "leakyRelu", "relu6", "hardSigmoid", "hardSilu"] as const;
const NORMS = /Normalization$/;

const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** The net of a number: layers of the whole vocabulary that does not draw at random, with branches and shared layers. */
export function randomNet(seed: number): RandomNet {
  let drawn = 0;
  const start = hash32(seed);
  const below = (n: number) => hash32(start + drawn++) % n;
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const chance = (percent: number) => below(100) < percent;
  const between = (low: number, high: number) => low + below(high - low + 1);
  const divisor = (n: number) => one(Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0));
  const smooth = () => one(chance(75) ? SMOOTH : KINKED);
  const regularized = () =>
    chance(20)
      ? {
          kernelRegularizer: { l1: chance(50) ? 0.01 : 0, l2: 0.02 },
          ...(chance(50) && { activityRegularizer: { l2: 0.01 } }),
        }
      : {};
  const activated = () => (chance(60) ? { activation: smooth() } : {});
  const window = () => ({
    kernelSize: [between(1, 3), between(1, 3)] as const,
    padding: one(["valid", "same"] as const),
  });
  const strided = () =>
    chance(30) ? { strides: [between(1, 2), between(1, 2)] as const } : chance(25) ? { dilationRate: 2 } : {};

  const x = api.input({ shape: [between(4, 8), between(4, 8), between(1, 4)], name: "given" });
  const values: SymbolicTensor[] = [x];
  const last = () => values.at(-1)!;

  /** A further layer on a value; undefined where none of its kind fits. */
  const kinds: readonly ((v: SymbolicTensor) => SymbolicTensor | undefined)[] = [
    (v) =>
      api
        .conv2d({
          filters: between(1, 6),
          ...window(),
          ...strided(),
          ...activated(),
          ...regularized(),
          useBias: chance(70),
        })
        .apply(v),
    (v) => {
      const groups = divisor(v.shape[2]!);
      return api.conv2d({ filters: groups * between(1, 2), ...window(), groups, ...activated() }).apply(v);
    },
    (v) =>
      api
        .depthwiseConv2d({ ...window(), ...strided(), depthMultiplier: between(1, 2), ...activated() })
        .apply(v),
    (v) =>
      api
        .separableConv2d({
          filters: between(1, 5),
          ...window(),
          depthMultiplier: between(1, 2),
          ...activated(),
        })
        .apply(v),
    (v) =>
      api
        .conv2dTranspose({
          filters: between(1, 4),
          ...window(),
          strides: between(1, 2),
          ...activated(),
          ...regularized(),
        })
        .apply(v),
    (v) => api.dense({ units: between(1, 6), ...activated(), ...regularized() }).apply(v),
    (v) => api.batchNormalization({ center: chance(80), scale: chance(80), momentum: 0.7 }).apply(v),
    (v) =>
      api.layerNormalization({ axis: chance(60) ? -1 : v.shape.map((_, i) => i + 1), epsilon: 0.1 }).apply(v),
    (v) =>
      api.groupNormalization({ groups: chance(20) ? -1 : divisor(v.shape.at(-1)!), epsilon: 0.1 }).apply(v),
    (v) =>
      one([api.maxPooling2d, api.averagePooling2d])({
        poolSize: between(1, 3),
        strides: between(1, 2),
        padding: one(["valid", "same"] as const),
      }).apply(v),
    (v) =>
      api
        .zeroPadding2d({
          padding: [
            [between(0, 2), between(0, 1)],
            [between(0, 1), between(0, 2)],
          ],
        })
        .apply(v),
    (v) =>
      api
        .cropping2d({
          cropping: [
            [between(0, 1), between(0, 1)],
            [between(0, 1), 0],
          ],
        })
        .apply(v),
    (v) =>
      api
        .upSampling2d({
          size: [between(1, 2), between(1, 2)],
          interpolation: one(["nearest", "bilinear"] as const),
        })
        .apply(v),
    (v) =>
      api.activation({ activation: one([...SMOOTH, ...KINKED, "softmax", "exponential"] as const) }).apply(v),
    (v) => api.relu({ maxValue: 1.5, negativeSlope: 0.1, threshold: 0.2 }).apply(v),
    (v) => api.prelu(v.shape.length === 3 && chance(50) ? { sharedAxes: [1, 2] } : {}).apply(v),
    (v) => api.rescaling({ scale: 1.5, offset: -0.25 }).apply(v),
    (v) => api.normalization({ mean: 0.1, variance: 0.8 }).apply(v),
    (v) => {
      const dims = v.shape.map((_, i) => i + 1);
      for (let i = dims.length - 1; i > 0; i--) {
        const k = below(i + 1);
        [dims[i], dims[k]] = [dims[k]!, dims[i]!];
      }
      return api.permute({ dims }).apply(v);
    },
    (v) =>
      api
        .reshape({ targetShape: v.shape.length === 3 ? [-1, v.shape[2]!] : [1, -1, v.shape.at(-1)!] })
        .apply(v),
    // Sequences.
    (v) =>
      api
        .conv1d({
          filters: between(1, 5),
          kernelSize: between(1, 3),
          padding: one(["valid", "same", "causal"] as const),
          ...activated(),
        })
        .apply(v),
    (v) => one([api.maxPooling1d, api.averagePooling1d])({ poolSize: 2 }).apply(v),
    (v) => {
      const steps = v.shape.length === 3 ? api.reshape({ targetShape: [-1, v.shape[2]!] }).apply(v) : v;
      const seen = api
        .conv1d({
          filters: between(1, 5),
          kernelSize: between(1, 3),
          padding: one(["same", "causal"] as const),
        })
        .apply(steps);
      return one([api.maxPooling1d, api.averagePooling1d])({
        poolSize: between(1, 3),
        strides: between(1, 2),
      }).apply(seen);
    },
    // Two values.
    (v) =>
      one([api.add, api.subtract, api.multiply, api.average, api.maximum, api.minimum])().apply([
        v,
        one(values),
      ]),
    (v) => one([api.maximum, api.minimum])().apply([v, api.rescaling({ scale: 0.7, offset: 0.3 }).apply(v)]),
    (v) => api.concatenate().apply([v, one(values)]),
    (v) => {
      const pool = one([api.globalAveragePooling2d, api.globalMaxPooling2d]);
      const shares = api
        .dense({ units: v.shape[2]!, activation: "sigmoid" })
        .apply(pool({ keepdims: chance(50) }).apply(v));
      return one([api.multiply, api.add])().apply([v, shares]);
    },
    (v) =>
      api
        .add()
        .apply([
          v,
          api.conv2d({ filters: v.shape[2]!, kernelSize: 3, padding: "same", ...activated() }).apply(v),
        ]),
    // A layer that is applied twice.
    (v) => {
      const shared = api.conv2d({
        filters: v.shape[2]!,
        kernelSize: 3,
        padding: "same",
        activation: one(SMOOTH),
      });
      return shared.apply(shared.apply(v));
    },
  ];

  const wanted = between(4, 8);
  for (let tries = 0; values.length < wanted && tries < 60; tries++) {
    const from = chance(80) ? last() : one(values);
    try {
      const next = one(kinds)(from);
      if (next && elements(next.shape) <= MOST) values.push(next);
    } catch (error) {
      if (!(error instanceof api.ModelError)) throw error;
    }
  }
  const flat = (v: SymbolicTensor) => api.flatten().apply(v);
  const joined = chance(40) ? api.concatenate().apply([flat(last()), flat(one(values))]) : flat(last());
  const outputs = between(2, 4);
  const [activation, loss] = one([
    ["linear", { name: "meanSquaredError" }],
    ["linear", { name: "huber", delta: 0.7 }],
    ["linear", { name: "logCosh" }],
    ["linear", { name: "cosineSimilarity" }],
    ["softmax", { name: "categoricalCrossentropy" }],
    ["softmax", { name: "categoricalCrossentropy", labelSmoothing: 0.1 }],
    ["linear", { name: "categoricalCrossentropy", fromLogits: true }],
    ["softmax", { name: "klDivergence" }],
    ["sigmoid", { name: "binaryCrossentropy" }],
    ["linear", { name: "binaryCrossentropy", fromLogits: true }],
    ["softplus", { name: "poisson" }],
  ] as const);
  const output = api.dense({ units: outputs, activation, name: "end" }).apply(joined);
  const model = api.model({ inputs: x, outputs: output, name: `random${seed}` });
  const normalized = model.rows.some(({ type }) => NORMS.test(type));
  // Weights whose gradient is 0, as of a bias before a normalization, Adam and its kin would move by rounding alone.
  const optimizer = one<RandomNet["optimizer"]>(
    normalized
      ? [
          { name: "sgd", learningRate: 0.03, momentum: 0.9 },
          { name: "sgd", learningRate: 0.05 },
        ]
      : [
          { name: "sgd", learningRate: 0.03, momentum: 0.9, nesterov: true },
          { name: "adam", learningRate: 0.003 },
          { name: "rmsprop", learningRate: 0.003 },
          { name: "adagrad", learningRate: 0.01 },
        ],
  );
  return {
    seed,
    batch: BATCH,
    config: model.toConfig(),
    parameters: model.graph.parameters.map(({ name, shape, role }, i) => ({
      name,
      shape,
      role,
      ...startOf(name, shape, 1000 * seed + i),
    })),
    inputShape: x.shape,
    outputs,
    loss,
    optimizer,
  };
}

/** How large a parameter's numbers are: as trained ones, biases and scales among them, and moving statistics at their start. */
function startOf(
  name: string,
  shape: readonly number[],
  seed: number,
): Pick<NetParameter, "seed" | "scale" | "offset"> {
  const kind = name.slice(name.lastIndexOf("/") + 1);
  const still = { movingMean: 0, movingVariance: 1, mean: 0.1, variance: 0.8 }[kind];
  if (still !== undefined) return { seed, scale: 0, offset: still };
  if (kind === "gamma") return { seed, scale: 0.25, offset: 1 };
  if (kind === "bias" || kind === "beta") return { seed, scale: 0.25, offset: 0 };
  if (kind === "alpha") return { seed, scale: 0.2, offset: 0.3 };
  const fanIn = Math.max(1, elements(shape) / shape.at(-1)!);
  return { seed, scale: Number((1.4 / Math.sqrt(fanIn)).toPrecision(3)), offset: 0 };
}
