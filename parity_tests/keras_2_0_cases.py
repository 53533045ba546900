"""Runs that are recorded from Keras 2.0.4, which has no place in an environment with today's Keras.

`python -m parity_tests.keras_2_0_cases` downloads Keras 2.0.4's source from PyPI, plays every case on its own
`callbacks.py` and `utils`, and writes what it saw to `recorded/keras_2_0_callbacks.json`.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import math
import random
import subprocess
import sys
import tarfile
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import refkeras
from parity_tests.callback_runs import Engine, play
from parity_tests.clock import Clock, printed
from parity_tests.model_zoo import ZOO, built, numbered

__all__ = [
    "RECORD",
    "bar_cases",
    "fit_cases",
    "model_cases",
    "model_texts",
    "numeric_cases",
    "play_bar",
    "play_numeric",
]

RECORD = Path(__file__).parent / "recorded" / "keras_2_0_callbacks.json"

_VALUES = (0.5, 0.25, 0.176, 1234.5, 9.5e-4, 1e-3, -0.75, 0.0, 3.0e-5, 0.30000000001, 0.3, 0.29999)
_PAUSES = (0.0, 1e-6, 0.04, 0.05, 0.06, 0.7, 1.0, 61.5, 4000.0)


def bar_cases() -> list[dict[str, Any]]:
    """Updates of a bar: pause, what is reached, values, force."""
    draw = random.Random(1)
    cases = []
    for _ in range(150):
        target = draw.choice([1, 7, 10, 99, 100, 150, 1213, 10_000])
        steps = sorted({draw.randint(0, target) for _ in range(draw.randint(1, 5))} | {target})
        names = draw.sample(["loss", "acc", "val_loss"], draw.randint(0, 3))
        updates = [
            [draw.choice(_PAUSES), step, [[name, draw.choice(_VALUES)] for name in names], draw.random() < 0.2]
            for step in steps
        ]
        options = {"verbose": draw.choice([1, 1, 2, 0])}
        if draw.random() < 0.3:
            options |= {"width": draw.choice([5, 41]), "interval": draw.choice([0.0, 1.0])}
        cases.append({"target": target, "updates": updates, "options": options})
    return cases


def play_bar(make: Any, case: dict[str, Any]) -> str:
    clock = Clock()
    with printed(clock) as output:
        bar = make(case["target"], **case["options"])
        for pause, step, values, force in case["updates"]:
            clock.advance(pause)
            bar.update(step, [tuple(value) for value in values], force=force)
    return output.getvalue()


def fit_cases() -> list[dict[str, Any]]:
    """Runs for `callback_runs.play`."""
    draw = random.Random(2)
    cases = []
    for _ in range(250):
        sizes = [draw.choice([5, 32])] * draw.randint(1, 3) + [draw.choice([1, 3, 5])]
        validation = draw.random() < 0.6
        names = ["loss", "acc"]
        reported = names + [f"val_{name}" for name in names] * validation
        epochs = []
        for _ in range(draw.randint(1, 5)):
            batches = [{name: _value(draw) for name in names} for _ in sizes]
            epochs.append({"batches": batches, "end": {f"val_{n}": _value(draw) for n in names} if validation else {}})
        callbacks = [_callback(draw) for _ in range(draw.randint(0, 2))]
        cases.append(
            {
                "callbacks": callbacks,
                "metrics": [],
                "rate": draw.choice([0.1, 0.001]),
                "verbose": draw.choice([0, 1, 2]),
                "sizes": sizes,
                "epochs": epochs,
                "reported": reported,
                "validation": 7 if validation else None,
            }
        )
    return cases + _edges()


def _edges() -> list[dict[str, Any]]:
    """Runs in which one rule alone decides, and chance would seldom come by."""
    frame = {"metrics": [], "rate": 0.001, "verbose": 0, "sizes": [4], "reported": ["loss"], "validation": None}
    epochs = [{"batches": [{"loss": loss}], "end": {}} for loss in (0.5, 0.55, 0.55, 0.7)]
    callbacks = [
        ["EarlyStopping", {"monitor": "loss", "min_delta": delta, "patience": 0, "verbose": 1}] for delta in (-0.1, 0.1)
    ] + [
        ["ReduceLROnPlateau", {"monitor": "loss", "patience": 0, "min_lr": floor, "verbose": 1}]
        for floor in (0.00099995, 0.0009995)
    ]
    return [{**frame, "epochs": epochs, "callbacks": [callback]} for callback in callbacks]


def _value(draw: random.Random) -> float:
    return draw.choice([*_VALUES, float("nan"), float("inf")]) if draw.random() < 0.7 else draw.random()


def _callback(draw: random.Random) -> list[Any]:
    monitor = draw.choice(["val_loss", "loss", "acc", "val_acc", "fmeasure", "loss", "acc"])
    mode = draw.choice(["auto", "auto", "min", "max"])
    kinds = {
        "EarlyStopping": {"monitor": monitor, "mode": mode, "verbose": 1, "patience": draw.randint(0, 2)}
        | {"min_delta": draw.choice([0, 0.1, -0.1])},
        "ReduceLROnPlateau": {"monitor": monitor, "mode": draw.choice([mode, "least"]), "verbose": 1}
        | {
            "factor": draw.choice([0.1, 1 / 3]),
            "patience": draw.randint(0, 2),
            "epsilon": draw.choice([1e-4, 0.1, -0.1]),
        }
        | {"cooldown": draw.randint(0, 2), "min_lr": draw.choice([0, 1e-3, 5e-4])},
        "ModelCheckpoint": {"filepath": draw.choice(["m.h5", "m-{epoch:02d}-{loss:.2f}.hdf5", "no/m", "{nothing}"])}
        | {"monitor": monitor, "mode": draw.choice([mode, "least"]), "verbose": 1, "period": draw.randint(1, 2)}
        | {"save_best_only": draw.random() < 0.7, "save_weights_only": draw.random() < 0.5},
        "CSVLogger": {"filename": draw.choice(["new.csv", "old.csv", "empty.csv"]), "append": draw.random() < 0.5},
        "LearningRateScheduler": {"schedule": draw.choice(["by epoch", "float32", "integer", "halve"])},
    }
    name = draw.choice(sorted(kinds))
    return [name, kinds[name]]


def numeric_cases() -> list[list[Any]]:
    """Calls of `to_categorical` and `normalize`."""
    x = [[3.0, 4.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 2.0, 2.0]]
    return [
        ["to_categorical", {"y": [0, 2, 1]}],
        ["to_categorical", {"y": [[0], [3]], "num_classes": 5}],
        ["to_categorical", {"y": [[0, 1, 2], [2, 1, 0]]}],
        ["normalize", {"x": x}],
        ["normalize", {"x": x, "axis": 0}],
        ["normalize", {"x": x, "axis": 1, "order": 1}],
        ["normalize", {"x": [5.0, 12.0]}],
    ]


def play_numeric(utils: Any, name: str, arguments: dict[str, Any]) -> Any:
    if name == "normalize":
        arguments = {**arguments, "x": np.array(arguments["x"])}
    result = getattr(utils, name)(**arguments)
    return [result.dtype.name, list(result.shape), result.ravel().tolist()]


def model_cases() -> list[str]:
    """Models of the zoo that Keras 2.0 could have made."""
    return [name for name in ZOO if name not in ("dict_inputs", "fixed_batch") and not name.startswith("masked")]


class _Old:
    """A refkeras model, layer or node under the attributes that Keras 2.0.4's summary and plot read."""

    @staticmethod
    def model(model: Any) -> Any:
        graph = model._functional if type(model).__name__ == "Sequential" else model
        layers = {id(layer): _Old.layer(layer) for layer in graph.layers}
        nodes: dict[int, Any] = {}
        for layer in graph.layers:
            for node in layer._inbound_nodes:
                sources = [tensor._keras_history for tensor in node.input_tensors]
                old = types.SimpleNamespace(
                    inbound_layers=[layers.get(id(source.operation)) for source in sources],
                    node_indices=[source.node_index for source in sources],
                    tensor_indices=[source.tensor_index for source in sources],
                )
                nodes[id(node)] = old
                layers[id(layer)].inbound_nodes.append(old)
        old = type("Sequential" if graph is not model else "Model", (), {})()
        old.layers = [layers[id(layer)] for layer in model.layers]
        old.nodes_by_depth = {d: [nodes[id(node)] for node in level] for d, level in graph._nodes_by_depth.items()}
        old.container_nodes = {
            f"{layer.name}_ib-{i}"
            for layer in graph.layers
            for i, node in enumerate(layer._inbound_nodes)
            if node in graph._nodes
        }
        old.trainable_weights, old.non_trainable_weights = model.trainable_weights, model.non_trainable_weights
        old.graph = types.SimpleNamespace(layers=list(layers.values()), container_nodes=old.container_nodes)
        return old

    @staticmethod
    def layer(layer: Any) -> Any:
        from refkeras.models import shapes

        def known(shape: Any) -> Any:
            shape = shape(layer)
            return shape[0] if isinstance(shape, list) and len(shape) == 1 else shape

        old = type(type(layer).__name__, (), {})()
        old.name, old.count_params, old.inbound_nodes = layer.name, layer.count_params, []
        old.input_shape, old.output_shape = known(shapes.input_shape), known(shapes.output_shape)
        return old


def _model_texts(modules: dict[str, Any], name: str) -> list[str]:
    from refkeras import semantics

    with semantics.use("keras-2.0"):
        old = _Old.model(built(refkeras, ZOO[name]))
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        modules["utils.layer_utils"].print_summary(old)
        modules["utils.layer_utils"].print_summary(old, line_length=80, positions=[0.3, 0.6, 0.8, 1.0])
    draw = modules["utils.vis_utils"].model_to_dot
    graphs = [draw(old.graph), draw(old.graph, True, False), draw(old.graph, show_shapes=True)]
    return [output.getvalue(), *(numbered(graph.to_string()) for graph in graphs)]


def model_texts(model: Any) -> list[str]:
    """The same of a refkeras model."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        model.summary()
        model.summary(80, [0.3, 0.6, 0.8, 1.0])
    draw = refkeras.utils.model_to_dot
    graphs = [draw(model), draw(model, True, False), draw(model, show_shapes=True)]
    return [output.getvalue(), *(numbered(graph.to_string()) for graph in graphs)]


class _Rate:
    """A variable of Keras 2.0's backend."""

    def __init__(self, value: float) -> None:
        self.value = np.float32(value)


class _Keras20(Engine):
    """Keras 2.0.4's own callbacks, set up as its `Model._fit_loop` does."""

    logger = "keras-2.0"
    passes_sizes = True

    class Optimizer:
        def __init__(self, rate: float) -> None:
            self.lr = _Rate(rate)

    def optimizer(self, rate: float) -> Any:
        return self.Optimizer(rate)

    def rate(self, model: Any) -> float:
        return float(model.optimizer.lr.value)

    def hooks(self, callbacks: list[Any], model: Any, run: dict[str, Any]) -> Any:
        verbose, module = run["verbose"], self.callbacks
        samples = sum(run["sizes"])
        if run["validation"] is not None and verbose:
            print(f"Train on {samples:d} samples, validate on {run['validation']:d} samples")
        model.history = module.History()
        hooks = [module.BaseLogger(), *callbacks, model.history, *([module.ProgbarLogger()] if verbose else [])]
        hooks = module.CallbackList(hooks)
        hooks.set_model(model)
        hooks.set_params(
            {"epochs": len(run["epochs"]), "samples": samples, "verbose": verbose, "metrics": run["reported"]}
        )
        return hooks


def _defaults(path: Path) -> dict[str, Any]:
    """The defaults of `Model.fit`, `evaluate` and `predict`, read from the source."""
    model = next(node for node in ast.parse(path.read_text()).body if getattr(node, "name", None) == "Model")
    found = {}
    for method in model.body:
        if getattr(method, "name", None) in ("fit", "evaluate", "predict"):
            names = [argument.arg for argument in method.args.args][-len(method.args.defaults) :]
            found[method.name] = {
                name: ast.literal_eval(d) for name, d in zip(names, method.args.defaults, strict=True)
            }
    return found


@contextlib.contextmanager
def _keras_2_0() -> Iterator[dict[str, Any]]:
    """Import Keras 2.0.4's modules from its source distribution, with a backend that holds numbers."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "keras==2.0.4", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "-d", folder], check=True)
        with tarfile.open(next(Path(folder).glob("*eras-2.0.4.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        source = Path(folder, "Keras-2.0.4", "keras")
        package, utils = types.ModuleType("keras204"), types.ModuleType("keras204.utils")
        package.__path__, utils.__path__ = [str(source)], [str(source / "utils")]
        backend = types.ModuleType("keras204.backend")
        backend.backend = lambda: "numbers"
        backend.get_value = lambda x: x.value
        backend.set_value = lambda x, value: setattr(x, "value", np.float32(value))
        package.backend = backend
        backend.count_params = lambda weight: math.prod(weight.shape)
        wrappers, models = types.ModuleType("keras204.layers.wrappers"), types.ModuleType("keras204.models")
        wrappers.Wrapper, models.Sequential = type("Wrapper", (), {}), type("Sequential", (), {})
        sys.modules |= {"keras204": package, "keras204.utils": utils, "keras204.backend": backend}
        sys.modules |= {"keras204.layers": types.ModuleType("keras204.layers"), "keras204.layers.wrappers": wrappers}
        sys.modules |= {"keras204.models": models}
        with _old_python():
            yield {"source": source} | {
                name: importlib.import_module(f"keras204.{name}")
                for name in ("callbacks", *(f"utils.{name}_utils" for name in ("generic", "np", "layer", "vis")))
            }


@contextlib.contextmanager
def _old_python() -> Iterator[None]:
    """Names that Keras 2.0.4 knew and Python and NumPy have dropped."""
    import collections
    import collections.abc

    collections.Iterable = collections.abc.Iterable
    np.Inf = np.inf
    yield


def record() -> None:
    with _keras_2_0() as modules:
        engine = _Keras20(modules["callbacks"])
        found = {
            "bars": [play_bar(modules["utils.generic_utils"].Progbar, case) for case in bar_cases()],
            "fits": [play(engine, case) for case in fit_cases()],
            "numbers": [play_numeric(modules["utils.np_utils"], *case) for case in numeric_cases()],
            "defaults": _defaults(modules["source"] / "engine" / "training.py"),
            "models": {name: _model_texts(modules, name) for name in model_cases()},
        }
    RECORD.parent.mkdir(exist_ok=True)
    text = io.StringIO()
    json.dump(found, text, indent=0, ensure_ascii=False)
    RECORD.write_text(text.getvalue() + "\n", encoding="utf-8")
    print(f"{RECORD}: {', '.join(f'{len(items)} {name}' for name, items in found.items())}")


if __name__ == "__main__":
    record()
