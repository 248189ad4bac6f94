import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adam, exportModel, loadModel } from "../../src/node.ts";
import { farthest, type Numbers, predicted } from "../support/interchange-nets.ts";
import { randomOf } from "../support/mutate.ts";
import { findPython, runPython } from "../support/python.ts";

const python = findPython("keras", "tensorflow");
const SCRIPT = await readFile(fileURLToPath(new URL("../support/keras_models.py", import.meta.url)), "utf8");
const MODELS = [
  ...["transfer", "twice", "chain", "normalized", "classes", "open"],
  ...["MobileNetV2", "EfficientNetB0", "ResNet50"],
];

let folder: string;
let made: Record<string, { inputs: Numbers[]; outputs: number[] }>;
const there: Record<string, { file: string; weights?: string; inputs: Numbers[]; of: string }> = {};

const options = (name: string) => (name === "open" ? { inputShape: [7, 7, 3] } : {});
const fileOf = (name: string) => readFile(join(folder, name)).then((bytes) => new Uint8Array(bytes));

describe.skipIf(!python)("models of Keras's own", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keras-"));
    made = runPython(python!, SCRIPT, ["make", folder]);
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true }));

  describe.each(MODELS)("%s", (name) => {
    test.each(["keras", "h5"])("as .%s predicts here what it does there, and goes back", async (ending) => {
      const loaded = await loadModel(await fileOf(`${name}.${ending}`), options(name));
      const { inputs, outputs } = made[name]!;
      await loaded.model.compile({ loss: "meanSquaredError" });
      expect(farthest(await predicted(loaded.model, inputs), outputs)).toBeLessThan(1e-5);
      loaded.model.dispose();
      const write = async (key: string, file: string, to: Parameters<typeof exportModel>[1]) => {
        const [bytes] = Object.values(await exportModel(loaded, to));
        await writeFile(join(folder, file), bytes!);
        there[key] = { file, inputs, of: name };
      };
      if (ending === "keras") {
        await write(`${name} .keras`, `back-${name}.keras`, { format: "keras" });
        return;
      }
      await write(`${name} .h5`, `back3-${name}.h5`, { format: "h5", kerasVersion: 3 });
      await write(`${name} weights`, `back-${name}.weights.h5`, { format: "h5-weights" });
      there[`${name} weights`] = { ...there[`${name} .h5`]!, weights: `back-${name}.weights.h5` };
      // Its hard sigmoid is not Keras 2's.
      if (name !== "chain") await write(`${name} .h5 of Keras 2`, `back2-${name}.h5`, { format: "h5" });
    });
  });

  test("a model of Keras's that is trained here is as right there, and trains on", async () => {
    const below = randomOf(8);
    const shape = [8, 8, 1];
    const labels = Uint8Array.from({ length: 96 }, (_, i) => i % 3);
    // Bars that lie, that stand, and squares; not all of them clear.
    const values = Float32Array.from({ length: 96 * 64 }, (_, i) => {
      const [label, y, x] = [labels[Math.floor(i / 64)]!, Math.floor((i % 64) / 8), i % 8];
      const ink = [y === 3, x === 4, y > 1 && y < 6 && x > 1 && x < 6][label]!;
      return Number(ink) + (below(1000) / 1000 - 0.5) * 1.6;
    });
    const samples = { images: values, shape, count: 96, labels };
    const { model } = await loadModel(await fileOf("classes.keras"));
    await model.compile({ loss: "categoricalCrossentropy", optimizer: adam({ learningRate: 0.005 }) });
    await model.fit(samples, { epochs: 1, batchSize: 8 });
    const { loss, accuracy } = await model.evaluate(samples);
    const files = await exportModel(model, {
      format: "keras",
      metadata: { loss: "categoricalCrossentropy" },
    });
    model.dispose();
    await writeFile(join(folder, "trained.keras"), Object.values(files)[0]!);
    const trained = {
      file: "trained.keras",
      compile: true,
      inputs: [{ shape, values: [...values] }],
      labels: [...labels],
    };
    await writeFile(join(folder, "cases.json"), JSON.stringify({ trained }));
    const answer = runPython(python!, SCRIPT, ["ask", folder]).trained;
    expect(typeof answer, String(answer).slice(0, 500)).toBe("object");
    const [lossThere, accuracyThere, lossThen, accuracyThen] = answer as number[];
    expect(lossThere).toBeCloseTo(loss, 5);
    expect(accuracyThere).toBeCloseTo(accuracy!, 6);
    expect(lossThen).toBeLessThan(loss);
    expect(accuracyThen).toBeGreaterThanOrEqual(accuracy!);
  }, 300_000);

  test("all of them predict the same there", async () => {
    await writeFile(join(folder, "cases.json"), JSON.stringify(there));
    const answers = runPython(python!, SCRIPT, ["ask", folder]);
    expect(Object.keys(answers)).toHaveLength(4 * MODELS.length - 1);
    for (const [key, answer] of Object.entries<number[] | string>(answers)) {
      expect(typeof answer, `${key}: ${answer.slice(0, 300)}`).toBe("object");
      expect(farthest(answer as number[], made[there[key]!.of]!.outputs), key).toBeLessThan(1e-5);
    }
  }, 300_000);
});
