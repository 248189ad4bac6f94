// Cases of single kernels at the seed CNN's shapes. A case is { group, name, open(host) -> subject }.

import { product } from "../dist/compiler/ops/dense.js";
import { chunks, GRAIN } from "../dist/compiler/tasks.js";
import { emitLoss, fusedOp } from "../dist/losses/emit-loss.js";
import { defaultMetrics, lossDefinition } from "../dist/losses/index.js";
import { LOSSES } from "../dist/losses/names.js";
import { metricsOf } from "../dist/metrics/index.js";
import {
  activation,
  averagePooling2d,
  batchNormalization,
  conv2d,
  dense,
  dropout,
  globalAveragePooling2d,
  maxPooling2d,
} from "../dist/model/layers/index.js";
import { adam, adamw, rmsprop, sgd } from "../dist/optim/index.js";
import { chain, emitBoth, part, WEIGHTS } from "./subjects.mjs";

const BATCH = 32;

export const OPTIMIZERS = {
  sgd: sgd(),
  "sgd, momentum": sgd({ momentum: 0.9 }),
  rmsprop: rmsprop(),
  adam: adam(),
  adamw: adamw(),
};

/** C[M, N] = op(A) op(B). */
function gemm(M, N, K, what = "", { transA = false, transB = false } = {}) {
  const transposes = `${transA ? "T" : "N"}${transB ? "T" : "N"}`;
  return {
    group: "gemm",
    name: `${M}x${N}x${K} ${transposes}${what && `, ${what}`}`,
    open(host) {
      const plan = host.plan(chain([], [1]), 1, (p) => {
        p.section("forward", "gemm");
        const [c, a, b] = [M * N, M * K, K * N].map((n) => p.tensor(4 * n));
        product(p, { c, a, b, M, N, K, transA, transB });
      });
      return part(plan, "forward");
    },
  };
}

/** Layers forward, and backward with the gradients of their parameters and their input. */
function layers(group, name, make, inputShape, options) {
  return ["forward", "backward"].map((phase) => ({
    group,
    name: `${name} ${phase}`,
    open: (host) => part(host.plan(chain(make(), inputShape, options), BATCH, emitBoth), phase),
  }));
}

/** What a 1x1 convolution calls in each pass: packing, products, and the sum of the filter gradient's parts. */
const PASSES = [
  ["forward", "forward", undefined],
  ["filter gradient", "backward", ["conv2dBackwardFilter", "columnSum"]],
  ["input gradient", "backward", ["packFilterTransposed", "conv2dBackwardInput"]],
];

function pointwise(size, channels, filters, strides = 1) {
  const make = () => [conv2d({ filters, kernelSize: 1, strides, useBias: false })];
  return PASSES.map(([pass, phase, kernels]) => ({
    group: "pointwise",
    name: `${size}x${size}x${channels} -> ${filters}${strides > 1 ? `, strides ${strides}` : ""}, ${pass}`,
    open: (host) => part(host.plan(chain(make(), [size, size, channels]), BATCH, emitBoth), phase, kernels),
  }));
}

function loss(name) {
  return {
    group: "losses",
    name: `${name}, gradient included`,
    open(host) {
      const softmax = chain([activation({ activation: "softmax" })], [10]);
      const plan = host.plan(softmax, BATCH, (p) => {
        const [output] = softmax.outputs;
        const definition = lossDefinition(name);
        const metrics = metricsOf(defaultMetrics(definition));
        const skipped = fusedOp(softmax, output, definition);
        for (const op of softmax.ops) if (op !== skipped) p.forward(op);
        emitLoss(p, { output, loss: definition, weight: 1, metrics }, p.tensor(4 * 10 * BATCH));
      });
      return part(plan, "loss");
    },
  };
}

function optimizer(name) {
  return {
    group: "optimizers",
    name: `${name}, ${WEIGHTS} weights`,
    open(host) {
      const state = host.optimizers.get(name);
      state.beginStep();
      const plan = host.plan(chain([], [1]), 1, (p) => {
        p.section("update", "optimizer");
        state.emit(p, host.values, host.gradients, []);
      });
      return part(plan, "update");
    },
  };
}

const pixels = {
  group: "input",
  name: `pixels to floats, ${BATCH}x28x28`,
  open(host) {
    const n = BATCH * 28 * 28;
    const plan = host.plan(chain([], [1]), BATCH, (p) => {
      p.section("input", "input");
      const [out, bytes] = [p.tensor(4 * n), p.tensor(n)];
      p.call(
        "pixelsToFloat",
        { out, pixels: bytes, n, scale: 1 / 255, offset: 0, grain: GRAIN },
        { tasks: chunks(n) },
      );
    });
    return part(plan, "input");
  },
};

const CONV1 = () => conv2d({ filters: 32, kernelSize: 3, activation: "relu" });
const CONV2 = () => conv2d({ filters: 64, kernelSize: 3, activation: "relu" });
const POOL = () => maxPooling2d({ poolSize: 2 });

export const KERNEL_CASES = [
  gemm(256, 256, 256),
  gemm(256, 256, 256, "", { transB: true }),
  gemm(256, 256, 256, "", { transA: true }),
  gemm(256, 256, 256, "", { transA: true, transB: true }),
  gemm(512, 512, 512),
  gemm(BATCH, 64, 1600, "dense 1 forward"),
  gemm(1600, 64, BATCH, "dense 1 kernel gradient", { transA: true }),
  gemm(BATCH, 1600, 64, "dense 1 input gradient", { transB: true }),
  gemm(BATCH, 10, 64, "dense 2 forward"),
  gemm(64, 10, BATCH, "dense 2 kernel gradient", { transA: true }),
  gemm(BATCH, 64, 10, "dense 2 input gradient", { transB: true }),
  ...layers("convolution", "conv 1 + relu", () => [CONV1()], [28, 28, 1]),
  ...layers("convolution", "conv 2 + relu", () => [CONV2()], [13, 13, 32]),
  ...layers("convolution", "conv 1 + relu + pool, fused", () => [CONV1(), POOL()], [28, 28, 1]),
  ...layers("convolution", "conv 2 + relu + pool, fused", () => [CONV2(), POOL()], [13, 13, 32]),
  ...[
    [32, 64, 64],
    [32, 64, 128],
    [32, 16, 96],
    [32, 96, 24],
    [16, 192, 32],
    [8, 384, 64],
    [4, 160, 960],
    [32, 16, 32, 2],
  ].flatMap((sizes) => pointwise(...sizes)),
  ...layers("dense", "dense 1 + relu", () => [dense({ units: 64, activation: "relu" })], [1600]),
  ...layers("dense", "dense 2", () => [dense({ units: 10 })], [64]),
  ...layers("pooling", "max pool 2x2, 26x26x32", () => [POOL()], [26, 26, 32]),
  ...layers("pooling", "max pool 2x2, 11x11x64", () => [POOL()], [11, 11, 64]),
  ...layers("pooling", "average pool 2x2, 26x26x32", () => [averagePooling2d({ poolSize: 2 })], [26, 26, 32]),
  ...layers("pooling", "global average pool, 11x11x64", () => [globalAveragePooling2d()], [11, 11, 64]),
  ...["relu", "leakyRelu", "elu", "sigmoid", "tanh"].flatMap((kind) =>
    layers("activations", `${kind}, 26x26x32`, () => [activation({ activation: kind })], [26, 26, 32]),
  ),
  ...[
    [32, 16],
    [16, 32],
    [8, 64],
  ].flatMap(([size, channels]) =>
    layers(
      "normalization",
      `batch norm + relu, ${size}x${size}x${channels}`,
      () => [batchNormalization(), activation({ activation: "relu" })],
      [size, size, channels],
    ),
  ),
  ...layers("activations", "softmax, 10", () => [activation({ activation: "softmax" })], [10]),
  ...layers("activations", "dropout, 1600", () => [dropout({ rate: 0.5 })], [1600]),
  // Those of the builds that are measured.
  ...LOSSES.filter((name) => !name.startsWith("sparse") && !lossDefinition(name).allKernels).map(loss),
  ...Object.keys(OPTIMIZERS).map(optimizer),
  pixels,
];
