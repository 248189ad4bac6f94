"""PyTorch with the settings of settings.mjs: ResNet-20, pictures flipped and moved, SGD with Nesterov momentum, one cycle.

Run by run.mjs. Prints images per second of each way to run it, or with --data the test accuracy after all epochs, as JSON.
"""

import argparse
import gzip
import json
import os
import time

cli = argparse.ArgumentParser()
cli.add_argument("--threads", type=int, default=1)
cli.add_argument("--epochs", type=int, required=True)
cli.add_argument("--batch", type=int, required=True)
cli.add_argument("--steps", type=int, default=50, help="steps to measure, after some to warm up")
cli.add_argument("--data", help="folder with Fashion-MNIST's .gz files: train all epochs on them, and test")
cli.add_argument("--compiled", action="store_true", help="torch.compile as well")
args = cli.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(args.threads)

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)
PEAK, START, WARM_UP, DECAY, SHIFT = 0.2, 0.1, 0.3, 5e-4, 0.1 * 28


def convolved(inputs, filters, kernel, stride=1):
    conv = nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01))


class Block(nn.Module):
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
            blocks.append(Block(inputs, filters, 2 if i == 0 and filters > 16 else 1))
            inputs = filters
    return nn.Sequential(convolved(1, 16, 3), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def varied(x):
    """Each picture flipped or not, and moved by up to a tenth, with zeros where nothing was."""
    n, _, h, w = x.shape
    dy, dx = (torch.empty(2, n, 1, 1).uniform_(-SHIFT, SHIFT)).round().long()
    rows = torch.arange(h).view(1, h, 1) - dy
    columns = torch.arange(w).view(1, 1, w) - dx
    inside = ((rows >= 0) & (rows < h)) & ((columns >= 0) & (columns < w))
    columns = columns.clamp(0, w - 1)
    columns = torch.where(torch.rand(n, 1, 1) < 0.5, w - 1 - columns, columns)
    return (x[torch.arange(n).view(n, 1, 1), 0, rows.clamp(0, h - 1), columns] * inside).unsqueeze(1)


class Training:
    def __init__(self, layout, count, compiled=False):
        torch.manual_seed(0)
        self.layout = layout
        self.model = resnet20().to(memory_format=layout)
        self.run = torch.compile(self.model) if compiled else self.model
        self.weights = [p for p in self.model.parameters() if p.ndim > 1]
        self.optimizer = torch.optim.SGD(self.model.parameters(), PEAK, momentum=0.9, nesterov=True)
        self.total = args.epochs * -(-count // args.batch)
        self.done = 0

    def rate(self):
        top = WARM_UP * self.total
        if self.done < top:
            return PEAK * (START + (1 - START) * self.done / top)
        return PEAK * max(0, self.total - self.done) / (self.total - top)

    def step(self, x, y):
        rate = self.optimizer.param_groups[0]["lr"] = self.rate()
        self.optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(self.run(varied(x).to(memory_format=self.layout)), y).backward()
        with torch.no_grad():
            torch._foreach_mul_(self.weights, 1 - rate * DECAY)
        self.optimizer.step()
        self.done += 1


def idx(name, offset):
    with gzip.open(os.path.join(args.data, name + ".gz")) as f:
        return np.frombuffer(f.read()[offset:], np.uint8)


def load(prefix):
    images = idx(f"{prefix}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).astype(np.float32) / 255
    return torch.from_numpy(images), torch.from_numpy(idx(f"{prefix}-labels-idx1-ubyte", 8).astype(np.int64))


def measured(layout, compiled=False):
    count = 1024
    x, y = torch.rand(count, 1, 28, 28), torch.randint(0, 10, (count,))
    training = Training(layout, count, compiled)
    batches = [(x[i : i + args.batch], y[i : i + args.batch]) for i in range(0, count, args.batch)]
    for k in range(args.steps // 4 + 2):
        training.step(*batches[k % len(batches)])
    began = time.perf_counter()
    for k in range(args.steps):
        training.step(*batches[k % len(batches)])
    return args.batch * args.steps / (time.perf_counter() - began)


if args.data:
    x, y = load("train")
    training = Training(torch.channels_last, len(x))
    began = time.perf_counter()
    for epoch in range(args.epochs):
        order = torch.randperm(len(x))
        for i in range(0, len(x), args.batch):
            batch = order[i : i + args.batch]
            training.step(x[batch], y[batch])
    seconds = time.perf_counter() - began
    x, y = load("t10k")
    training.model.eval()
    with torch.inference_mode():
        right = sum((training.model(x[i : i + 1000]).argmax(1) == y[i : i + 1000]).sum().item() for i in range(0, len(x), 1000))
    print(json.dumps({"version": torch.__version__, "seconds": seconds, "accuracy": right / len(x)}))
else:
    speeds = {"NCHW": measured(torch.contiguous_format), "channels_last": measured(torch.channels_last)}
    if args.compiled:
        speeds["compiled"] = measured(torch.channels_last, True)
    parameters = sum(p.numel() for p in resnet20().parameters())
    print(json.dumps({"version": torch.__version__, "parameters": parameters, "imagesPerSecond": speeds}))
