"""Trains models of files on, and makes files of models that are half trained: keras_training.py FOLDER.

FOLDER/cases.json has the data, files of models to go on with, and optimizers to make models with. Prints, of each file, the losses of
the batches of an epoch, the optimizer's settings and how the model was compiled; of each optimizer the losses of an epoch behind the
one after which FOLDER/NAME.keras and FOLDER/NAME.h5 were saved.
"""
import json
import sys

import keras
import numpy as np
import tensorflow as tf

# Models as small as these take longer to be made graphs of than to be trained.
tf.config.run_functions_eagerly(True)

L = keras.layers
folder = sys.argv[1]
told = json.load(open(folder + "/cases.json"))
x = np.array(told["images"], "float32").reshape([-1, 6, 6, 2])
labels = np.array(told["labels"])
one_hot = np.eye(3, dtype="float32")[labels]
numbers = np.array(told["numbers"], "float32").reshape([-1, 2])
BATCH = told["batch"]


def targets(model):
    return one_hot if len(model.outputs) == 1 else [one_hot, numbers]


def epoch(model, count=None):
    losses = []
    y = targets(model)
    for at in range(0, count or len(x), BATCH):
        part = y[at : at + BATCH] if len(model.outputs) == 1 else [one[at : at + BATCH] for one in y]
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x[at : at + BATCH], part, return_dict=True)["loss"]))
    return losses


def chain():
    return keras.Sequential([
        keras.Input((6, 6, 2)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.Flatten(),
        L.Dense(3, activation="softmax"),
    ])  # fmt: skip


def branches():
    """Layers in another order than they are called in, a model in the model, one that is frozen."""
    a = keras.Input((6, 6, 2))
    base = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(3, 3, name="inner"), L.BatchNormalization(name="bn")], name="base")
    still = L.Conv2D(3, 3, trainable=False, name="still")
    side = L.Conv2D(3, 3, name="side")(a)
    y = L.Add()([still(a), base(a), side])
    flat = L.Flatten()(y)
    two = L.Dense(2, name="two")(L.Dense(4, activation="tanh", name="low")(flat))
    one = L.Dense(3, activation="softmax", name="one")(flat)
    return keras.Model(a, [one, two])


def made(name):
    keras.utils.set_random_seed(5)
    spec = told["make"][name]
    optimizer = keras.optimizers.deserialize({"class_name": spec["class"], "config": spec["config"]})
    model = branches() if spec["branches"] else chain()
    if spec["branches"]:
        losses = [keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "mse"]
        model.compile(optimizer, losses, loss_weights=[1.0, 0.5], metrics=[["accuracy", keras.metrics.Precision(thresholds=0.4)], ["mae"]])
    else:
        model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(k=2, name="top2")])
    y = targets(model)
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    model.save(f"{folder}/{name}.keras")
    model.save(f"{folder}/{name}.h5")
    return epoch(model)


def went_on(file):
    model = keras.saving.load_model(f"{folder}/{file}")
    config = model.optimizer.get_config()
    steps = int(model.optimizer._iterations.numpy())
    return {"config": config, "compiled": model.get_compile_config(), "steps": steps, "losses": epoch(model, BATCH if file.endswith(".h5") else None)}


def attempt(work):
    try:
        return work()
    except Exception as e:
        return f"{type(e).__name__}: {str(e)[:1500]}"


result = {
    "made": {name: attempt(lambda: made(name)) for name in told["make"]},
    "on": {file: attempt(lambda: went_on(file)) for file in told["on"]},
}
print(json.dumps(result, default=str))
