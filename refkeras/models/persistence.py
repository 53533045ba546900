"""Saving and loading, as methods of a model."""

from __future__ import annotations

import os
from typing import Any

from refkeras import semantics

__all__ = ["Persistent"]


class Persistent:
    """The part of `Model` that writes and reads files; see `refkeras.saving`.

    Under tf_keras the third argument of each method is that of tf_keras.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy a model as it is saved; see `refkeras.saving.pickling`."""
        from refkeras.saving.pickling import pack_model, unpack_model

        return unpack_model, pack_model(self)

    def save(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Save the model; see `refkeras.saving.save_model`."""
        from refkeras.saving.api import save_model

        if zipped is not None and semantics.current().files != "keras-3":
            zipped, kwargs = None, {_third_of_save(): zipped, **kwargs}
        save_model(self, filepath, overwrite, zipped, **kwargs)

    def save_weights(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, max_shard_size: Any = None, **kwargs: Any
    ) -> None:
        """Save the weights, and the optimizer's state; see `refkeras.saving.save_weights`."""
        from refkeras.saving.api import save_weights

        if max_shard_size is not None and semantics.current().files == "tf_keras":
            max_shard_size, kwargs = None, {"save_format": max_shard_size, **kwargs}
        save_weights(self, filepath, overwrite, max_shard_size, **kwargs)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, *args: Any, **kwargs: Any
    ) -> None:
        """Take the weights, and the optimizer's state, of a file; see `refkeras.saving.load_weights`."""
        from refkeras.saving.api import load_weights

        rules = semantics.current()
        if args and rules.files != "keras-3":
            kwargs["by_name"], args = args[0], args[1:]
        if args:
            raise TypeError(f"load_weights() takes 3 positional arguments at most, but {3 + len(args)} were given")
        if rules.files == "keras-2.0" and "by_name" not in kwargs:
            # There, by_name is the second argument, and skip_mismatch does not exist.
            skip_mismatch, kwargs = False, {"by_name": skip_mismatch, **kwargs}
        if kwargs.get("by_name") is False:
            del kwargs["by_name"]
        load_weights(self, filepath, skip_mismatch, **kwargs)


def _third_of_save() -> str:
    return "save_format" if semantics.current().files == "tf_keras" else "include_optimizer"
