// What is written for PyTorch; that PyTorch computes the same with it is for torch-layers.test.ts.
import { describe, expect, test } from "vitest";
import { PARTS } from "../../src/interchange/torch/forms.ts";
import { ACTIVATIONS_THERE, NOT_WRITTEN, TO_PYTORCH } from "../../src/interchange/torch/layers.ts";
import { moduleNames } from "../../src/interchange/torch/names.ts";
import { ACTIVATIONS } from "../../src/model/layers/layer.ts";
import * as api from "../../src/node.ts";
import { exportModel, LAYERS, loadModel, type Model, modelFromConfig, sequential } from "../../src/node.ts";
import { decodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { randomized } from "../support/torch.ts";

const { conv2d, batchNormalization, flatten, dense, activation } = api;

async function written(model: Model, options: Partial<api.ExportOptions> = {}) {
  await randomized(model, 1);
  const files = await exportModel(model, { format: "pytorch", name: "m", ...options });
  const [weights, module] = Object.values(files) as [Uint8Array, Uint8Array];
  return {
    names: Object.keys(files),
    text: new TextDecoder().decode(module),
    ...decodeSafetensors(weights),
    weights,
  };
}

function net() {
  return sequential(
    [
      conv2d({
        filters: 3,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        inputShape: [8, 8, 1],
        useBias: false,
      }),
      batchNormalization({ scale: false, trainable: false }),
      activation({ activation: "relu" }),
      flatten(),
      dense({ units: 2, activation: "softmax", name: "head.out", trainable: false }),
    ],
    { name: "net" },
  );
}

test("every layer and activation has its form, or the reason why not", () => {
  const known = [...Object.keys(TO_PYTORCH), ...Object.keys(NOT_WRITTEN)];
  expect(known.sort()).toEqual(Object.keys(LAYERS).sort());
  expect(Object.keys(ACTIVATIONS_THERE).sort()).toEqual([...ACTIVATIONS].sort());
  expect(Object.keys(PARTS).filter((type) => !known.includes(type))).toEqual([]);
});

test("the module reads as one that somebody wrote", async () => {
  const metadata = { classNames: ["a", 'b"'], preprocessing: { scale: 2 / 255, offset: -1 } };
  const { text, names } = await written(net(), { metadata });
  expect(names).toEqual(["m.safetensors", "m.py"]);
  expect(text).toContain("byte * 0.00784313725490196 - 1.");
  expect(text).toContain('CLASS_NAMES = ["a", "b\\""]');
  expect(text.slice(text.indexOf("class Net"), text.indexOf("def load_weights"))).toBe(`class Net(nn.Module):
    """Takes (batch, 1, 8, 8), channels first; gives (batch, 2)."""

    def __init__(self):
        super().__init__()
        self.conv2d = nn.Conv2d(1, 3, 3, stride=2, bias=False)
        self.batchNormalization = nn.BatchNorm2d(3, eps=0.001, momentum=0.01).requires_grad_(False)
        add_module(self, "head.out", nn.Linear(48, 2).requires_grad_(False))

    def forward(self, x):
        x = self.conv2d(F.pad(x, (0, 1, 0, 1)))
        x = self.batchNormalization(x)
        x = F.relu(x)
        x = x.flatten(1)
        x = F.softmax(self.get_submodule("head.out")(x), dim=1)
        return x

    def train(self, mode=True):
        super().train(mode)
        # Frozen: with the statistics that they have.
        self.batchNormalization.eval()
        return self


`);
});

test("weights have PyTorch's names, shapes and order, and are the same bytes each time", async () => {
  const { tensors, metadata, weights } = await written(net());
  expect(metadata.format).toBe("pt");
  expect(tensors.map(({ name, shape }) => [name, shape.join()])).toEqual([
    ["conv2d.weight", "3,1,3,3"],
    ["batchNormalization.weight", "3"],
    ["batchNormalization.bias", "3"],
    ["batchNormalization.running_mean", "3"],
    ["batchNormalization.running_var", "3"],
    ["head.out.weight", "2,48"],
    ["head.out.bias", "2"],
  ]);
  expect(tensors[1]!.data).toEqual(Float32Array.of(1, 1, 1));
  const model = net();
  expect((await written(model)).weights).toEqual(weights);
  // (row 1, column 2, channel 1) of 4 x 4 x 3, before the first of 2 units.
  const kernel = model.getWeights().find(({ name }) => name === "head.out/kernel")!.data;
  expect(tensors[5]!.data[1 * 16 + 1 * 4 + 2]).toBe(kernel[2 * ((1 * 4 + 2) * 3 + 1)]);
  expect((await loadModel(weights, { model })).tensors).toEqual(model.getWeights());
});

test("a gamma that is not 1 is refused where the model has none", async () => {
  const scaled = sequential([
    conv2d({ filters: 3, kernelSize: 3, inputShape: [8, 8, 1], name: "c" }),
    batchNormalization({ name: "b" }),
  ]);
  const plain = sequential([
    conv2d({ filters: 3, kernelSize: 3, inputShape: [8, 8, 1], name: "c" }),
    batchNormalization({ name: "b", scale: false }),
  ]);
  const { weights } = await written(scaled);
  await expect(loadModel(weights, { model: plain })).rejects.toThrow(
    "'b.weight' holds other numbers than 1, and the model has no parameter for it: its layer needs scale: true",
  );
});

test("what looks at the channels has them first", async () => {
  for (const layer of [activation({ activation: "softmax" }), api.randomFlip()]) {
    const { text } = await written(
      sequential([api.permute({ dims: [3, 1, 2], inputShape: [3, 4, 5] }), layer, dense({ units: 2 })]),
    );
    expect(text).toMatch(/x = (F\.softmax\()?channels_first\(x\)/);
  }
});

test("values are called as nothing is that forward() calls", async () => {
  const x = api.input({ shape: [4, 4, 2], name: "float" });
  const y = dense({ units: 2, name: "channels_first" }).apply(x);
  const { text } = await written(
    api.model({ inputs: x, outputs: api.add().apply([x, y, api.relu().apply(y)]) }),
  );
  expect(text).toContain("def forward(self, float_2):");
  expect(text).toContain("channels_first_2 = channels_first(self.channels_first(channels_last(float_2)))");
});

test("layers of one's own, and what PyTorch lacks, are listed", async () => {
  const own = api.defineLayer({ type: "twice", lower: (_graph, _name, [input]) => input });
  const model = sequential([dense({ units: 2, inputShape: [3] }), own({ name: "mine" })]);
  await expect(written(model)).rejects.toThrow(
    "the model uses what PyTorch's module lacks: layer 'mine' is twice",
  );
  const deep = sequential([
    dense({ units: 2, inputShape: [4] }),
    api.reshape({ targetShape: [1, 1, 1, 1, 2] }),
    batchNormalization({ name: "deep" }),
  ]);
  await expect(written(deep)).rejects.toThrow("layer 'deep' is batchNormalization of 5 axes (nearest: none)");
});

test("a name that is none of Python's becomes one", async () => {
  const { text, names } = await written(net(), { name: '3"""d $& net' });
  expect(names).toEqual(['3"""d $& net.safetensors', "m_3___d____net.py"]);
  expect(text).toContain('with_name("3\\"\\"\\"d $& net.safetensors")');
  expect(text).toMatch(
    /^"""A model of wasmgrad as a module of PyTorch; its weights are in 3___d __ net\.safetensors\./,
  );
});

describe("modules are called as layers", () => {
  test.each([
    [
      ["conv2d", "layer1.0.conv1"],
      ["conv2d", "layer1.0.conv1"],
    ],
    [
      ["a b", "a-b", "ü"],
      ["a_b", "a_b_2", "m_"],
    ],
    [
      ["train", "lambda", "_x"],
      ["m_train", "m_lambda", "m_x"],
    ],
    [
      ["a", "a.b"],
      ["a", "a_b"],
    ],
    [["a..b"], ["a__b"]],
    [
      ["0", "1"],
      ["0", "1"],
    ],
  ])("%j", (layers, paths) => {
    expect([...moduleNames(layers).values()]).toEqual(paths);
  });
});

test("shared layers and lists of channels keep what they are", async () => {
  const config = {
    inputs: ["x"],
    outputs: ["s:2"],
    layers: [
      { type: "input", name: "x", shape: [2, 3, 4] },
      { type: "dense", name: "s", units: 4, from: ["x"] },
      { type: "dense", again: "s", from: ["s"] },
    ],
  };
  const { text } = await written(modelFromConfig(config));
  expect(text.match(/nn\.Linear/g)).toHaveLength(1);
  expect(text).toContain("x = channels_first(self.s(channels_last(x)))");
});
