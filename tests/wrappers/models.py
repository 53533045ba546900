"""Functions that make models, at the top of a module, where worker processes find them."""

import refkeras


def dense(X, y, loss, out="softmax", layers=(10,)):
    refkeras.utils.set_random_seed(7)
    x = inputs = refkeras.Input((X.shape[1],))
    for units in layers:
        x = refkeras.layers.Dense(units, activation="relu")(x)
    model = refkeras.Model(inputs, refkeras.layers.Dense(y.shape[1] if y.ndim > 1 else 1, activation=out)(x))
    model.compile(loss=loss, optimizer="rmsprop")
    return model


def seeded(X, y, units=4, learning_rate=0.01, optimizer="adam"):
    """A classifier whose every draw follows from numbers here, in whatever process or thread it is made.

    The layers have seeds of their own: otherwise they draw them from Python's `random`, which other threads, such as
    those of a Dask worker, use too.
    """
    refkeras.utils.set_random_seed(7)  # for the order of fit
    glorot, dense = refkeras.initializers.GlorotUniform, refkeras.layers.Dense
    first = dense(units, activation="tanh", kernel_initializer=glorot(seed=1))
    last = dense(y.shape[1], activation="softmax", kernel_initializer=glorot(seed=2))
    model = refkeras.Sequential([refkeras.Input((X.shape[1],)), first, last])
    chosen = refkeras.optimizers.get(optimizer)
    chosen.learning_rate = learning_rate
    model.compile(chosen, "categorical_crossentropy", metrics=["accuracy"])
    return model
