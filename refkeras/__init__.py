"""Keras in NumPy that a person can read, run and trust.

The public names are laid out as Keras lays them out: `refkeras.layers.LSTM`,
`refkeras.Model`, `refkeras.optimizers.Adam`, ... What Keras does not have
lives in packages of its own: `refkeras.semantics` (which Keras is mirrored),
`refkeras.verify` (refkeras beside a real Keras) and `refkeras.explain` (where
a number comes from).
"""

from refkeras.lazy import attach

__version__ = "0.1.0"

_SUBMODULES = (
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "explain",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "semantics",
    "utils",
    "verify",
    "wrappers",
)
_NAMES = {
    "DTypePolicy": "refkeras.config",
    "Initializer": "refkeras.initializers",
    "Input": "refkeras.layers",
    "InputSpec": "refkeras.layers",
    "KerasTensor": "refkeras.symbolic",
    "Layer": "refkeras.layers",
    "Loss": "refkeras.losses",
    "Metric": "refkeras.metrics",
    "Model": "refkeras.models",
    "Optimizer": "refkeras.optimizers",
    "Regularizer": "refkeras.regularizers",
    "Sequential": "refkeras.models",
    "Variable": "refkeras.variable",
}
__all__ = ["__version__", "version", *_SUBMODULES, *_NAMES]
__getattr__, __dir__ = attach(__name__, _SUBMODULES, _NAMES)


def version() -> str:
    """Return refkeras's version."""
    return __version__
