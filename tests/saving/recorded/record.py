"""Record `recorded.zip` beside this file: a model as releases of Keras saved it, and how its training goes on.

Run in this folder with the release's own Python: `python record.py`. Keras 2.12
comes with `tensorflow-cpu==2.12.1`; Keras 3.0 and later run on any TensorFlow.
"""

import json
import tempfile
import warnings
import zipfile

import numpy as np


def lists(arrays):
    return [np.asarray(array).tolist() for array in arrays]


def main():
    from tensorflow import keras as of_tensorflow

    try:
        is_old = of_tensorflow.__version__.startswith("2.")
    except AttributeError:  # Keras 3.0
        is_old = False
    if is_old:
        keras = of_tensorflow
    else:
        import keras

    warnings.simplefilter("ignore")
    V = keras.__version__
    # In float64, so that roundings do not matter.
    keras.backend.set_floatx("float64")

    a = keras.Input((4, 3), name="a")
    b = keras.Input((2,), name="b")
    y = keras.layers.LSTM(3, return_sequences=True, name="memory")(keras.layers.Masking(name="skip")(a))
    y = keras.layers.LSTM(2, recurrent_activation="hard_sigmoid", name="last")(y)
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="relu", name="in")], name="inner")
    y = keras.layers.Concatenate(name="both")([inner(y), inner(b), keras.layers.LeakyReLU(0.2, name="leaky")(b)])
    out = keras.layers.Dense(2, activation="softmax", kernel_regularizer=keras.regularizers.L2(2.0**-7), name="out")(y)
    model = keras.Model([a, b], [out, keras.layers.Dense(1, name="side")(y)], name="recorded")
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)),
        [keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "mean_squared_error"],
        loss_weights=[0.7, 0.3],
        metrics=[["accuracy"], ["mean_absolute_error"]],
    )
    rng = np.random.default_rng(7)
    x = [rng.normal(size=(6, 4, 3)), rng.normal(size=(6, 2))]
    x[0][2, 1:] = 0
    target = [np.eye(2)[rng.integers(0, 2, 6)], rng.normal(size=(6, 1))]

    for _ in range(3):
        model.train_on_batch(x, target)
    found = {"inputs": lists(x), "targets": lists(target), "predict": lists(model.predict(x, verbose=0))}
    with zipfile.ZipFile("recorded.zip", "a", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as folder:
        for name in (f"{V}.keras", f"{V}.h5"):
            model.save(f"{folder}/{name}", **({"save_format": "keras_v3"} if is_old and "keras" in name else {}))
            archive.write(f"{folder}/{name}", name)
        for _ in range(2):
            model.train_on_batch(x, target)
        archive.writestr(f"{V}.json", json.dumps({**found, "after": lists(model.get_weights())}))


if __name__ == "__main__":
    main()
