"""Sequences (`keras.preprocessing.sequence`)."""

from refkeras.utils.sequence_utils import pad_sequences

__all__ = ["pad_sequences"]
