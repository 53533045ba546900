"""`model_to_dot` and `plot_model` (`keras/src/utils/model_visualization.py`, Keras 3.15).

Needs the package pydot; drawing a picture also needs the program graphviz.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refkeras import semantics
from refkeras.naming import did_you_mean
from refkeras.utils.io_utils import print_msg

__all__ = ["check_graphviz", "check_pydot", "model_to_dot", "plot_model"]

_COMMON = "show_shapes", "show_dtype", "show_layer_names", "rankdir", "expand_nested", "dpi"
_ARGUMENTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "keras-3": ((*_COMMON, "subgraph"), ("show_layer_activations", "show_trainable", "splines")),
    "tf_keras": ((*_COMMON, "subgraph"), ("layer_range", "show_layer_activations", "show_trainable")),
    "keras-2.0": (("show_shapes", "show_layer_names"), ()),
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "keras-3": {"dpi": 200, "splines": "ortho"},
    "tf_keras": {"dpi": 96, "layer_range": None},
    "keras-2.0": {},
}
_SHARED = {
    "show_shapes": False,
    "show_dtype": False,
    "show_layer_names": True,
    "rankdir": "TB",
    "expand_nested": False,
    "subgraph": False,
    "show_layer_activations": False,
    "show_trainable": False,
}


def check_pydot() -> bool:
    """Return whether pydot can be imported."""
    try:
        import pydot  # noqa: F401
    except ImportError:
        return False
    return True


def check_graphviz() -> bool:
    """Return whether pydot and graphviz can draw an empty graph."""
    if not check_pydot():
        return False
    import pydot

    try:
        pydot.Dot.create(pydot.Dot())
    except (OSError, pydot.PydotException):
        return False
    return True


def model_to_dot(model: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the model as a `pydot.Dot`.

    Args:
        model: a built model.
        show_shapes: whether to write input and output shapes into the boxes.
        show_dtype: whether to write the dtype.
        show_layer_names: whether to write the names, beside the classes.
        rankdir: `"TB"` from top to bottom, `"LR"` from left to right.
        expand_nested: whether to draw what is inside nested models.
        dpi: dots per inch (200; 96 in tf_keras).
        subgraph: whether to return a `pydot.Cluster`.
        layer_range: (tf_keras) names (or patterns) of the first and last layer to draw.
        show_layer_activations: whether to write activations.
        show_trainable: whether to mark what is trainable.
        splines: (Keras 3) how edges run: `"ortho"`, `"curved"`, `"polyline"`, `"spline"` or `"line"`.

    Raises:
        ImportError: pydot is not installed.
        ValueError: the model is not built; in Keras 3 also for an unknown argument.
        TypeError: an unknown argument, in tf_keras and Keras 2.0.
    """
    style = semantics.current().plot_style
    options = _options(style, "model_to_dot", _ARGUMENTS[style][0] + _ARGUMENTS[style][1], args, kwargs)
    _check_built(model)
    if not (check_graphviz() if style == "keras-2.0" else check_pydot()):
        graphviz = " and graphviz" if style == "keras-2.0" else ""
        raise ImportError(f"You must install pydot (`pip install pydot`){graphviz} for model_to_dot to work.")
    return _drawer(style)(model, **options)


def plot_model(model: Any, to_file: str | os.PathLike[str] = "model.png", *args: Any, **kwargs: Any) -> Any:
    """Draw the model into a file, whose extension says the format.

    Args:
        model: a built model.
        to_file: path of the picture.
        show_shapes, show_dtype, show_layer_names, ...: as in `model_to_dot`, without `subgraph`; Keras 3 shows
            layer names only if asked.

    Returns:
        A Jupyter image if IPython is installed (not for PDF), else None.

    Raises:
        ImportError: pydot or graphviz is not installed (in a notebook, a message is printed instead).
        ValueError, TypeError: as `model_to_dot`.
    """
    style = semantics.current().plot_style
    names = tuple(name for name in _ARGUMENTS[style][0] + _ARGUMENTS[style][1] if name != "subgraph")
    options = _options(style, "plot_model", names, args, kwargs)
    if style == "keras-3" and "show_layer_names" not in kwargs and len(args) < 3:
        options["show_layer_names"] = False
    _check_built(model)
    missing = _missing(style)
    if missing:
        if "IPython.core.magics.namespace" not in sys.modules:
            raise ImportError(missing)
        print_msg(missing)
        return None
    path = os.fspath(to_file)
    extension = Path(path).suffix.removeprefix(".") or "png"
    model_to_dot(model, **options).write(path, format=extension)
    if extension == "pdf":
        return None
    try:
        from IPython import display
    except ImportError:
        return None
    return display.Image(filename=path)


def _options(
    style: str, function: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    if len(args) > len(names):
        raise TypeError(f"{function}() takes at most {len(names)} options ({', '.join(names)}), got {len(args)}.")
    given = dict(zip(names, args, strict=False))
    for name in kwargs:
        if name in given:
            raise TypeError(f"{function}() got multiple values for argument {name!r}.")
        if name not in names:
            if style == "keras-3" and name == "layer_range" and kwargs[name] is None:
                continue
            error = ValueError if style == "keras-3" else TypeError
            raise error(
                f"{function}() got an unrecognized keyword argument {name!r}.{did_you_mean(name, names)} "
                f"It takes: {', '.join(names)}."
            )
        given[name] = kwargs[name]
    return {name: {**_SHARED, **_DEFAULTS[style]}[name] for name in names} | given


def _check_built(model: Any) -> None:
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model "
            "on a batch of data."
        )


def _missing(style: str) -> str | None:
    """What to say if a picture cannot be drawn."""
    if style == "keras-3" and not check_pydot():
        return "You must install pydot (`pip install pydot`) for `plot_model` to work."
    if check_graphviz():
        return None
    graphviz = "install graphviz (see instructions at https://graphviz.gitlab.io/download/)"
    if style == "keras-3":
        return f"You must {graphviz} for `plot_model` to work."
    return f"You must install pydot (`pip install pydot`) and {graphviz} for plot_model to work."


def _drawer(style: str) -> Callable[..., Any]:
    if style == "keras-3":
        from refkeras.utils import dot_keras3

        return dot_keras3.draw
    from refkeras.utils import dot_tf_keras

    return dot_tf_keras.draw if style == "tf_keras" else dot_tf_keras.draw_keras_2_0
