"""The loss as a sum of its parts, and where Keras's parts do not add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from refkeras.explain.derivation import Derivation, derive, given, shown

if TYPE_CHECKING:
    from refkeras.explain.building import EpochView
    from refkeras.explain.records import PhaseRecord

__all__ = ["derive_parts"]


def derive_parts(view: EpochView, key: str, phase: PhaseRecord, loss: Derivation) -> list[Derivation]:
    """Return the loss of an epoch as the sum of its outputs' losses, each times its weight.

    Where the parts that Keras logs are means of another kind than the loss, there are two such sums: of the parts as
    they are logged, with a note on what is missing, and of the parts counted as the loss is.
    """
    terms = view.run.terms or []
    logged = [i for i, term in enumerate(terms) if term.key is not None]
    if len(logged) < 2 or any(i >= len(b.terms) or b.terms[i] is None for b in phase.batches for i in logged):
        return []
    prefix = "val_" if key.startswith("val_") else ""
    sums = [_sum(view, key, prefix, phase, logged, None)]
    sizes = [batch.size for batch in phase.batches]
    alike = view.run.parts_by_rows or len(set(sizes)) == 1
    difference = float(sums[0].value) - float(loss.value)
    if alike:
        if difference:
            sums[0].notes.append(f"That is {key} but for rounding: they differ by {shown(difference, 2)}.")
        return sums
    sums.append(_sum(view, key, prefix, phase, logged, True))
    sums[0].notes.append(_inconsistency(key, sizes, sums, loss))
    return sums


def _sum(
    view: EpochView, key: str, prefix: str, phase: PhaseRecord, logged: list[int], by_rows: bool | None
) -> Derivation:
    terms: list[Any] = view.run.terms or []
    counted = "" if by_rows is None else ", counted by rows"
    inputs = [
        view.mean_of(f"{prefix}{terms[i].key} of {view.when}{counted}", phase, "term", i, by_rows) for i in logged
    ]
    factors: list[float | None] = [1.0 if terms[i].factor is None else terms[i].factor for i in logged]
    penalties = [sum(float(penalty[1]) for penalty in batch.penalties) for batch in phase.batches]
    if any(batch.penalties for batch in phase.batches):
        sizes = [batch.size for batch in phase.batches]
        kind = np.dtype(view.run.dtype).type
        nodes = [given(f"penalties of batch {b + 1}", kind(p)) for b, p in enumerate(penalties)]
        inputs.append(derive("penalties of the regularizers", "running_mean", nodes, view.run.dtype, weights=sizes))
        factors.append(None)
    return derive(f"{key} as the sum of its parts{counted}", "weighted_sum", inputs, view.run.dtype, factors=factors)


def _inconsistency(key: str, sizes: list[int], sums: list[Derivation], loss: Derivation) -> str:
    difference = float(sums[0].value) - float(loss.value)
    last = f"the last of the {len(sizes)} batches has {sizes[-1]} rows, the first has {sizes[0]}"
    return (
        f"Keras is not consistent here. {key} is a mean in which each batch counts by its rows; the parts that are "
        f"logged are means in which each batch counts once (Keras 3 on TensorFlow in graph mode), and {last}. So the "
        f"parts add up to {sums[0].shown}, which is {shown(abs(difference), 3)} "
        f"{'more' if difference > 0 else 'less'} than {key}, {loss.shown}. Counted by rows, the parts are "
        f"{' and '.join(d.shown for d in sums[1].inputs)}, and their sum is {sums[1].shown}."
    )
