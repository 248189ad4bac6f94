"""Models of Keras's own making, saved in its formats, and what they predict: for test/interchange/keras-models.test.ts.

    python keras_models.py make FOLDER     writes models into FOLDER, and prints what they predict
    python keras_models.py ask FOLDER      loads what cases.json names, prints what each predicts, and trains it on
"""
import json
import sys

import keras
import numpy as np
from keras import layers as L

folder = sys.argv[2]
rng = np.random.default_rng(7)


def backbone():
    x = keras.Input((8, 8, 3))
    y = L.Conv2D(4, 3, padding="same", name="conv")(x)
    y = L.BatchNormalization(name="bn")(y)
    y = L.ReLU(6.0, name="act")(y)
    return keras.Model(x, y, name="backbone")


def transfer():
    """A model in a model, frozen, as in transfer learning; an operator; a layer by its name alone."""
    base = backbone()
    base.trainable = False
    x = keras.Input((8, 8, 3))
    y = L.Rescaling([2.0, 1.0, 0.5], offset=[-1.0, 0.0, 1.0])(x)
    y = L.RandomFlip("horizontal")(y)
    y = base(y, training=False)
    y = L.GlobalAveragePooling2D(name="conv")(y)
    y = L.Dropout(0.2)(y)
    return keras.Model(x, L.Dense(3, activation="softmax", name="out")(y))


def twice():
    """A model that is called twice, with several outputs taken of it; operators on tensors and numbers."""
    base = backbone()
    chain = keras.Sequential([keras.Input((8, 8, 4)), L.Conv2D(4, 3, padding="same"), L.LeakyReLU(0.1)], name="chain")
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    p, q = base(a), base(b)
    r = chain(p) * 0.5 + chain(q)
    s = 1.0 - keras.ops.maximum(r, q) / 3.0
    t = keras.ops.concatenate([keras.activations.silu(s), -p], axis=-1)
    u = keras.ops.mean(t, axis=[1, 2])
    return keras.Model([a, b], [L.Dense(3, activation="softmax", name="head")(u), base(a * 2.0)])


def chain():
    """A chain with initializers, regularizers and constraints written out, and nested chains."""
    init, reg, con = keras.initializers, keras.regularizers, keras.constraints
    inner = keras.Sequential([L.Dense(6, activation="gelu"), L.LayerNormalization()])
    return keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            L.Conv2D(5, (2, 3), kernel_initializer=init.VarianceScaling(2.0, "fan_out"), kernel_regularizer="l2"),
            L.PReLU(shared_axes=[1, 2]),
            L.SpatialDropout2D(0.1),
            L.Flatten(),
            L.Dense(8, "selu", bias_initializer=init.Constant(0.1), kernel_constraint=con.MaxNorm(3.0)),
            inner,
            L.Activation("hard_sigmoid"),
            L.Dense(1, "sigmoid", kernel_initializer=init.Orthogonal(0.5), kernel_regularizer=reg.L1L2(0.001, 0.002)),
        ],
        name="chain",
    )


def normalized():
    norm = L.Normalization()
    norm.adapt(rng.normal(3, 2, (20, 5)).astype("float32"))
    return keras.Sequential([keras.Input((5,)), norm, L.Dense(2)])


def classes():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(6, 3, activation="relu"),
            L.BatchNormalization(momentum=0.5),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ],
        name="classes",
    )


def open_sizes():
    x = keras.Input((None, None, 3))
    return keras.Model(x, L.Dense(2)(L.GlobalMaxPooling2D()(L.Conv2D(3, 3)(x))))


def application(name, size):
    def make():
        model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=10)
        # Statistics that are not what they begin with; and no outputs that are all the same.
        for layer in model.layers:
            if isinstance(layer, L.BatchNormalization):
                gamma, beta, mean, variance = layer.get_weights()
                noise = lambda like, low, high: rng.uniform(low, high, like.shape).astype("float32")
                layer.set_weights([noise(gamma, 0.8, 1.2), noise(beta, -0.1, 0.1), noise(mean, -0.1, 0.1), noise(variance, 0.8, 1.2)])
        return model

    return make


MODELS = {
    "transfer": transfer, "twice": twice, "chain": chain, "normalized": normalized, "classes": classes, "open": open_sizes,
    "MobileNetV2": application("MobileNetV2", 32), "EfficientNetB0": application("EfficientNetB0", 32),
    "ResNet50": application("ResNet50", 32),
}  # fmt: skip


def ask(model, inputs):
    arrays = [np.array(i["values"], "float32").reshape([-1] + list(i["shape"])) for i in inputs]
    out = model.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
    return np.concatenate([o.ravel() for o in (out if isinstance(out, (list, tuple)) else [out])]).tolist()


def make():
    result = {}
    for name, build in MODELS.items():
        keras.utils.set_random_seed(5)
        model = build()
        inputs = []
        for tensor in model.inputs:
            shape = [size or 7 for size in tensor.shape[1:]]
            inputs.append({"shape": shape, "values": rng.uniform(-1, 1, [3] + shape).astype("float32").ravel().tolist()})
        for ending in ("keras", "h5", "weights.h5"):
            save = model.save_weights if ending == "weights.h5" else model.save
            save(f"{folder}/{name}.{ending}")
        result[name] = {"inputs": inputs, "outputs": ask(model, inputs)}
    return result


def go_on(model, case):
    """Tests a model as its file compiled it, and trains it on."""
    x = np.array(case["inputs"][0]["values"], "float32").reshape([-1] + case["inputs"][0]["shape"])
    y = np.eye(3)[case["labels"]]
    loss, accuracy = model.evaluate(x, y, verbose=0)
    history = model.fit(x, y, epochs=8, batch_size=8, verbose=0).history
    return [loss, accuracy, history["loss"][-1], history["accuracy"][-1]]


def ask_all():
    result = {}
    for key, case in json.load(open(f"{folder}/cases.json")).items():
        try:
            model = keras.saving.load_model(f"{folder}/{case['file']}", compile=case.get("compile", False))
            if "weights" in case:
                model.set_weights([np.zeros_like(w) for w in model.get_weights()])
                model.load_weights(f"{folder}/{case['weights']}")
            if "labels" in case:
                result[key] = go_on(model, case)
                continue
            result[key] = ask(model, case["inputs"])
        except Exception as error:
            result[key] = f"{type(error).__name__}: {str(error)[:2000]}"
    return result


if __name__ == "__main__":
    print(json.dumps({"make": make, "ask": ask_all}[sys.argv[1]]()))
