"""PyTorch with the settings of `wasmgrad train --recipe fast`: two epochs, batches of 64, Adam with one cycle.

Run by run.mjs. Prints the test accuracy as JSON; how long it takes is the whole process.
"""

import argparse
import gzip
import json
import os

cli = argparse.ArgumentParser()
cli.add_argument("--data", required=True, help="folder with the MNIST .gz files")
cli.add_argument("--threads", type=int, default=2)
cli.add_argument("--seed", type=int, default=1)
cli.add_argument("--epochs", type=int, required=True)
cli.add_argument("--batch", type=int, required=True)
cli.add_argument("--rates", required=True, help="JSON file: the learning rate of each step")
args = cli.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(args.threads)

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)


def idx(name, offset):
    with gzip.open(os.path.join(args.data, name + ".gz")) as f:
        return np.frombuffer(f.read()[offset:], np.uint8)


def load(prefix):
    images = torch.from_numpy(idx(f"{prefix}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).astype(np.float32) / 255)
    labels = torch.from_numpy(idx(f"{prefix}-labels-idx1-ubyte", 8).astype(np.int64))
    return images.to(memory_format=torch.channels_last), labels


x, y = load("train")
model = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 10),
).to(memory_format=torch.channels_last)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7)
with open(args.rates) as f:
    rates = json.load(f)
step = 0
for _ in range(args.epochs):
    order = torch.randperm(len(x))
    for i in range(0, len(x), args.batch):
        batch = order[i : i + args.batch]
        optimizer.param_groups[0]["lr"] = rates[step]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
        step += 1

x, y = load("t10k")
with torch.inference_mode():
    right = sum((model(x[i : i + 1000]).argmax(1) == y[i : i + 1000]).sum().item() for i in range(0, len(x), 1000))
print(json.dumps({"version": torch.__version__, "accuracy": right / len(x)}))
