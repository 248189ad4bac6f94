"""Keras, on TensorFlow or JAX, training the net of a .keras file with Adam: images per second, as JSON.

Run by run.mjs; by hand: KERAS_BACKEND=jax python keras_nets.py --file m.keras --threads 1 --seconds 5
"""

import argparse
import json
import os
import time

cli = argparse.ArgumentParser()
cli.add_argument("--file", required=True)
cli.add_argument("--batch", type=int, default=32)
cli.add_argument("--threads", type=int, default=1)
cli.add_argument("--seconds", type=float, default=5, help="for each way to run it")
args = cli.parse_args()
# XLA makes as many threads as it finds cores.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
os.environ["OMP_NUM_THREADS"] = str(args.threads)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import keras

BACKEND = keras.backend.backend()
if BACKEND == "tensorflow":
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
COUNT = 512


class Timed(keras.callbacks.Callback):
    """Ends fit() after so many seconds."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        # What traces and compiles the step is no step.
        if self.steps == 0:
            self.began = now
        self.passed = now - self.began
        self.steps += 1
        if self.passed > self.seconds:
            self.model.stop_training = True
            # fit() looks at the end of an epoch alone.
            raise StopIteration


def throughput(model, jit):
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit)
    rng = np.random.default_rng(0)
    x = rng.random((COUNT, *model.input_shape[1:]), np.float32)
    y = rng.integers(0, model.output_shape[-1], (COUNT, *model.output_shape[1:-1])).astype(np.int32)

    def run(seconds):
        timed = Timed(seconds)
        try:
            model.fit(x, y, batch_size=args.batch, epochs=1_000_000, shuffle=False, verbose=0, callbacks=[timed])
        except StopIteration:
            pass
        return args.batch * (timed.steps - 1) / timed.passed

    run(args.seconds / 4)
    return run(args.seconds)


model = keras.saving.load_model(args.file, compile=False)
parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
ways = {"fit()": False, "jit_compile": True} if BACKEND == "tensorflow" else {"jit": True}
speeds = {name: throughput(model, jit) for name, jit in ways.items()}
versions = {"tensorflow": lambda: tf.__version__, "jax": lambda: __import__("jax").__version__}
version = f"{keras.__version__} on {BACKEND} {versions[BACKEND]()}"
print(json.dumps({"version": version, "parameters": parameters, "imagesPerSecond": speeds}))
