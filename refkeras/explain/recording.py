"""A ledger for every fit of a script: `refkeras run --explain`."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

from refkeras import tree
from refkeras.callbacks import CallbackList
from refkeras.explain.ledger import Ledger
from refkeras.training.trainer import Trainer

__all__ = ["every_fit"]


@contextlib.contextmanager
def every_fit(**options: Any) -> Iterator[list[Ledger]]:
    """Give every `fit` a ledger while the context lasts; the list fills with them, in order.

    Args:
        **options: as for `Ledger`.

    >>> import numpy as np, refkeras as keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> with every_fit() as ledgers:
    ...     history = model.fit(np.ones((3, 2)), np.ones((3, 1)), verbose=0)
    >>> float(ledgers[0].explain("loss").value) == history.history["loss"][0]
    True
    """
    ledgers: list[Ledger] = []
    fit = Trainer.fit
    signature = inspect.signature(fit)

    @functools.wraps(fit)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return fit(*args, **kwargs)  # which raises it, with the traceback that a user expects
        ledger = Ledger(**options)
        given = bound.arguments.get("callbacks")
        if isinstance(given, CallbackList):
            given.append(ledger)
            ledger.set_model(bound.arguments["self"])
        else:
            bound.arguments["callbacks"] = [*(tree.flatten(given) if given else ()), ledger]
        try:
            return fit(*bound.args, **bound.kwargs)
        finally:
            ledger._close()  # an interrupted fit has not
            if ledger.run.finished:
                ledgers.append(ledger)

    Trainer.fit = recorded  # type: ignore[method-assign]
    try:
        yield ledgers
    finally:
        Trainer.fit = fit  # type: ignore[method-assign]
