import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import { dense, leakyRelu } from "../../src/model/layers/index.ts";
import { NonFiniteError } from "../../src/train/errors.ts";
import type { Sequential } from "../../src/train/sequential.ts";
import { vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [dense({ units: 4, inputShape: [3] }), dense({ units: 2 })];
const samples = vectors(8, 3, 2, 1);
const compiled = () => modelOf(layers(), { loss: "meanSquaredError" });

/** Puts a number into the model's weights. */
function spoil(model: Sequential, name: string, index: number, value: number): void {
  const tensors = model.getWeights();
  tensors.find((tensor) => tensor.name === name)!.data[index] = value;
  model.setWeights(tensors);
}

async function errorOf(promise: Promise<unknown>): Promise<NonFiniteError> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(NonFiniteError);
  return error as NonFiniteError;
}

describe("weights that are not finite before a training", () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "%f: fit says which, and what to do; nothing is trained",
    async (value) => {
      const model = await compiled();
      spoil(model, "dense_1/kernel", 5, value);
      const before = model.getWeights();
      const begun: string[] = [];
      const error = await errorOf(
        model.fit(samples, { callbacks: { onTrainBegin: () => void begun.push("begun") } }),
      );
      expect(error.code).toBe("weights");
      expect(error.message).toBe(
        `the weights were not finite before the training: 'dense_1/kernel' holds ${value} at index 5. Set finite ones with model.setWeights(), or compile() the model to begin anew`,
      );
      expect(model.getWeights()).toEqual(before);
      expect(begun).toEqual([]);
      // As it says.
      await model.compile({ loss: "meanSquaredError", threads: 1 });
      await model.fit(samples);
    },
  );

  test("more than one: the first, and how many", async () => {
    const model = await compiled();
    spoil(model, "dense_1/bias", 0, Number.NaN);
    spoil(model, "dense/kernel", 2, Number.NEGATIVE_INFINITY);
    const { message } = await errorOf(model.fit(samples));
    expect(message).toContain("'dense/kernel' holds -Infinity at index 2, and 1 more number is not finite");
  });
});

describe.each(BACKENDS)("no answer is NaN or infinite, build %s", (backend) => {
  test("weights: predict and evaluate say which", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError", backend });
    spoil(model, "dense/bias", 3, Number.NaN);
    for (const call of ["predict", "evaluate"] as const) {
      const { code, message } = await errorOf(model[call](samples));
      expect(code).toBe("weights");
      expect(message).toBe(
        `the weights were not finite before ${call}(): 'dense/bias' holds NaN at index 3. Set finite ones with model.setWeights(), or compile() the model to begin anew`,
      );
    }
  });

  test("weights that relu hides from every answer", async () => {
    const model = await modelOf(
      [dense({ units: 4, inputShape: [3], activation: "relu" }), dense({ units: 2 })],
      { loss: "meanSquaredError", backend },
    );
    const before = await model.predict(samples);
    spoil(model, "dense/bias", 3, Number.NEGATIVE_INFINITY);
    for (const call of ["predict", "evaluate"] as const)
      expect((await errorOf(model[call](samples))).message).toContain(
        "'dense/bias' holds -Infinity at index 3",
      );
    spoil(model, "dense/bias", 3, 0);
    expect(await model.predict(samples)).toEqual(before);
  });

  test("inputs and targets: the sample is named", async () => {
    const model = await modelOf(layers(), { loss: "meanSquaredError", backend });
    const images = samples.images.slice();
    images[3 * 6 + 2] = Number.POSITIVE_INFINITY;
    const prediction = await errorOf(model.predict({ ...samples, images }, { batchSize: 4 }));
    expect(prediction.code).toBe("inputs");
    expect(prediction.message).toBe(
      "the output for sample 6 is not finite: input 2 of sample 6 is Infinity, expected finite numbers",
    );
    const evaluation = await errorOf(model.evaluate({ ...samples, images }, { batchSize: 3 }));
    expect(evaluation.message).toContain("the loss of samples 6 to 7 is not finite: input 2 of sample 6");
    const targets = samples.targets.slice();
    targets[2 * 7] = Number.NaN;
    const wrong = await errorOf(model.evaluate({ ...samples, targets }, { batchSize: 1 }));
    expect(wrong.code).toBe("targets");
    expect(wrong.message).toBe(
      "the loss of sample 7 is not finite: target 0 of sample 7 is NaN, expected finite numbers",
    );
    // The others are answered as ever.
    expect(await model.predict(samples)).toHaveLength(16);
  });

  test("numbers that grow too large on the way", async () => {
    const model = await modelOf(
      [
        dense({ units: 2, inputShape: [3] }),
        leakyRelu({ alpha: 3e38 }),
        dense({ units: 2, activation: "softmax" }),
      ],
      { backend, preprocessing: { scale: 1e36 } },
    );
    const error = await errorOf(model.predict(Uint8Array.of(255, 255, 0, 0, 255, 255)));
    expect(error.code).toBe("range");
    expect(error.message).toMatch(
      /^the output for sample [01] is not finite: weights and inputs are finite, .*pixels become pixel \* 1e\+36 \+ 0/,
    );
  });
});

test.each([1e308, 3.5e38])("an alpha of %f, which f32 does not hold, is refused", (alpha) => {
  expect(() => leakyRelu({ alpha, inputShape: [2] })).toThrow(
    /alpha is .*expected a number >= 0 and < 3.4e\+38/,
  );
});
