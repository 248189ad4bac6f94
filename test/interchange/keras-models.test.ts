import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportModel, loadModel } from "../../src/node.ts";
import { farthest, type Numbers, predicted } from "../support/interchange-nets.ts";
import { findPython, runPython } from "../support/python.ts";

const python = findPython("keras", "tensorflow");
const SCRIPT = await readFile(fileURLToPath(new URL("../support/keras_models.py", import.meta.url)), "utf8");
const MODELS = [
  ...["transfer", "twice", "chain", "normalized", "open"],
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
