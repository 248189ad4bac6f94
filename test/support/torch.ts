// Models in PyTorch and here, side by side: files in a folder, one start of Python for all.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elements } from "../../src/compiler/graph.ts";
import { exportModel, type Model } from "../../src/node.ts";
import { randomOf } from "./mutate.ts";
import { runPython } from "./python.ts";

/** Numbers from -1 to 1 that a seed fixes. */
export function numbers(count: number, seed: number): Float32Array {
  const below = randomOf(seed);
  return Float32Array.from({ length: count }, () => below(2 ** 24) / 2 ** 23 - 1);
}

/** The model compiled, with weights of any kind: moving statistics as well. */
export async function randomized(model: Model, seed: number): Promise<Model> {
  await model.compile({ threads: 1, seed, loss: "meanSquaredError" });
  const weights = model.getWeights().map(({ name, shape }, i) => {
    const all = numbers(elements(shape), 1000 * seed + i);
    const kind = name.slice(name.lastIndexOf("/") + 1);
    if (/[vV]ariance$/.test(kind)) return { name, shape, data: all.map((n) => 1 + 0.7 * n) };
    const fan = elements(shape) / shape.at(-1)!;
    const scale = /ernel$/.test(kind) ? Math.sqrt(3 / Math.max(1, fan)) : 0.5;
    return { name, shape, data: all.map((n) => (kind === "gamma" ? 1 + 0.5 * n : scale * n)) };
  });
  model.setWeights(weights);
  return model;
}

export interface TorchCase {
  readonly name: string;
  readonly model: Model;
  readonly inputs: readonly Float32Array[];
}

/** Python that runs what exportModel() wrote, on numbers with the channels last. */
const RUN = `
import importlib.util, json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
results = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    if not folder.is_dir():
        continue
    spec = importlib.util.spec_from_file_location("net_" + folder.name, folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        model = module.load()
        case = json.loads((folder / "case.json").read_text())
        inputs = [torch.tensor(i["values"]).reshape(1, *i["shape"]).movedim(-1, 1) for i in case]
        with torch.no_grad():
            given = model(*inputs)
        outputs = given if isinstance(given, tuple) else (given,)
        results[folder.name] = {
            "outputs": [y.movedim(1, -1).flatten().tolist() for y in outputs],
            "shapes": [list(y.movedim(1, -1).shape[1:]) for y in outputs],
            "names": list(model.state_dict()),
        }
    except Exception as error:
        import traceback
        results[folder.name] = {"error": traceback.format_exc()[-1500:]}
print(json.dumps(results))
`;

export interface TorchResult {
  readonly outputs: readonly number[][];
  readonly shapes: readonly number[][];
  readonly names: readonly string[];
  readonly error?: string;
}

export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-torch-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What PyTorch computes with the models as they are exported. */
export function runInTorch(
  python: string,
  cases: readonly TorchCase[],
): Promise<Record<string, TorchResult>> {
  return inFolder(async (folder) => {
    for (const { name, model, inputs } of cases) {
      const own = join(folder, name);
      mkdirSync(own);
      const files = await exportModel(model, { format: "pytorch", name: "net" });
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(own, file), bytes);
      const shapes = model.graph.inputs.map(({ shape }) => shape);
      writeFileSync(
        join(own, "case.json"),
        JSON.stringify(inputs.map((values, i) => ({ shape: shapes[i], values: [...values] }))),
      );
    }
    return runPython(python, RUN, [folder]);
  });
}

/** What the model gives here, for one sample. */
export async function runHere({ model, inputs }: Omit<TorchCase, "name">): Promise<Float32Array[]> {
  const given =
    inputs.length === 1
      ? inputs[0]!
      : { images: inputs, shape: model.graph.inputs.map(({ shape }) => shape), count: 1 };
  const all: Float32Array | Float32Array[] = await model.predict(given as Float32Array);
  return Array.isArray(all) ? all : [all];
}

/** The greatest difference, as a share of the greatest number where that is above 1. */
export function difference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, largest] = [0, 1];
  for (let i = 0; i < got.length; i++) {
    const far = Math.abs(got[i]! - expected[i]!);
    most = Number.isNaN(far) ? Number.POSITIVE_INFINITY : Math.max(most, far);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return most / largest;
}

export const readText = (path: string) => readFileSync(path, "utf8");
