"""What goes wrong with a file."""

from __future__ import annotations

__all__ = ["ModelFileError", "UnknownObjectError"]


class ModelFileError(ValueError):
    """A file is damaged, is no model, or asks for what refkeras does not do."""


class UnknownObjectError(ModelFileError, TypeError):
    """A record names a class or function that is not known; a TypeError too, because Keras raises that."""
