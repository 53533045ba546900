"""`step`: a whole training step, from the inputs to the optimizer's slots after it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from refkeras.explain.batches import BatchView
from refkeras.explain.derivation import Derivation
from refkeras.explain.ledger import Ledger
from refkeras.explain.passes import Forward, named, watching
from refkeras.explain.records import EpochRecord, PhaseRecord
from refkeras.explain.tables import Column, Table
from refkeras.training import data, loops
from refkeras.training.preserving import preserved
from refkeras.training.steps import StepRecord

__all__ = ["Change", "TrainingStep", "step"]


class Change(NamedTuple):
    """A variable before and after the step."""

    path: str
    before: Any
    after: Any


class TrainingStep:
    """What one training step does.

    Attributes:
        forward: the intermediates of its forward pass.
        loss: the derivation of its loss.
        gradients: `{path of a weight: gradient of the loss, or None}`, before the optimizer clips or scales it.
        weights: the trained weights before and after the update.
        slots: the optimizer's variables before and after: the count of updates, the learning rate, the slots.
    """

    def __init__(
        self, forward: Forward, loss: Derivation, gradients: dict[str, Any], changes: list[list[Change]]
    ) -> None:
        self.forward, self.loss, self.gradients = forward, loss, gradients
        self.weights, self.slots = changes

    @property
    def tables(self) -> list[Table]:
        """The pass, the gradients, the weights and the slots, as tables."""
        gradients = [(path, np.shape(g), g) for path, g in self.gradients.items() if g is not None]
        missing = [(path, "", "no gradient") for path, g in self.gradients.items() if g is None]
        heads = [Column("name"), Column("shape"), Column("before"), Column("after")]
        return [
            self.forward.table,
            Table("gradients", [Column("weight"), Column("shape"), Column("gradient")], [*gradients, *missing]),
            Table("weights", heads, [(c.path, np.shape(c.before), c.before, c.after) for c in self.weights]),
            Table("optimizer", heads, [(c.path, np.shape(c.before), c.before, c.after) for c in self.slots]),
        ]

    def __str__(self) -> str:
        first, *rest = self.tables
        return "\n\n".join([str(first), self.loss.text(depth=2), *map(str, rest)])

    def __rich__(self) -> Any:
        from rich.console import Group

        first, *rest = self.tables
        return Group(first.__rich__(), self.loss.__rich__(), *(table.__rich__() for table in rest))

    def _repr_html_(self) -> str:
        first, *rest = self.tables
        return "".join([first._repr_html_(), self.loss._repr_html_(), *(table._repr_html_() for table in rest)])


def step(
    model: Any, x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None
) -> TrainingStep:
    """Return what `model.train_on_batch(x, y, sample_weight, class_weight)` would do; the model is left as it was.

    Dropout's masks are those that `train_on_batch` would draw next, so that calling it afterwards gives the weights
    and slots that are shown here, bit for bit.

    Args:
        model: a compiled model.
        x, y, sample_weight, class_weight: as in `train_on_batch`.

    Raises:
        ValueError: the model is not compiled, or the data do not fit it.

    >>> import numpy as np, refkeras as keras
    >>> keras.utils.set_random_seed(7)
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")], name="model")
    >>> model.compile(keras.optimizers.SGD(0.5), "mse")
    >>> found = step(model, np.float32([[1, 0]]), np.float32([[1]]))
    >>> [change.path for change in found.weights], list(found.gradients)
    (['model/dense/kernel', 'model/dense/bias'], ['model/dense/kernel', 'model/dense/bias'])
    >>> change = found.weights[1]
    >>> bool(change.after == change.before - np.float32(0.5) * found.gradients["model/dense/bias"])
    True
    """
    steps = model._ready("explain.step")
    if class_weight is not None and sample_weight is not None:
        raise ValueError("Arguments `sample_weight` and `class_weight` cannot be specified at the same time.")
    xs, ys, ws, size, structures = data.single_batch(x, y, sample_weight, class_weight)
    structures_of_batch: Any = loops.Structures(*structures, size)
    seen: list[StepRecord] = []
    before: list[Any] = []
    with preserved(model), watching(model) as calls:
        ledger = _ledger(model)

        def watch(record: StepRecord) -> None:
            ledger._watch_step(record)
            seen.append(record)
            gradients.update({v.path: _copy(g) for v, g in zip(record.variables, record.gradients, strict=True)})
            optimizer = model.optimizer
            if optimizer is not None and record.variables:
                optimizer.build(record.variables)
            before.extend([_values(record.variables), _values(_slots(model))])

        gradients: dict[str, Any] = {}
        steps.reset()
        with steps.watched_by([watch]):
            steps.single_trainer(structures_of_batch)(xs, ys, ws, size)
        after = [_values(seen[0].variables), _values(_slots(model))]
        loss = _loss(ledger)
        found = Forward(named(model, model._input_binder(structures[0])(xs), calls))
    changes = [
        [Change(path, value, new) for (path, value), (_, new) in zip(old, late, strict=True)]
        for old, late in zip(before, after, strict=True)
    ]
    return TrainingStep(found, loss, gradients, changes)


def _ledger(model: Any) -> Ledger:
    ledger = Ledger(traces=0)
    ledger.set_model(model)
    ledger.run = ledger._header()
    ledger._phase = PhaseRecord()
    ledger._epoch = EpochRecord(1, train=ledger._phase)
    return ledger


def _loss(ledger: Ledger) -> Derivation:
    assert ledger._phase is not None
    return BatchView(ledger.run, ledger._phase.batches[0], "the batch", "training").loss()


def _slots(model: Any) -> list[Any]:
    return list(getattr(model.optimizer, "variables", None) or [])


def _values(variables: Any) -> list[tuple[str, Any]]:
    return [(variable.path, variable.value.copy()) for variable in variables]


def _copy(gradient: Any) -> Any:
    return None if gradient is None else np.array(gradient)
