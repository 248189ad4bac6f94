"""Native PyTorch training LeNet-5 and the VGG-like net: images per second in both memory layouts, as JSON.

Run by run.mjs; by hand: /usr/bin/python3 torch_nets.py --net vgg --threads 1 --seconds 5
"""

import argparse
import json
import os
import time

cli = argparse.ArgumentParser()
cli.add_argument("--net", choices=["lenet5", "vgg"], required=True)
cli.add_argument("--batch", type=int, default=32)
cli.add_argument("--threads", type=int, default=1)
cli.add_argument("--seconds", type=float, default=5, help="for each memory layout")
args = cli.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)
COUNT = 1024


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


def throughput(layout):
    torch.manual_seed(0)
    model = (lenet5() if args.net == "lenet5" else vgg()).to(memory_format=layout)
    shape = (1, 28, 28) if args.net == "lenet5" else (3, 32, 32)
    x = torch.rand(COUNT, *shape).to(memory_format=layout)
    y = torch.randint(0, 10, (COUNT,))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def run(until):
        images = 0
        while time.perf_counter() < until:
            for i in range(0, COUNT, args.batch):
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(model(x[i : i + args.batch]), y[i : i + args.batch]).backward()
                optimizer.step()
                images += args.batch
                if time.perf_counter() > until:
                    break
        return images

    run(time.perf_counter() + args.seconds / 4)
    began = time.perf_counter()
    images = run(began + args.seconds)
    return images / (time.perf_counter() - began), sum(p.numel() for p in model.parameters())


speeds = {}
for name, layout in (("NCHW", torch.contiguous_format), ("channels_last", torch.channels_last)):
    speeds[name], parameters = throughput(layout)
print(json.dumps({"version": torch.__version__, "parameters": parameters, "imagesPerSecond": speeds}))
