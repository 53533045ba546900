"""`save_model`, `load_model`, `save_weights` and `load_weights`.

Source: `keras/src/saving/saving_api.py`, Keras 3.15; under tf_keras,
`tf_keras/src/saving/saving_api.py` and `legacy/save.py`, 2.21.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from refkeras import semantics
from refkeras.saving.archive import is_archive
from refkeras.saving.guard import guarded
from refkeras.saving.hdf5 import SIGNATURE
from refkeras.saving.keras_file import load_keras_file, save_keras_file, weights_of_keras_file
from refkeras.saving.legacy_file import load_legacy_file, load_legacy_weights, save_legacy_file, save_legacy_weights
from refkeras.saving.overwriting import may_write
from refkeras.saving.weights_file import load_state, save_weights_file
from refkeras.utils.io_utils import log_warning

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

_HDF5 = (".h5", ".hdf5")


def save_model(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Save a model: configuration, weights, and the state of its optimizer.

    The file is written whole or not at all: a program that dies while saving
    leaves the old file as it was.

    Args:
        model: the model.
        filepath: ends in `.keras`, or in `.h5` for the legacy format.
        overwrite: replace an existing file without asking.
        zipped: only None or True: a `.keras` file is one archive.
        include_optimizer: (`.h5`) whether to save how the model was compiled, and the optimizer's state.
        save_format: (tf_keras) `"keras"` or `"h5"`, instead of the file's extension.

    Raises:
        ValueError: another extension, or an argument that is not supported.
        ImportError: h5py is not installed.

    Example:

        >>> import tempfile, refkeras
        >>> model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(model, f"{folder}/model.keras")
        ...     load_model(f"{folder}/model.keras").output_shape
        (None, 3)
    """
    filepath = os.fspath(filepath)
    if semantics.current().files != "keras-3":
        _save_old(model, filepath, overwrite, kwargs if zipped is None else {"zipped": zipped, **kwargs})
        return
    include_optimizer = kwargs.pop("include_optimizer", True)
    _check_save_format(filepath, kwargs.pop("save_format", False))
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {list(kwargs)}")
    if zipped is False or filepath.startswith("hf://"):
        raise ValueError(
            f"Not supported: zipped={zipped}, filepath={filepath}. refkeras saves a model as one local file, so that "
            "saving is whole or not at all. Leave `zipped` out, and give a path that ends in `.keras`."
        )
    if filepath.endswith(_HDF5):
        log_warning(
            "You are saving your model as an HDF5 file via `model.save()` or `keras.saving.save_model(model)`. This "
            "file format is considered legacy. We recommend using instead the native Keras format, e.g. "
            "`model.save('my_model.keras')` or `keras.saving.save_model(model, 'my_model.keras')`. "
        )
    elif not filepath.endswith(".keras"):
        if not may_write(filepath, overwrite):
            return
        raise ValueError(
            "Invalid filepath extension for saving. Please add either a `.keras` extension for the native Keras format "
            f"(recommended) or a `.h5` extension. Received: filepath={filepath}."
        )
    if not may_write(filepath, overwrite):
        return
    if filepath.endswith(".keras"):
        save_keras_file(model, filepath)
    else:
        save_legacy_file(model, filepath, include_optimizer)


def _check_save_format(filepath: str, save_format: Any) -> None:
    if not save_format:
        return
    if not filepath.endswith((*_HDF5, ".keras")):
        raise ValueError(
            "The `save_format` argument is deprecated in Keras 3. Please remove this argument and pass a file path "
            f"with either `.keras` or `.h5` extension.Received: save_format={save_format}"
        )
    log_warning(
        "The `save_format` argument is deprecated in Keras 3. We recommend removing this argument as it can be "
        f"inferred from the file path. Received: save_format={save_format}"
    )


def _save_old(model: Any, filepath: str, overwrite: bool, options: dict[str, Any]) -> None:
    """Save as tf_keras, or as Keras 2.0, which knows one format and any extension."""
    include_optimizer = options.pop("include_optimizer", None)
    if semantics.current().files == "keras-2.0":
        _refuse_options(options)
        chosen = "h5"
    else:
        chosen = _old_format(filepath, options.pop("save_format", None))
    if chosen == "tf":
        raise ValueError(
            f"Saving as a TensorFlow SavedModel is not supported (filepath={filepath}). Give a path that ends in "
            "`.keras` or `.h5`, or save_format='keras' or 'h5'."
        )
    if chosen == "h5" and semantics.current().files == "tf_keras":
        warnings.warn(
            "You are saving your model as an HDF5 file via `model.save()`. This file format is considered legacy. We "
            "recommend using instead the native TF-Keras format, e.g. `model.save('my_model.keras')`.",
            stacklevel=4,
        )
    if chosen == "keras":
        if include_optimizer is not None:
            options["include_optimizer"] = include_optimizer
        if not may_write(filepath, overwrite):
            return
        if options:
            raise ValueError(
                f"The following argument(s) are not supported with the native TF-Keras format: {list(options)}"
            )
        if not filepath.endswith(".keras"):
            raise ValueError(
                f"Invalid `filepath` argument: expected a `.keras` extension. Received: filepath={filepath}"
            )
        save_keras_file(model, filepath)
        return
    _refuse_options(options)
    if may_write(filepath, overwrite):
        save_legacy_file(model, filepath, True if include_optimizer is None else include_optimizer)


def _refuse_options(options: dict[str, Any]) -> None:
    if options:
        raise TypeError(f"save_model() got an unexpected keyword argument {next(iter(options))!r}")


def _old_format(filepath: str, save_format: str | None) -> str:
    if save_format:
        known = {"keras_v3": "keras", "keras": "keras", "h5": "h5", "hdf5": "h5", "tf": "tf", "tensorflow": "tf"}
        if save_format not in known:
            raise ValueError(
                "Unknown `save_format` argument. Expected one of 'keras', 'tf', or 'h5'. "
                f"Received: save_format={save_format}"
            )
        return known[save_format]
    if filepath.endswith(".keras"):
        return "keras"
    return "h5" if filepath.endswith(_HDF5) else "tf"


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Make the model that a file holds: a `.keras` file or a legacy `.h5` file, of either Keras generation.

    The file is not trusted: no code comes out of it, only refkeras's own
    classes and those you register or pass are made, and it cannot make the
    program use more time or memory than its size accounts for.

    Args:
        filepath: the file.
        custom_objects: classes and functions that the model uses, by name.
        compile: compile the model as it was, with its optimizer's state.
        safe_mode: without effect: code in a file is refused in any case.

    Raises:
        ValueError: the file is damaged, or asks for what is refused.
        TypeError: it names a class that is not known (also a ValueError).
        FileNotFoundError: there is no such `.h5` file. (Keras raises ValueError for `.keras` files.)
    """
    filepath = os.fspath(filepath)
    modern = semantics.current().files == "keras-3"
    if filepath.endswith(".keras") and is_archive(filepath):
        return load_keras_file(filepath, custom_objects, compile)
    if filepath.endswith(_HDF5) or (not modern and Path(filepath).is_file()):
        return load_legacy_file(filepath, custom_objects, compile)
    if not modern and not Path(filepath).exists():
        raise OSError(f"No file or directory found at {filepath}")
    if filepath.endswith(".keras"):
        hint = " It is an HDF5 file, as Keras before 2.13 wrote them: give it a name that ends in `.h5`."
        raise ValueError(
            f"File not found: filepath={filepath}. Please ensure the file is an accessible `.keras` zip file."
            f"{hint if _is_hdf5(filepath) else ''}"
        )
    raise ValueError(
        f"File format not supported: filepath={filepath}. refkeras reads `.keras` archives and legacy H5 files (`.h5` "
        "extension), not SavedModels, unzipped folders or Orbax checkpoints."
    )


def _is_hdf5(path: str) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as elsewhere
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def save_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    max_shard_size: float | None = None,
    **kwargs: Any,
) -> None:
    """Save the weights of a model, and the state of its optimizer, whole or not at all.

    Args:
        model: a built model.
        filepath: ends in `.weights.h5`. tf_keras also takes `.h5`, the legacy layout without optimizer.
        overwrite: replace an existing file without asking.
        max_shard_size: only None: the weights are one file.
        save_format: (tf_keras, for files that do not end in `.weights.h5`) `"h5"`.
        objects_to_skip: (Keras 3) layers to leave out.

    Raises:
        ValueError: another extension, a model that is not built, or shards.
    """
    filepath = os.fspath(filepath)
    if max_shard_size is not None:
        raise ValueError(f"max_shard_size={max_shard_size} is not supported: refkeras writes the weights as one file.")
    rules = semantics.current()
    skip: Any = ()
    if rules.files == "keras-3":
        skip = kwargs.pop("objects_to_skip", None) or ()
        if kwargs:
            raise TypeError(f"save_weights() got an unexpected keyword argument {next(iter(kwargs))!r}")
        if not filepath.endswith(".weights.h5"):
            raise ValueError(f"The filename must end in `.weights.h5`. Received: filepath={filepath}")
    if rules.files == "keras-2.0" or not filepath.endswith(".weights.h5"):
        _save_old_weights(model, filepath, overwrite, kwargs)
        return
    if not may_write(filepath, overwrite):
        return
    if not model.built:
        raise ValueError(
            "You are saving a model that has not yet been built. Try building the model first by calling it on some "
            "data or by using `build()`."
        )
    save_weights_file(model, filepath, skip)


def _save_old_weights(model: Any, filepath: str, overwrite: bool, options: dict[str, Any]) -> None:
    chosen = options.pop("save_format", None)
    _refuse_options(options)
    is_hdf5 = filepath.endswith((*_HDF5, ".keras"))
    if chosen is not None and chosen.lower().strip() not in ("h5", "hdf5", "keras", "tf", "tensorflow"):
        raise ValueError(f'Unknown format. Received: `save_format`={chosen}. Was expecting one of {{"tf", "h5"}}.')
    wants_tf = chosen.lower().strip() in ("tf", "tensorflow") if chosen else not is_hdf5
    if wants_tf and semantics.current().files == "tf_keras":
        raise ValueError(
            f"Saving a TensorFlow checkpoint is not supported (filepath={filepath}). Give a path that ends in `.h5`, "
            "or in `.weights.h5` to keep the optimizer's state too."
        )
    if not model.built:
        raise ValueError(
            f"Unable to save weights: model {model.name!r} has not yet created them. Build the model first by calling "
            "it."
        )
    if may_write(filepath, overwrite):
        save_legacy_weights(model, filepath)


def load_weights(model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Give a model the weights of a file: `.weights.h5`, `.keras`, or a legacy `.h5` with or without a model.

    `.weights.h5` and `.keras` also hold the optimizer's state. Layers are
    matched by their kind and order, not by their names.

    Args:
        model: a built model.
        filepath: the file.
        skip_mismatch: warn of what does not fit, and leave it as it is.
        by_name: (legacy `.h5`) match layers by name.
        objects_to_skip: (`.weights.h5`) layers to leave as they are.

    Raises:
        ValueError: the file is damaged or does not fit, another extension, or a model that is not built.
    """
    filepath = os.fspath(filepath)
    skip, by_name = kwargs.pop("objects_to_skip", None), kwargs.pop("by_name", None)
    modern = semantics.current().files == "keras-3"
    if kwargs:
        raise ValueError(f"Invalid keyword arguments: {kwargs}")
    of_model = filepath.endswith(".keras") and (modern or is_archive(filepath))
    if of_model or filepath.endswith(".weights.h5"):
        if by_name is not None:
            raise ValueError(f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {filepath}")
        if of_model and skip is not None:
            raise ValueError(f"`objects_to_skip` only supports loading '.weights.h5' files.Received: {filepath}")
        _check_built(model)
        with guarded(filepath):
            data = weights_of_keras_file(filepath) if of_model else Path(filepath).read_bytes()
            load_state(model, data, skip_mismatch=skip_mismatch, skip=skip or ())
        return
    if skip is not None:
        raise ValueError(f"`objects_to_skip` only supports loading '.weights.h5' files.Received: {filepath}")
    if modern and not filepath.endswith(_HDF5):
        raise ValueError(
            f"File format not supported: filepath={filepath}. refkeras reads `.keras` files, `.weights.h5` files and "
            "legacy H5 format files (`.h5` extension)."
        )
    if not modern and skip_mismatch and not by_name:
        raise ValueError("When calling model.load_weights, skip_mismatch can only be set to True when by_name is True.")
    _check_built(model)
    load_legacy_weights(model, filepath, by_name=bool(by_name), skip_mismatch=skip_mismatch)


def _check_built(model: Any) -> None:
    if not model.built:
        raise ValueError(
            "You are loading weights into a model that has not yet been built. Try building the model first by "
            "calling it on some data or by using `build()`."
        )
