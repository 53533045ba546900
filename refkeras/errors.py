"""Exceptions that stand in for TensorFlow's."""

from __future__ import annotations

__all__ = ["InvalidArgumentError"]


class InvalidArgumentError(ValueError):
    """What Keras on TensorFlow reports as `tf.errors.InvalidArgumentError`."""
