"""Native PyTorch training the nets of nets.mjs with Adam: images per second in each way to run them, as JSON.

Run by run.mjs; by hand: /usr/bin/python3 torch_nets.py --net vgg --threads 1 --seconds 5
"""

import argparse
import json
import os
import time

NETS = {
    "keras-mnist": (1, 28, 10),
    "lenet5": (1, 28, 10),
    "vgg": (3, 32, 10),
    "resnet20": (3, 32, 10),
    "mobilenet-32": (3, 32, 10),
    "mobilenet-96": (3, 96, 10),
    "unet": (3, 64, 5),
}
cli = argparse.ArgumentParser()
cli.add_argument("--net", choices=list(NETS), required=True)
cli.add_argument("--batch", type=int, default=32)
cli.add_argument("--threads", type=int, default=1)
cli.add_argument("--seconds", type=float, default=5, help="for each way to run it")
cli.add_argument("--compiled", action="store_true", help="torch.compile alone, in the better layout of channels_last")
args = cli.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)
CHANNELS, SIDE, CLASSES = NETS[args.net]
COUNT = 512


def convolved(inputs, filters, kernel, stride=1, groups=1):
    """A convolution and its normalization."""
    conv = nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01))


def seed_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def vgg():
    layers, channels = [], 3
    for filters in (32, 64, 128):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2048, 256), nn.ReLU(), nn.Linear(256, 10))


class Residual(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.first, self.second = convolved(inputs, filters, 3, stride), convolved(filters, filters, 3)
        self.short = convolved(inputs, filters, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.short(x))


def resnet20():
    blocks, inputs = [], 16
    for filters in (16, 32, 64):
        for i in range(3):
            blocks.append(Residual(inputs, filters, 2 if i == 0 and filters > 16 else 1))
            inputs = filters
    return nn.Sequential(convolved(3, 16, 3), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Inverted(nn.Module):
    """MobileNetV2's block."""

    def __init__(self, inputs, expansion, filters, stride):
        super().__init__()
        inner = expansion * inputs
        widened = [] if expansion == 1 else [convolved(inputs, inner, 1), nn.ReLU6()]
        self.body = nn.Sequential(*widened, convolved(inner, inner, 3, stride, inner), nn.ReLU6(), convolved(inner, filters, 1))
        self.skips = stride == 1 and inputs == filters

    def forward(self, x):
        return x + self.body(x) if self.skips else self.body(x)


def mobilenet():
    small = SIDE < 64
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    blocks, inputs = [], 32
    for stage, (expansion, filters, count, stride) in enumerate(stages):
        for i in range(count):
            blocks.append(Inverted(inputs, expansion, filters, 1 if i > 0 or (small and stage == 1) else stride))
            inputs = filters
    first = convolved(3, 32, 3, 1 if small else 2)
    last = convolved(320, 1280, 1)
    return nn.Sequential(first, nn.ReLU6(), *blocks, last, nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, CLASSES))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def twice(inputs, filters):
            return nn.Sequential(convolved(inputs, filters, 3), nn.ReLU(), convolved(filters, filters, 3), nn.ReLU())

        self.down = nn.ModuleList([twice(3, 16), twice(16, 32), twice(32, 64)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)])
        self.joined = nn.ModuleList([twice(64, 32), twice(32, 16)])
        self.last = nn.Conv2d(16, CLASSES, 1)

    def forward(self, x):
        first = self.down[0](x)
        second = self.down[1](F.max_pool2d(first, 2))
        x = self.down[2](F.max_pool2d(second, 2))
        for up, joined, skip in zip(self.up, self.joined, (second, first)):
            x = joined(torch.cat([F.relu(up(x)), skip], 1))
        return self.last(x)


def net():
    torch.manual_seed(0)
    named = {"keras-mnist": seed_cnn, "lenet5": lenet5, "vgg": vgg, "resnet20": resnet20, "unet": UNet}
    return named.get(args.net, mobilenet)()


def throughput(layout, compiled=False):
    model = net().to(memory_format=layout)
    x = torch.rand(COUNT, CHANNELS, SIDE, SIDE).to(memory_format=layout)
    y = torch.randint(0, CLASSES, (COUNT, SIDE, SIDE) if args.net == "unet" else (COUNT,))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    called = torch.compile(model) if compiled else model
    batches = [(x[i : i + args.batch], y[i : i + args.batch]) for i in range(0, COUNT, args.batch)]

    def step(k):
        images, classes = batches[k % len(batches)]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(called(images), classes).backward()
        optimizer.step()

    def run(seconds):
        began = time.perf_counter()
        steps = 0
        while True:
            step(steps)
            steps += 1
            passed = time.perf_counter() - began
            if passed > seconds:
                return args.batch * steps / passed

    step(0)
    run(args.seconds / 4)
    return run(args.seconds)


if args.compiled:
    speeds = {"torch.compile": throughput(torch.channels_last, True)}
else:
    speeds = {"NCHW": throughput(torch.contiguous_format), "channels_last": throughput(torch.channels_last)}
parameters = sum(p.numel() for p in net().parameters())
print(json.dumps({"version": torch.__version__, "parameters": parameters, "imagesPerSecond": speeds}))
