"""Native PyTorch on the seed CNN: training (Adam) and inference, in every configuration that may be its best.

Run by run.mjs; by hand:

    /usr/bin/python3 torch_peer.py --file images.bin --count 6000 --threads 1 --runs 1

FILE holds COUNT images of 28 x 28 bytes, then COUNT label bytes. Prints one JSON object: for each configuration the
images per second of each run, and the loss over the first images before and after training.
Without an optimised BLAS the dense layers fall to a reference one and PyTorch looks far slower than it is, so the
BLAS in use is reported too (Debian: python3-torch, python3-numpy, libopenblas0-pthread).
"""

import argparse
import json
import os
import time

cli = argparse.ArgumentParser()
cli.add_argument("--file", required=True)
cli.add_argument("--count", type=int, required=True)
cli.add_argument("--threads", type=int, default=1)
cli.add_argument("--runs", type=int, default=1)
cli.add_argument("--seconds", type=float, default=5, help="for one configuration's runs, at most: fewer images then")
cli.add_argument("--inference-images", type=int, default=2000)
cli.add_argument("--inference-batch", type=int, default=100)
args = cli.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(args.threads)

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(args.threads)

pixels = np.fromfile(args.file, np.uint8)
assert pixels.size == args.count * 785, f"{args.file}: {pixels.size} bytes, expected {args.count * 785}"
images = torch.from_numpy(pixels[: args.count * 784].reshape(-1, 1, 28, 28).astype(np.float32) / 255)
labels = torch.from_numpy(pixels[args.count * 784 :].astype(np.int64))

LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}
WARM_UP = 1280


def seed_cnn(layout):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 10),
    ).to(memory_format=layout)  # fmt: skip


def timed(run, count):
    """Warms up, then: images per second of each run, and CPU time over wall time."""
    run(min(WARM_UP, count))
    began = time.perf_counter()
    run(min(WARM_UP, count))
    speed = min(WARM_UP, count) / (time.perf_counter() - began)
    count = min(count, max(WARM_UP, int(speed * args.seconds / args.runs)))
    speeds, cpu, start = [], time.process_time(), time.perf_counter()
    for _ in range(args.runs):
        began = time.perf_counter()
        run(count)
        speeds.append(count / (time.perf_counter() - began))
    cores = (time.process_time() - cpu) / (time.perf_counter() - start)
    return {"images": count, "imagesPerSecond": speeds, "cores": cores}


def training(layout, batch):
    model = seed_cnn(layout)
    x = images.to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def loss():
        with torch.no_grad():
            return F.cross_entropy(model(x[:WARM_UP]), labels[:WARM_UP]).item()

    def train(count):
        for i in range(0, count, batch):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(x[i : i + batch]), labels[i : i + batch]).backward()
            optimizer.step()

    first = loss()
    result = timed(train, args.count)
    return {**result, "lossFirst": first, "lossLast": loss()}


def inference(layout, frozen):
    """frozen: scripted, frozen and optimised, so that oneDNN fuses convolution and relu."""
    model = nn.Sequential(seed_cnn(layout), nn.Softmax(1)).eval()
    count = min(args.inference_images, args.count)
    x = images[:count].to(memory_format=layout)
    batch = args.inference_batch
    if frozen:
        model = torch.jit.optimize_for_inference(torch.jit.script(model))

    def infer(n):
        for i in range(0, n, batch):
            model(x[i : i + batch])

    with torch.inference_mode():
        return timed(infer, count)


def attempt(run, *configuration):
    try:
        return run(*configuration)
    except Exception as error:  # a configuration that this PyTorch lacks is reported, the others still count
        return {"reason": str(error).strip().split("\n")[0]}


def blas():
    with open("/proc/self/maps") as maps:
        loaded = maps.read()
    return next((name for name in ("openblas", "mkl_", "blis") if name in loaded), "reference BLAS")


result = {
    "version": torch.__version__,
    "parameters": sum(p.numel() for p in seed_cnn(torch.contiguous_format).parameters()),
    "training": {
        f"{name}, batch {batch}": attempt(training, layout, batch)
        for batch in (32, 128)
        for name, layout in LAYOUTS.items()
    },
    "inference": {
        f"{name}, {'frozen' if frozen else 'eager'}": attempt(inference, layout, frozen)
        for frozen in (False, True)
        for name, layout in LAYOUTS.items()
    },
}
try:
    result["blas"] = blas()
except OSError:
    result["blas"] = "unknown BLAS"
result["cpuSeconds"] = time.process_time()
print(json.dumps(result))
