import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportModel, loadModel } from "../../src/node.ts";
import { farthest, interchangeNets, type Numbers, predicted, prepared } from "../support/interchange-nets.ts";
import { findPython, runPython } from "../support/python.ts";

const python = findPython("keras", "tensorflow");
const nets = interchangeNets();

/** Loads each model, predicts with it, saves it again; and saves models of Keras's own. */
const SCRIPT = `
import json, sys, numpy as np, keras
folder = sys.argv[1]
cases = json.load(open(folder + "/cases.json"))
def ask(model, inputs):
    arrays = [np.array(i["values"], "float32").reshape([-1] + i["shape"]) for i in inputs]
    out = model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
    return np.concatenate([o.ravel() for o in (out if isinstance(out, (list, tuple)) else [out])]).tolist()
result = {}
for key, case in cases.items():
    try:
        model = keras.saving.load_model(f"{folder}/{case['file']}.keras")
        result[key] = ask(model, case["inputs"])
        model.save(f"{folder}/{case['file']}.back.keras")
    except Exception as e:
        result[key] = f"{type(e).__name__}: {str(e)[:1800]}"
print(json.dumps(result))
`;

let folder: string;
const inputs: Record<string, Numbers[]> = {};
const ours: Record<string, number[]> = {};
let theirs: Record<string, number[] | string> = {};

describe.skipIf(!python)("Keras", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keras-"));
    const cases: Record<string, unknown> = {};
    for (const [i, [key, config]] of Object.entries(nets).entries()) {
      const { model, inputs: own } = await prepared(config, i + 1);
      inputs[key] = own;
      ours[key] = await predicted(model, own);
      const files = await exportModel(model, { format: "keras", name: String(i) });
      await writeFile(join(folder, `${i}.keras`), files[`${i}.keras`]!);
      cases[key] = { file: String(i), inputs: own };
      model.dispose();
    }
    await writeFile(join(folder, "cases.json"), JSON.stringify(cases));
    theirs = runPython(python!, SCRIPT, [folder]);
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true }));

  test.each(Object.keys(nets))("%s: predicts in Keras what it does here, and comes back", async (key) => {
    expect(typeof theirs[key], String(theirs[key])).toBe("object");
    expect(farthest(ours[key]!, theirs[key] as number[])).toBeLessThan(1e-5);
    const index = Object.keys(nets).indexOf(key);
    const loaded = await loadModel(await readFile(join(folder, `${index}.back.keras`)));
    await loaded.model.compile({ threads: 1, loss: "meanSquaredError" });
    expect(farthest(ours[key]!, await predicted(loaded.model, inputs[key]!))).toBeLessThan(1e-6);
    loaded.model.dispose();
  });
});
