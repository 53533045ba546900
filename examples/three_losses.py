"""Two outputs, two losses: what is the one number that training minimises?

An LSTM gives its output and its cell state; each has a target and a loss of
its own. The script shows, with the numbers of its own run, how the reported
total is put together, first with nothing said about weights, then with
`loss_weights`; and what becomes of a misspelt loss.

    python examples/three_losses.py            # on Keras 3 (TensorFlow)
    TF_USE_LEGACY_KERAS=1 python examples/three_losses.py   # on Keras 2
    refkeras run examples/three_losses.py      # on refkeras
"""

import argparse
from pathlib import Path

import numpy as np
from tensorflow import keras
from tensorflow.keras.layers import LSTM, Activation, Dense, Input
from tensorflow.keras.models import Model

SAMPLES, VALIDATION, STEPS, FEATURES, UNITS, CLASSES = 100, 40, 15, 5, 7, 4

# Keras 2 hands ['accuracy'] to every output; Keras 3 wants one list per output.
# (Keras 2 as tensorflow.keras does not tell its version.)
KERAS_3 = getattr(keras, "__version__", "2").startswith("3")
ACCURACY = [["accuracy"], ["accuracy"]] if KERAS_3 else ["accuracy"]


def build(activation):
    """input (15, 5) → LSTM(7) → Dense(4) → activation; the cell state is the second output."""
    inputs = Input(shape=(STEPS, FEATURES))
    output, _, state_c = LSTM(UNITS, dropout=0.1, return_state=True, name="lstm")(inputs)
    answer = Activation(activation, name="activation")(Dense(CLASSES, name="dense")(output))
    return Model(inputs=inputs, outputs=[answer, state_c])


def make_data(rng, n):
    """Sequences, a target for each output, and classes for the softmax variant."""
    x = rng.normal(size=(n, STEPS, FEATURES)).astype("float32")
    y_answer = rng.uniform(size=(n, CLASSES)).astype("float32")
    y_state = rng.normal(scale=0.5, size=(n, UNITS)).astype("float32")
    classes = keras.utils.to_categorical(rng.integers(CLASSES, size=n), CLASSES).astype("float32")
    return x, y_answer, y_state, classes


def train(model, loss, loss_weights, data, validation, epochs):
    model.compile(optimizer="adam", loss=loss, loss_weights=loss_weights, metrics=ACCURACY)
    x, *y = data
    x_val, *y_val = validation
    return model.fit(x, y, batch_size=20, epochs=epochs, validation_data=(x_val, y_val), verbose=0).history


def explain(title, history, weights):
    """Print the last epoch's losses and what they add up to."""
    print(f"\n{title}")
    for prefix in ("", "val_"):
        total, answer, state = (history[prefix + key][-1] for key in ("loss", "activation_loss", "lstm_loss"))
        weighted = weights[0] * answer + weights[1] * state
        print(
            f"  {prefix + 'loss':>8} {total:.6f} = {weights[0]} * {answer:.6f} + {weights[1]} * {state:.6f}"
            f" = {weighted:.6f}   (half of that sum: {weighted / 2:.6f})"
        )
    print("  accuracies, one per output:", {key: round(v[-1], 4) for key, v in history.items() if "accuracy" in key})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture of the model")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data of each training")
    options = parser.parse_args()
    out, epochs = options.out, options.epochs
    if epochs < 1:
        parser.error(f"argument --epochs: {epochs} is not 1 or more")
    out.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    x, answer, state, classes = make_data(rng, SAMPLES)
    x_val, answer_val, state_val, classes_val = make_data(rng, VALIDATION)

    model = build("relu")
    history = train(model, "mse", None, (x, answer, state), (x_val, answer_val, state_val), epochs)
    print("keys of History:", ", ".join(history))
    explain("'mse' for both outputs, no loss_weights: the total is the plain sum", history, (1.0, 1.0))

    softmax = build("softmax")
    data, validation = (x, classes, state), (x_val, classes_val, state_val)
    history = train(softmax, ["categorical_crossentropy", "mse"], [0.4, 0.6], data, validation, epochs)
    explain(
        "loss_weights=[0.4, 0.6]: the total is the weighted sum, the parts are reported without their weights",
        history,
        (0.4, 0.6),
    )

    print("\nA misspelt loss is refused when training starts:")
    before = softmax.get_weights()
    try:
        train(softmax, ["categorial_crossentropy", "mse"], None, data, validation, epochs)
    except ValueError as error:
        said = next(line for line in str(error).splitlines() if "categorial_crossentropy" in line)
        print(f"  ValueError: {said.strip().removeprefix('ValueError: ')}")
    moved = any((a != b).any() for a, b in zip(before, softmax.get_weights(), strict=True))
    print(f"  weights moved: {moved}")

    picture = out / "three_losses.png"
    try:
        keras.utils.plot_model(model, to_file=str(picture), show_shapes=True)
        print(f"\nThe model, drawn with its shapes: {picture}")
    except ImportError as error:
        print(f"\nNo picture of the model: {error}")


if __name__ == "__main__":
    main()
