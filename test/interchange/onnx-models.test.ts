import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportModel, loadModel } from "../../src/node.ts";
import { onnxRuntime, runOnnx } from "../support/onnx-runtime.ts";
import { findPython, runPython } from "../support/python.ts";

// Models of real size as Keras and PyTorch export them, with weights at random: read, asked, written and asked again.
const python = findPython("keras", "torch", "onnx", "onnxscript");
const runtime = onnxRuntime("node");
const folder = mkdtempSync(join(tmpdir(), "wasmgrad-onnx-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SCRIPT = `
import os, sys, warnings
os.environ["KERAS_BACKEND"] = "torch"
warnings.filterwarnings("ignore")
import numpy as np, keras, torch
from torch import nn
out = sys.argv[1]
random = np.random.default_rng(5)

def varied(layer):
    for w in layer.weights:
        v = w.numpy()
        if w.name == "moving_variance": v = random.uniform(0.5, 1.5, v.shape)
        elif w.name in ("gamma",): v = random.uniform(0.7, 1.3, v.shape)
        elif v.ndim == 1: v = random.normal(0, 0.1, v.shape)
        w.assign(v.astype("float32"))

def told(name, x, y):
    x.astype("<f4").tofile(f"{out}/{name}-x.bin")
    np.asarray(y).astype("<f4").tofile(f"{out}/{name}-y.bin")

for name, make in {
    "mobilenet": lambda: keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), classes=10, alpha=0.35, classifier_activation=None),
    "efficientnet": lambda: keras.applications.EfficientNetB0(weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None),
}.items():
    keras.utils.set_random_seed(1)
    model = make()
    for layer in model.layers: varied(layer) if "batch" in type(layer).__name__.lower() else None
    x = random.uniform(-1, 1, (1, 64, 64, 3)).astype("float32")
    y = model.predict(x, verbose=0)
    told(name, x, y)
    model.export(f"{out}/{name}.onnx", format="onnx", verbose=False)

class Basic(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if stride > 1 else nn.Identity()
    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))

class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.maxpool = nn.Conv2d(3, 32, 7, 2, 3, bias=False), nn.BatchNorm2d(32), nn.MaxPool2d(3, 2, 1)
        self.layers = nn.Sequential(*[nn.Sequential(Basic(i, o, s), Basic(o, o, 1)) for i, o, s in [(32, 32, 1), (32, 64, 2), (64, 128, 2), (128, 256, 2)]])
        self.fc = nn.Linear(256, 10)
    def forward(self, x):
        x = self.layers(self.maxpool(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))

torch.manual_seed(2)
model = ResNet().eval()
x = torch.rand(1, 3, 64, 64)
with torch.no_grad(): y = model(x)
told("resnet", x.numpy().transpose(0, 2, 3, 1), y.numpy())
told("resnet-exported", x.numpy().transpose(0, 2, 3, 1), y.numpy())
torch.onnx.export(model, (x,), f"{out}/resnet.onnx", dynamo=False, opset_version=13)
torch.onnx.export(model, (x,), f"{out}/resnet-exported.onnx", dynamo=True, external_data=False, verbose=False)
print("null")
`;

const floats = (name: string) => new Float32Array(new Uint8Array(readFileSync(join(folder, name))).buffer);
/** Relative to the largest answer. */
function difference(a: Float32Array, b: Float32Array): number {
  const most = Math.max(...b.map(Math.abs));
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / most;
}

describe.skipIf(!python)(
  "models of real size (node scripts/counterparts.mjs installs what exports them)",
  () => {
    beforeAll(() => runPython(python!, SCRIPT, [folder]), 300_000);

    test.each(["mobilenet", "efficientnet", "resnet", "resnet-exported"])(
      "%s",
      { timeout: 120_000 },
      async (name) => {
        const { model } = await loadModel(readFileSync(join(folder, `${name}.onnx`)));
        expect(model.inputShape).toEqual([64, 64, 3]);
        // Nothing is moved to other axes and back.
        expect(model.rows.filter(({ type }) => type === "permute")).toEqual([]);
        await model.compile({ threads: 1, loss: "meanSquaredError", preprocessing: { scale: 1, offset: 0 } });
        const asked = floats(`${name}-x.bin`);
        const wanted = floats(`${name}-y.bin`);
        const given = await model.predict({ images: asked, shape: [64, 64, 3], count: 1 } as never);
        expect(difference(given, wanted)).toBeLessThan(1e-5);
        if (runtime) {
          const file = Object.values(await exportModel(model, { format: "onnx" }))[0]!;
          const [back] = await runOnnx(runtime, file, [{ data: asked, dims: [1, 64, 64, 3] }]);
          expect(difference(back!.data, wanted)).toBeLessThan(1e-5);
        }
        if (process.env.WASMGRAD_SHOW)
          console.log(name, difference(given, wanted), Math.max(...wanted), Math.min(...wanted));
        model.dispose();
      },
    );
  },
);
