"""Why does accuracy stand still while the loss falls? The irises, 200 epochs in batches of 5.

The loss sees how sure the model is, accuracy only which class is ahead; one
flower's numbers show it. The file is sorted by class, and `validation_split`
takes the last rows as they lie, so the validation set is one class: the
script trains once on the file as it is and once on shuffled rows.

    python examples/iris.py          # on Keras 3 (TensorFlow)
    refkeras run examples/iris.py    # on refkeras
"""

import argparse
from pathlib import Path

import numpy as np
from tensorflow.keras.callbacks import Callback
from tensorflow.keras.layers import Dense, Input
from tensorflow.keras.models import Sequential
from tensorflow.keras.optimizers import Adam
from tensorflow.keras.utils import set_random_seed, to_categorical

from refkeras.datasets import iris

EPOCHS, BATCH, SPLIT, EVERY = 200, 5, 0.2, 10


class Watch(Callback):
    """Keeps the predictions for some rows, every few epochs."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows
        self.seen = {}

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % EVERY == 0:
            self.seen[epoch + 1] = self.model.predict(self.rows, verbose=0)


def train(x, y):
    """Train a fresh model; return its history and what it said of the validation rows."""
    set_random_seed(7)
    model = Sequential([Input(shape=(4,)), Dense(16, activation="relu"), Dense(3, activation="softmax")])
    model.compile(optimizer=Adam(learning_rate=0.0005), loss="categorical_crossentropy", metrics=["accuracy"])
    watch = Watch(x[validation_start(len(x)) :])
    history = model.fit(
        x, y, batch_size=BATCH, epochs=EPOCHS, validation_split=SPLIT, callbacks=[watch], verbose=0
    ).history
    return history, watch.seen


def validation_start(n):
    """Keras's rule: the first int(n * (1 - split)) rows train, the rest validate."""
    return int(n * (1 - SPLIT))


def count(labels):
    return {name: int((labels == k).sum()) for k, name in enumerate(iris.CLASS_NAMES)}


def watch_one_flower(seen, labels):
    """Print the course of the flower whose loss falls furthest while its class is still wrong."""
    epochs = sorted(seen)
    truth = np.array([[row[k] for row, k in zip(seen[e], labels, strict=True)] for e in epochs])
    wrong = np.array([seen[e].argmax(axis=1) != labels for e in epochs])
    waits = np.logical_and.accumulate(wrong, axis=0).sum(axis=0)
    turned = np.where(waits < len(epochs), waits, 0)
    flower = int(turned.argmax())
    print(f"\nOne flower of the validation rows, an {iris.CLASS_NAMES[labels[flower]]}, every {2 * EVERY} epochs:")
    print("  epoch   p(setosa) p(versicolor) p(virginica)   its loss -ln p   its accuracy")
    for e, p_true, is_wrong in list(zip(epochs, truth[:, flower], wrong[:, flower], strict=True))[1::2]:
        p = seen[e][flower]
        print(f"  {e:5}   {p[0]:9.4f} {p[1]:13.4f} {p[2]:12.4f}   {-np.log(p_true):14.4f}   {0 if is_wrong else 1:12}")
    n = waits[flower]
    if 0 < n < len(epochs):
        print(
            f"  Its loss fell from {-np.log(truth[0, flower]):.4f} at epoch {epochs[0]} to "
            f"{-np.log(truth[n - 1, flower]):.4f} at epoch {epochs[n - 1]}, and its accuracy stayed 0:\n"
            "  the loss follows every change of p, accuracy moves only when another class takes the lead."
        )


def save_curves(history, path):
    try:
        import matplotlib
    except ImportError as error:
        print(f"No curves: {error}")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for axis, key in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(history[key], label=key)
        axis.plot(history[f"val_{key}"], label=f"val_{key}")
        axis.set_xlabel("epoch")
        axis.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    print(f"The two curves: {path}")


def report(title, history, labels):
    print(f"\n{title}")
    start = validation_start(len(labels))
    print("  rows to train on:   ", count(labels[:start]))
    print("  rows to validate on:", count(labels[start:]))
    for epoch in (1, 50, 100, 150, EPOCHS):
        row = "  ".join(
            f"{key} {history[key][epoch - 1]:.4f}" for key in ("loss", "accuracy", "val_loss", "val_accuracy")
        )
        print(f"  epoch {epoch:3}: {row}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the curves")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    x, labels = iris.load_data()
    history, seen = train(x, to_categorical(labels, 3))
    report("The file as it is, sorted by class:", history, labels)
    watch_one_flower(seen, labels[validation_start(len(labels)) :])

    order = np.random.default_rng(7).permutation(len(x))
    shuffled, _ = train(x[order], to_categorical(labels[order], 3))
    report("The same rows, shuffled before fit:", shuffled, labels[order])

    print()
    save_curves(history, out / "iris_sorted.png")
    save_curves(shuffled, out / "iris_shuffled.png")


if __name__ == "__main__":
    main()
