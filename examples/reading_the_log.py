"""What does each part of Keras's progress line count? 1213 samples, 20 epochs, rmsprop.

Keras up to 2.2 counted samples (`1213/1213`), later releases count steps, that
is batches (`38/38`). The script prints the line, then its parts one by one
with the numbers of its own run; then it holds some rows back for validation,
and tries a small grid of settings on them.

    python examples/reading_the_log.py                                   # on Keras 3 (TensorFlow)
    refkeras run examples/reading_the_log.py                             # on refkeras, as Keras 3
    refkeras run --semantics keras-2.0 examples/reading_the_log.py       # ..., as Keras 2.0
"""

import math

import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import set_random_seed

SAMPLES, FEATURES, EPOCHS, BATCH = 1213, 8, 20, 32


def build(units):
    set_random_seed(7)
    model = Sequential()
    model.add(Dense(units, activation="tanh", input_shape=(FEATURES,)))
    model.add(Dense(1))
    model.compile(loss="mean_squared_error", optimizer="rmsprop")
    return model


def make_data():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(SAMPLES, FEATURES)).astype("float32")
    y = np.sin(0.4 * x @ rng.normal(size=(FEATURES, 1))) + 0.1 * rng.normal(size=(SAMPLES, 1))
    return x, y.astype("float32")


def explain(model, history, x, y):
    steps, last = math.ceil(SAMPLES / BATCH), SAMPLES % BATCH
    loss = history.history["loss"][-1]
    counted = f"{SAMPLES} samples" if "samples" in history.params else f"{history.params['steps']} steps"
    print(
        f"\nThe line, part by part, for the last of {len(history.epoch)} epochs (an epoch is one pass over the data):"
    )
    print(f"  the count    this Keras counts {counted}: {SAMPLES} samples in batches of {BATCH} are {steps} steps,")
    print(f"               the last with {last} samples; the weights moved {steps * EPOCHS} times in {EPOCHS} epochs")
    print("  the bar      how much of the epoch is done")
    print("  the time     of the whole epoch; while it runs, an estimate of what is left")
    print(f"  loss         {loss:.4f}, the mean over the epoch's samples so far, each batch's loss taken before")
    print(f"               its own update; after the epoch, evaluate gives {model.evaluate(x, y, verbose=0):.4f}")


def main():
    x, y = make_data()
    model = build(16)
    history = model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, verbose=1)
    explain(model, history, x, y)

    held_back = SAMPLES - int(SAMPLES * 0.8)
    print(f"\nWith validation_split=0.2 the last {held_back} rows are not trained on; val_loss is theirs:")
    history = build(16).fit(x, y, epochs=EPOCHS, batch_size=BATCH, validation_split=0.2, verbose=0).history
    print(f"  loss {history['loss'][-1]:.4f}   val_loss {history['val_loss'][-1]:.4f}")

    print("\nA small grid, judged on those rows (val_loss after 10 epochs):")
    results = {}
    for units in (4, 16, 64):
        for batch_size in (8, 32):
            fit = build(units).fit(x, y, epochs=10, batch_size=batch_size, validation_split=0.2, verbose=0)
            results[units, batch_size] = fit.history["val_loss"][-1]
            print(f"  units {units:2}, batch_size {batch_size:2}: {results[units, batch_size]:.4f}")
    best = min(results, key=results.get)
    print(f"  best: units {best[0]}, batch_size {best[1]}")


if __name__ == "__main__":
    main()
