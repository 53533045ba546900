"""`Initializer`: what gives a weight its first value."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Initializer"]


class Initializer:
    """Base class: a callable `(shape, dtype=None) -> array`.

    Source: `keras/src/initializers/initializer.py`, Keras 3.15.

    Example:
        >>> import numpy as np
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype or "float32")
        >>> Halves()((2,))
        array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must implement `__call__(shape, dtype=None)`.")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**config)

    def clone(self) -> Initializer:
        """Return a new instance with the same configuration."""
        return type(self).from_config(self.get_config())
