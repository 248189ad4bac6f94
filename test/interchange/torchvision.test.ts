// torchvision's models, with the names of its modules: docs/examples has them as lists of layers, for its weights.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  exportModel,
  generateDigits,
  type LoadedModel,
  loadModel,
  type ModelConfig,
  modelFromConfig,
} from "../../src/node.ts";
import { findPython, runPython } from "../support/python.ts";
import { difference, inFolder } from "../support/torch.ts";

const python = findPython("torch", "numpy");
const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const NETS = read("../fixtures/torch_nets.py");
const example = (name: string) => JSON.parse(read(`../../docs/examples/${name}.json`)) as ModelConfig;

/** Without the softmax, and what brings bytes to torchvision's numbers: torchvision leaves them to its loss and its data. */
function logits(config: ModelConfig): ModelConfig {
  const layers = config.layers
    .filter(({ type }) => type !== "softmax" && type !== "normalization")
    .map((layer) => (String(layer.from) === "normalize" ? { ...layer, from: ["image"] } : layer));
  return { ...config, layers, outputs: [layers.at(-1)!.name as string] };
}

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

/** The same layers under other names. */
function renamed(config: ModelConfig): ModelConfig {
  const names = new Map(config.layers.map(({ name }, i) => [name as string, `l${i}`]));
  const to = (list: unknown) => (list as string[]).map((name) => names.get(name)!);
  return {
    inputs: to(config.inputs),
    outputs: to(config.outputs),
    layers: config.layers.map((layer) => ({
      ...layer,
      name: names.get(layer.name as string),
      ...(layer.from !== undefined && { from: to(layer.from) }),
    })),
  } as ModelConfig;
}

/** Whether two models have the same weights, in order: millions, which no matcher compares in time. */
function isSame(a: LoadedModel, b: LoadedModel): boolean {
  return a.tensors.every(({ data }, i) => Buffer.compare(bufferOf(data), bufferOf(b.tensors[i]!.data)) === 0);
}

const bufferOf = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

async function predicted({ model }: LoadedModel, x: Float32Array): Promise<Float32Array> {
  await model.compile({ loss: "meanSquaredError" });
  const y = await model.predict(x);
  model.dispose();
  return y;
}

describe.skipIf(!python)("torchvision's weights", () => {
  test("give here what they give there, and go back", { timeout: 600_000 }, () =>
    inFolder(async (folder) => {
      const bytes = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
      const floats = (name: string) => new Float32Array(bytes(name).slice().buffer);
      for (const name of runPython(python!, NETS, [folder]) as string[]) {
        const [x, y] = [floats(`${name}.x.bin`), floats(`${name}.y.bin`)];
        const config = logits(example(name));
        const loaded = await loadModel(bytes(`${name}.pt`), { model: config });
        const far = difference(await predicted(loaded, x), y);
        expect(far, name).toBeLessThan(1e-5);
        // As the example is, for numbers from 0 to 1.
        const whole = await loadModel(bytes(`${name}.pt`), { model: example(name) });
        const p = await predicted(
          whole,
          x.map((value, i) => value * STD[i % 3]! + MEAN[i % 3]!),
        );
        const most = Math.max(...y);
        const sum = y.reduce((all, value) => all + Math.exp(value - most), 0);
        expect(
          difference(
            p,
            y.map((value) => Math.exp(value - most) / sum),
          ),
          name,
        ).toBeLessThan(1e-5);
        // The same weights whether by names or in order, of the archive or of safetensors.
        const sameAs = async (file: string, model: ModelConfig) =>
          isSame(await loadModel(bytes(`${name}.${file}`), { model }), loaded);
        expect(await sameAs("safetensors", config)).toBe(true);
        expect(await sameAs("pt", renamed(config))).toBe(true);
        // A file sorted by name does not tell which of two modules of one shape is first, unless their numbers do.
        if (name === "resnet18")
          await expect(sameAs("safetensors", renamed(config))).rejects.toThrow("have the same shapes");
        else expect(await sameAs("safetensors", renamed(config))).toBe(true);
        const files = await exportModel(loaded, { format: "pytorch", name });
        writeFileSync(join(folder, "back.safetensors"), files[`${name}.safetensors`]!);
        const back: number[] = runPython(python!, NETS, [folder, name, "back.safetensors"]);
        expect(difference(back, y), `${name}, back`).toBe(0);
      }
    }),
  );

  test("of a model with a head of its own are those of its backbone", { timeout: 600_000 }, () =>
    inFolder(async (folder) => {
      runPython(python!, NETS, [folder]);
      const whole = logits(example("mobilenet-v2"));
      const layers = whole.layers.slice(0, whole.layers.findIndex(({ name }) => name === "pool") + 1);
      const backbone = { ...whole, layers, outputs: ["pool"] };
      const file = new Uint8Array(readFileSync(join(folder, "mobilenet-v2.pt")));
      const { tensors } = await loadModel(file, { model: backbone });
      expect(tensors.map(({ name }) => name)).toEqual(
        modelFromConfig(backbone).graph.parameters.map(({ name }) => name),
      );
    }),
  );
});

const TRAIN = `
import json, sys
from pathlib import Path
import torch
from torch import nn
torch.set_num_threads(1)
folder = Path(sys.argv[1])
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 12, 3)
        self.fc1 = nn.Linear(12 * 12 * 12, 24)
        self.fc2 = nn.Linear(24, 10)
    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.conv2(x))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))
torch.manual_seed(1)
net = Net()
if sys.argv[2] == "make":
    torch.save({"epoch": 0, "state_dict": net.state_dict()}, folder / "net.pt")
    print("{}")
else:
    sys.path.insert(0, str(folder))
    import back
    ours = back.load()
    x = torch.frombuffer(bytearray((folder / "x.bin").read_bytes()), dtype=torch.uint8).reshape(-1, 1, 28, 28) / 255
    labels = torch.tensor(list((folder / "labels.bin").read_bytes()))
    with torch.no_grad():
        y = ours(x)
        net.load_state_dict(back.load_weights(folder / "back.safetensors"))
        own = net.eval()(x).softmax(1)
    # And on with the training there.
    ours.train()
    frozen = [name for name, p in ours.named_parameters() if not p.requires_grad]
    still = {name: p.detach().clone() for name, p in ours.state_dict().items()}
    steps = torch.optim.SGD([p for p in ours.parameters() if p.requires_grad], 0.05)
    losses = []
    for i in range(12):
        part = slice(64 * (i % 4), 64 * (i % 4) + 64)
        loss = nn.functional.nll_loss(ours(x[part]).log(), labels[part])
        steps.zero_grad(); loss.backward(); steps.step()
        losses.append(loss.item())
    changed = [name for name, p in ours.state_dict().items() if not torch.equal(p, still[name])]
    print(json.dumps({
        "accuracy": (y.argmax(1) == labels).float().mean().item(),
        "y": y.flatten().tolist(), "own": own.flatten().tolist(),
        "frozen": frozen, "changed": changed, "losses": losses,
    }))
`;

test.skipIf(!python)("a net of PyTorch is trained here, and is as good there", { timeout: 300_000 }, () =>
  inFolder(async (folder) => {
    runPython(python!, TRAIN, [folder, "make"]);
    const layers = [
      { type: "zeroPadding2d", name: "pad", padding: 1, inputShape: [28, 28, 1] },
      { type: "conv2d", name: "conv1", filters: 8, kernelSize: 3, strides: 2, useBias: false },
      { type: "batchNormalization", name: "bn1", epsilon: 1e-5, momentum: 0.9 },
      { type: "activation", name: "relu1", activation: "relu" },
      { type: "conv2d", name: "conv2", filters: 12, kernelSize: 3, activation: "relu", trainable: false },
      { type: "flatten", name: "flat" },
      { type: "dense", name: "fc1", units: 24, activation: "relu" },
      { type: "dense", name: "fc2", units: 10, activation: "softmax" },
    ];
    const file = new Uint8Array(readFileSync(join(folder, "net.pt")));
    const { model } = await loadModel(file, { model: { layers } });
    const { train, test } = await generateDigits({ train: 3000, test: 500, seed: 3 });
    await model.compile({ seed: 1, threads: 1 });
    await model.fit(train, { epochs: 1, batchSize: 32 });
    const { accuracy } = await model.evaluate(test);
    const here = await model.predict(test);
    const files = await exportModel(model, { format: "pytorch", name: "back" });
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    writeFileSync(join(folder, "x.bin"), test.images as Uint8Array);
    writeFileSync(join(folder, "labels.bin"), test.labels as Uint8Array);
    const there = runPython(python!, TRAIN, [folder, "test"]);
    expect(there.accuracy).toBeCloseTo(accuracy!, 6);
    expect(accuracy).toBeGreaterThan(0.5);
    expect(difference(there.y, here)).toBeLessThan(1e-5);
    expect(difference(there.own, here)).toBeLessThan(1e-5);
    // On with the training there: all but what was frozen here learns, and the moving statistics go on.
    expect(there.frozen).toEqual(["conv2.weight", "conv2.bias"]);
    expect(there.changed.filter((name: string) => !name.endsWith("num_batches_tracked"))).toEqual(
      ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"].concat(
        ["fc1", "fc2"].flatMap((name) => [`${name}.weight`, `${name}.bias`]),
      ),
    );
    expect(there.losses.at(-1)).toBeLessThan(there.losses[0]);
    model.dispose();
  }),
);
