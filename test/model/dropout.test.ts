import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  activation,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  type Layer,
} from "../../src/model/layers/index.ts";
import type { PlainSamples, Samples } from "../../src/train/samples.ts";
import type { Session } from "../../src/train/session.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, outputsOf, sessionOf, type TestSessionOptions } from "../support/sessions.ts";

const N = 400;
const COUNT = 5;
const ones: PlainSamples = {
  images: new Float32Array(COUNT * N).fill(1),
  count: COUNT,
  shape: [N],
  targets: new Float32Array(COUNT * N),
};

/** Its output in training is the dropout mask, scaled: inputs are 1, and the dense layer passes them on. */
async function maskSession(rate: number, options: TestSessionOptions = {}, more: Layer[] = []) {
  const layers = [dense({ units: N, useBias: false, inputShape: [N] }), dropout({ rate }), ...more];
  const session = await sessionOf(layers, { loss: "meanSquaredError", ...options });
  const [kernel] = session.weights();
  kernel!.data.fill(0);
  for (let i = 0; i < N; i++) kernel!.data[i * N + i] = 1;
  return session;
}

/** Outputs of a training step. */
function trainedOutputs(session: Session, samples: Samples): Float32Array {
  session.trainStep(samples, all(samples));
  const { outputs } = session.plan({ batch: COUNT, mode: "train", inputs: ["floats"], targets: ["floats"] });
  return session.engine.f32(outputs[0]!, COUNT * N).slice();
}

describe.each(BACKENDS)("dropout, build %s", (backend) => {
  test.each([0.1, 0.25, 0.5, 0.9])("rate %f: drops that share, scales up the rest", async (rate) => {
    const mask = trainedOutputs(await maskSession(rate, { backend }), ones);
    const kept = mask.filter((v) => v !== 0);
    expectClose(
      kept,
      kept.map(() => 1 / (1 - rate)),
      { atol: 0, rtol: 1e-6 },
    );
    // Four standard deviations of 2,000 draws.
    const deviation = Math.sqrt((rate * (1 - rate)) / (COUNT * N));
    expect(Math.abs(1 - kept.length / mask.length - rate)).toBeLessThan(4 * deviation);
  });

  test("rate 0 changes nothing", async () => {
    expectSame(trainedOutputs(await maskSession(0, { backend }), ones), ones.images);
  });

  test("outside of training it changes nothing", async () => {
    const session = await maskSession(0.5, { backend });
    expectSame(outputsOf(session, ones), ones.images);
    const wanted = new Float32Array(COUNT * N).fill(1);
    expect(session.evaluateStep({ ...ones, targets: wanted }, all(ones)).loss).toBe(0);
    trainedOutputs(session, ones);
    expectSame(outputsOf(session, ones), ones.images);
  });

  test("backward drops what forward dropped", async () => {
    const session = await maskSession(0.5, { backend });
    const mask = trainedOutputs(session, ones);
    // loss = mean of y^2, y = 2 m x: dL/dx = 2 y / N / COUNT * 2 m = 4 y / N / COUNT; the kernel's rows get its column sums.
    const columns = Float64Array.from({ length: N }, (_, j) => {
      let sum = 0;
      for (let r = 0; r < COUNT; r++) sum += (4 * mask[r * N + j]!) / N / COUNT;
      return sum;
    });
    const { data } = [...session.gradients()][0]!;
    const expected = Float64Array.from({ length: N * N }, (_, i) => columns[i % N]!);
    expectClose(data, expected, { atol: 0, rtol: 1e-6, shape: [N, N] });
  });
});

describe("masks", () => {
  test("differ from step to step and by seed, and are the same for the same seed", async () => {
    const steps = async (seed: number) => {
      const session = await maskSession(0.5, { seed });
      return [trainedOutputs(session, ones), trainedOutputs(session, ones)] as const;
    };
    const [first, second] = await steps(1);
    const [again, secondAgain] = await steps(1);
    const [other] = await steps(2);
    const [far] = await steps(1 + 2 ** 32);
    expectSame(again, first);
    expectSame(secondAgain, second);
    // Independent masks agree in about half of the places.
    for (const mask of [second, other, far]) {
      const equal = mask.filter((v, i) => v === first[i]).length / mask.length;
      expect(equal).toBeGreaterThan(0.4);
      expect(equal).toBeLessThan(0.6);
    }
  });

  test("differ from layer to layer and from sample to sample", async () => {
    const twice = trainedOutputs(await maskSession(0.5, {}, [dropout({ rate: 0.5 })]), ones);
    const kept = twice.filter((v) => v !== 0).length / twice.length;
    expect(kept).toBeGreaterThan(0.2);
    expect(kept).toBeLessThan(0.3);
    const mask = trainedOutputs(await maskSession(0.5), ones);
    expect(mask.subarray(0, N)).not.toEqual(mask.subarray(N, 2 * N));
  });

  test("are the same for every build and number of threads", async () => {
    const reference = trainedOutputs(await maskSession(0.5), ones);
    for (const backend of BACKENDS)
      for (const threads of [1, 3])
        expectSame(trainedOutputs(await maskSession(0.5, { backend, threads }), ones), reference);
  });
});

/**
 * Gradients of a training step against differences of its loss, each time with the same masks. The loss is f32, near 1:
 * rounding makes errors of 2e-5, and differences over H and 2 H combined remove the error in H^2.
 */
function expectGradients(session: Session, samples: Samples): void {
  const H = 8e-3;
  const train = () => {
    session.engine.view().setUint32(session.optimizer.stepPointer, 3, true);
    return session.trainStep(samples, all(samples)).loss;
  };
  train();
  const gradients = [...session.gradients()].map(({ data }) => data.slice());
  for (const [p, { parameter, data }] of [...session.weights()].entries()) {
    const differences = gradients[p]!.map((_, i) => {
      const kept = data[i]!;
      const slope = (h: number) => {
        data[i] = kept + h;
        const [above, high] = [train(), data[i]!];
        data[i] = kept - h;
        const [below, low] = [train(), data[i]!];
        data[i] = kept;
        return (above - below) / (high - low);
      };
      return (4 * slope(H) - slope(2 * H)) / 3;
    });
    const largest = differences.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    expect(largest, parameter.name).toBeGreaterThan(2e-3);
    expectClose(gradients[p]!, differences, { atol: 6e-5, rtol: 2e-3, shape: parameter.shape });
  }
}

// Dropout works in place: not where an op needs in backward what the tensor held. Smooth activations: no kinks.
describe.each(BACKENDS)("dropout among ops that work in place, build %s", (backend) => {
  const image = [7, 8, 2];
  const conv = (name: "tanh" | "sigmoid" | "linear") =>
    conv2d({ filters: 3, kernelSize: 3, strides: 2, activation: name, inputShape: image });
  const act = (name: "tanh" | "sigmoid" | "softmax") => activation({ activation: name });
  const drop = (rate: number) => dropout({ rate });
  test.each<[string, Layer[]]>([
    ["behind an activation", [conv("tanh"), drop(0.4), flatten()]],
    ["behind flatten behind an activation", [conv("tanh"), flatten(), drop(0.4)]],
    ["on both sides of flatten", [conv("sigmoid"), drop(0.2), flatten(), drop(0.3)]],
    ["before an activation", [conv("linear"), drop(0.4), act("tanh"), flatten()]],
    ["between two activations", [conv("tanh"), drop(0.4), act("sigmoid"), flatten()]],
    ["between flatten and an activation", [conv("tanh"), flatten(), drop(0.4), act("sigmoid")]],
    ["as the first layer", [dropout({ rate: 0.4, inputShape: image }), conv("tanh"), flatten()]],
    ["behind softmax", [conv("tanh"), globalAveragePooling2d(), act("softmax"), drop(0.2)]],
    ["behind global averages", [conv("tanh"), globalAveragePooling2d(), drop(0.2)]],
  ])("%s", async (_, layers) => {
    const session = await sessionOf([...layers, dense({ units: 3, activation: "softmax" })], { backend });
    for (const [i, { parameter, data }] of [...session.weights()].entries())
      data.set(fixtureValues(data.length, 10 + i, parameter.shape.length === 1 ? 0.3 : 1));
    const images = fixtureValues(3 * 7 * 8 * 2, 1, 1);
    expectGradients(session, { images, count: 3, shape: image, labels: fixtureLabels(3, 2, 3) });
  });
});
