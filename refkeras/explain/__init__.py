"""Where a number comes from: ledgers of runs, derivations of their numbers, and what happens in a step.

- `Ledger`: a callback that keeps what a run's numbers were made of; `ledger.explain("val_loss", epoch=2)` takes one
  apart, down to the samples.
- `forward(model, x)` names every intermediate of a forward pass, the gates of an LSTM among them.
- `step(model, x, y)` shows a whole training step: gradients, and each optimizer slot before and after.
- `load(path)` reads what `Ledger.save` and `refkeras run --explain` write.

It imports the rest of the package, and nothing of the rest imports it.
"""

from refkeras.lazy import attach

_NAMES = {
    "Derivation": "refkeras.explain.derivation",
    "DerivationError": "refkeras.explain.derivation",
    "Ledger": "refkeras.explain.ledger",
    "forward": "refkeras.explain.passes",
    "load": "refkeras.explain.files",
    "save": "refkeras.explain.files",
    "step": "refkeras.explain.stepping",
}
__all__ = [*_NAMES]
__getattr__, __dir__ = attach(__name__, (), _NAMES)
