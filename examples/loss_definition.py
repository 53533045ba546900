"""What exactly is the loss in History? Ten samples, four classes, one batch.

For every epoch the script works out the mean cross-entropy by hand, from the
predictions made before the epoch's one update, and lays it beside the number
that `fit` puts into History.

    python examples/loss_definition.py          # on Keras 3 (TensorFlow)
    refkeras run examples/loss_definition.py    # on refkeras
"""

import keras
import numpy as np

SAMPLES, FEATURES, CLASSES, EPOCHS = 10, 6, 4, 10


def main():
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    x = rng.normal(size=(SAMPLES, FEATURES)).astype("float32")
    y = keras.utils.to_categorical(rng.integers(CLASSES, size=SAMPLES), CLASSES).astype("float32")

    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.05), loss="categorical_crossentropy")

    print("epoch   by hand, before   History    difference   evaluate, after")
    apart = 0.0
    for epoch in range(1, EPOCHS + 1):
        p = model.predict(x, batch_size=SAMPLES, verbose=0).astype("float64")
        each = -(y * np.log(p)).sum(axis=1)
        by_hand = each.mean()
        reported = model.fit(x, y, batch_size=SAMPLES, epochs=1, verbose=0).history["loss"][0]
        after = model.evaluate(x, y, batch_size=SAMPLES, verbose=0)
        apart = max(apart, abs(by_hand - reported) / reported)
        print(f"{epoch:5}   {by_hand:15.7f}   {reported:.7f}   {by_hand - reported:+.1e}   {after:15.7f}")

    print(
        f"\nFirst sample, last epoch: -ln {p[0][y[0] == 1][0]:.6f} = {each[0]:.6f}; History has the mean of ten such."
    )
    print(f"Largest relative difference over {EPOCHS} epochs: {apart:.1e} (float32 holds 6e-08).")
    print("So History's loss is the mean over the samples, taken before the batch's update;")
    print("evaluate() after the update gives the next epoch's number.")


if __name__ == "__main__":
    main()
