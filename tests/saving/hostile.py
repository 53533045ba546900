"""Files that attack a loader: every known way to make Keras's run code or eat memory, and damaged files.

Each case is `(file extension, make)`, where `make(path)` writes the file. Code
in the files would create the file `CANARY`.
"""

from __future__ import annotations

import base64
import json
import marshal
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.saving.files import (
    KERNEL,
    KERNEL_SHAPE,
    KERNEL_VALUES,
    archive,
    good_config,
    good_dense,
    good_legacy,
    good_weights,
    hdf5,
    keras_file,
    layer,
    replace_dataset,
    with_changes,
)

CANARY = Path(tempfile.gettempdir(), f"refkeras-canary-{os.getpid()}")
TOUCH = f"touch {CANARY}"

Make = Callable[[Path], object]
CASES: dict[str, tuple[str, Make]] = {}


def case(name: str, extension: str = ".keras") -> Callable[[Make], Make]:
    def decorate(make: Make) -> Make:
        assert name not in CASES
        CASES[name] = (extension, make)
        return make

    return decorate


def config_case(name: str, change: Callable[[dict[str, Any]], Any]) -> None:
    CASES[name] = (".keras", lambda path: keras_file(path, with_changes(change)))


def weights_case(name: str, make: Callable[[], bytes]) -> None:
    CASES[f"{name} (.keras)"] = (".keras", lambda path: keras_file(path, weights=make()))
    CASES[f"{name} (.weights.h5)"] = (".weights.h5", lambda path: path.write_bytes(make()))


def legacy_case(name: str, write: Callable[[Any], None]) -> None:
    CASES[name] = (".h5", lambda path: path.write_bytes(hdf5(write, good_legacy())))


# -- code ------------------------------------------------------------------------------------


def _code() -> str:
    source = f"__import__('os').system({TOUCH!r})"
    return base64.b64encode(marshal.dumps(compile(source, "<attack>", "eval"))).decode()


LAMBDA = {"class_name": "__lambda__", "config": {"value": [_code(), None, None]}}
LAMBDA_3 = {"class_name": "__lambda__", "config": {"code": _code(), "defaults": None, "closure": None}}


def _named(module: str, name: str, argument: Any = TOUCH) -> list[dict[str, Any]]:
    """The ways to name a function or class of any module in a record."""
    return [
        {"module": module, "class_name": name, "config": {"args": argument}, "registered_name": None},
        {"module": module, "class_name": name, "config": argument, "registered_name": name},
        {"module": module, "class_name": "function", "config": name, "registered_name": name},
        {"module": module, "class_name": "function", "config": name, "registered_name": None},
    ]


TARGETS = {
    "os.system": ("os", "system"),
    "posix.system": ("posix", "system"),
    "subprocess.Popen": ("subprocess", "Popen"),
    "builtins.eval": ("builtins", "eval"),
    "builtins.exec": ("builtins", "exec"),
    "builtins.open": ("builtins", "open"),
    "numpy.load": ("numpy", "load"),
    "pickle.loads": ("pickle", "loads"),
    "importlib.import_module": ("importlib", "import_module"),
    "keras.utils.get_file": ("keras.utils", "get_file"),
    "keras.models.load_model": ("keras.models", "load_model"),
    "keras.config.enable_unsafe_deserialization": ("keras.config", "enable_unsafe_deserialization"),
    "keras.src.saving.saving_lib.load_model": ("keras.src.saving.saving_lib", "load_model"),
    "keras.layers.Lambda": ("keras.layers", "Lambda"),
    "refkeras.layers.Dense": ("refkeras.layers", "Dense"),
    "a module that runs code": ("refkeras_attack_module", "attack"),
}
PLACES: dict[str, Callable[[dict[str, Any], Any], None]] = {
    "as the model": lambda c, r: (c.clear(), c.update(r if isinstance(r, dict) else {"class_name": r})),
    "as a layer": lambda c, r: layer(c, "dense").update(r),
    "as an initializer": lambda c, r: layer(c, "dense")["config"].update(kernel_initializer=r),
    "as an activation": lambda c, r: layer(c, "dense")["config"].update(activation=r),
    "as a regularizer": lambda c, r: layer(c, "dense")["config"].update(kernel_regularizer=r),
    "as a dtype": lambda c, r: layer(c, "dense")["config"].update(dtype=r),
    "as a size": lambda c, r: layer(c, "dense")["config"].update(units=r),
    "as an argument of a call": lambda c, r: layer(c, "dense")["inbound_nodes"][0]["kwargs"].update(training=r),
    "as the optimizer": lambda c, r: c["compile_config"].update(optimizer=r),
    "as a learning rate": lambda c, r: c["compile_config"]["optimizer"]["config"].update(learning_rate=r),
    "as the loss": lambda c, r: c["compile_config"].update(loss=r),
    "as a metric": lambda c, r: c["compile_config"].update(metrics=[r]),
    "in a record of data": lambda c, r: layer(c, "masking")["config"].update(mask_value=r),
}

#: Further combinations of the same attacks; `python -m tests.saving.fuzz` tries them all.
MORE: dict[str, tuple[str, Make]] = {}

for _i, (_place, _put) in enumerate(PLACES.items()):
    config_case(f"a lambda {_place}", lambda c, put=_put: put(c, LAMBDA))
    config_case(f"a lambda of Keras 3 {_place}", lambda c, put=_put: put(c, LAMBDA_3))
    for _j, (_target, (_module, _name)) in enumerate(TARGETS.items()):
        for _way, _record in enumerate(_named(_module, _name)):
            _case = f"{_target} {_place}, way {_way}"
            config_case(_case, lambda c, put=_put, record=_record: put(c, record))
            if (_i + _j) % 8 != _way:
                MORE[_case] = CASES.pop(_case)

LAMBDA_LAYER = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"name": "dense", "function": LAMBDA, "output_shape": [2]},
    "registered_name": None,
}
config_case("a Lambda layer", lambda c: layer(c, "dense").update(LAMBDA_LAYER))
config_case("a registered name that is none", lambda c: layer(c, "dense").update(registered_name="os>system"))
config_case("a registered name of another class", lambda c: layer(c, "dense").update(registered_name="Custom>Dense"))
config_case("a class name with dots", lambda c: layer(c, "dense").update(class_name="Dense.__init__.__globals__"))
config_case("a special class name", lambda c: layer(c, "dense").update(class_name="__class__"))
config_case("a class name that is a list", lambda c: layer(c, "dense").update(class_name=["Dense"]))
config_case("a class name that is a number", lambda c: layer(c, "dense").update(class_name=3))
config_case("a module that is a list", lambda c: layer(c, "dense").update(module=["keras.layers"]))
config_case(
    "a type specification",
    lambda c: layer(c, "dense")["config"].update(
        units={"class_name": "__typespec__", "spec_name": "x", "module": "os", "config": []}
    ),
)
config_case("an activation by dotted name", lambda c: layer(c, "dense")["config"].update(activation="os.system"))
config_case(
    "an operation as a layer", lambda c: layer(c, "dense").update(module="keras.src.ops.core", class_name="Map")
)


#: A loss or metric of a function, and what else a file may call the function.
for _i, _fn in enumerate(("eval", "os.system", ["eval"], *_named("os", "system"), LAMBDA, LAMBDA_3)):
    for _kind, _class, _key in (("metric", "MeanMetricWrapper", "metrics"), ("loss", "LossFunctionWrapper", "loss")):
        _record = {
            "module": f"keras.{'metrics' if _kind == 'metric' else 'losses'}",
            "class_name": _class,
            "config": {"name": "mine", "fn": _fn, "fn_module": "os", "module": "os"},
            "registered_name": None,
        }
        config_case(
            f"a {_kind} of a function of another module, way {_i}",
            lambda c, record=_record, key=_key: c["compile_config"].update({key: record}),
        )
config_case(
    "custom objects of the file's own",
    lambda c: layer(c, "dense")["config"].update(custom_objects={"Dense": "os.system"}),
)
for _class in ("Pass", "InputSpec", "Layer", "deserialize", "Input"):
    _record = {"module": "keras.layers", "class_name": _class, "config": {"outputs": [1]}, "registered_name": None}
    config_case(f"{_class} as a layer", lambda c, record=_record: layer(c, "dense").update(record))
    config_case(
        f"{_class} as an initializer",
        lambda c, record=_record: layer(c, "dense")["config"].update(kernel_initializer=record),
    )


def _legacy_lambda(file: Any) -> None:
    config = json.loads(file.attrs["model_config"])
    record = next(r for r in config["config"]["layers"] if r["name"] == "dense")
    record["class_name"] = "Lambda"
    record["config"] = {"name": "dense", "function": [_code(), None, None], "function_type": "lambda"}
    file.attrs["model_config"] = json.dumps(config)


legacy_case("a legacy Lambda layer", _legacy_lambda)

# -- sizes -----------------------------------------------------------------------------------

BAD_SIZES = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a huge integer": 10**30,
    "a large integer": 10**12,
    "more than the file holds": 10**5,
    "zero": 0,
    "a negative number": -3,
    "a text": "3",
    "a list": [3],
    "a record of data": {"class_name": "__numpy__", "config": {"value": [3], "dtype": "int32"}},
}
for _what, _size in BAD_SIZES.items():
    config_case(f"units: {_what}", lambda c, size=_size: layer(c, "dense")["config"].update(units=size))
    config_case(f"LSTM units: {_what}", lambda c, size=_size: layer(c, "memory")["config"].update(units=size))
    config_case(f"features: {_what}", lambda c, size=_size: layer(c, "x")["config"].update(batch_shape=[None, 4, size]))
    config_case(
        f"build shape: {_what}",
        lambda c, size=_size: layer(c, "dense").update(build_config={"input_shape": [None, size]}),
    )


def _stateful(batch: int) -> Callable[[dict[str, Any]], None]:
    """A layer that keeps a state of so many rows, which no weight accounts for."""

    def change(config: dict[str, Any]) -> None:
        for name in ("x", "masking"):
            layer(config, name)["build_config"] = None
        layer(config, "x")["config"]["batch_shape"] = [batch, 4, 3]
        layer(config, "memory")["config"]["stateful"] = True
        layer(config, "memory")["build_config"] = {"input_shape": [batch, 4, 3]}

    return change


config_case("states of a thousand million rows", _stateful(10**9))
config_case("states of 10**18 rows", _stateful(10**18))
config_case("a seed of 400 digits", lambda c: layer(c, "dropout")["config"].update(seed=10**400))
config_case("a rate that is NaN", lambda c: layer(c, "dropout")["config"].update(rate=float("nan")))
config_case("a class name of a million letters", lambda c: layer(c, "dense").update(class_name="D" * 1_000_000))
config_case(
    "an activation of a million letters", lambda c: layer(c, "dense")["config"].update(activation="relu" * 250_000)
)
for _dtype in ("object", "O", "U1000000000", "S1000000000", "V1000000000", "(1000000000,)f4", "f4,f4", 3, None, ["f4"]):
    _data = {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": _dtype}}
    config_case(
        f"an array of dtype {_dtype}", lambda c, data=_data: layer(c, "masking")["config"].update(mask_value=data)
    )
for _values in ([[1], [1, 2]], ["a"], {"a": 1}, [None], [10**400]):
    _data = {"class_name": "__tensor__", "config": {"value": _values, "dtype": "float32"}}
    config_case(
        f"an array of {str(_values)[:20]}", lambda c, data=_data: layer(c, "masking")["config"].update(mask_value=data)
    )

# -- graphs ----------------------------------------------------------------------------------


def _history(config: dict[str, Any], name: str) -> list[Any]:
    return layer(config, name)["inbound_nodes"][0]["args"][0]["config"]["keras_history"]


config_case("a loop", lambda c: _history(c, "flatten").__setitem__(0, "out"))
config_case("a layer that calls itself", lambda c: _history(c, "dense").__setitem__(0, "dense"))
config_case("a layer that is missing", lambda c: _history(c, "dense").__setitem__(0, "nowhere"))
config_case("a call that is missing", lambda c: _history(c, "dense").__setitem__(1, 7))
config_case("a call before the first", lambda c: _history(c, "dense").__setitem__(1, -1))
config_case("an output that is missing", lambda c: _history(c, "dense").__setitem__(2, 3))
config_case("a call that is NaN", lambda c: _history(c, "dense").__setitem__(1, float("nan")))
config_case("a name that is a list", lambda c: _history(c, "dense").__setitem__(0, ["flatten"]))
config_case("a layer twice", lambda c: c["config"]["layers"].append(layer(c, "dense")))
config_case("no layers", lambda c: c["config"].update(layers=[]))
config_case("layers that are numbers", lambda c: c["config"].update(layers=[1, 2]))
config_case("inputs that are missing", lambda c: c["config"].update(input_layers=["nowhere", 0, 0]))
config_case("outputs that are numbers", lambda c: c["config"].update(output_layers=3))
config_case("no inputs", lambda c: c["config"].pop("input_layers"))
config_case("calls that are texts", lambda c: layer(c, "dense").update(inbound_nodes=["x"]))
config_case("calls of neither generation", lambda c: layer(c, "dense").update(inbound_nodes=[{"args": 3}]))
config_case("a shared number that is another's", lambda c: _share(c))
config_case("a model that is a layer", lambda c: (c.update(layer(c, "dense")), c.pop("name"), c.pop("inbound_nodes")))
config_case("compile with other arguments", lambda c: c["compile_config"].update(callback=3))
config_case("compile with a text", lambda c: c.update(compile_config="adam"))
config_case("a name with a slash", lambda c: layer(c, "dense")["config"].update(name="../x"))


def _share(config: dict[str, Any]) -> None:
    layer(config, "dense")["config"]["kernel_initializer"]["shared_object_id"] = 1
    layer(config, "out")["shared_object_id"] = 1


def _chain(records: list[dict[str, Any]]) -> dict[str, Any]:
    config = {"name": "chain", "trainable": True, "layers": records}
    config |= {"input_layers": ["x", 0, 0], "output_layers": [records[-1]["name"], 0, 0]}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def _tensor(name: str, call: int = 0) -> dict[str, Any]:
    history = [name, call, 0]
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": history},
    }


def _input(size: int | None = 4) -> dict[str, Any]:
    config = {"batch_shape": [None, size], "dtype": "float32", "name": "x"}
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": config,
        "registered_name": None,
        "name": "x",
        "inbound_nodes": [],
    }


def _relu(name: str, *inputs: tuple[str, int]) -> dict[str, Any]:
    record = {
        "module": "keras.layers",
        "class_name": "ReLU",
        "config": {"name": name},
        "registered_name": None,
        "name": name,
    }
    return {**record, "inbound_nodes": [{"args": [_tensor(*given)], "kwargs": {}} for given in inputs]}


@case("laughs: models in models, each calling the next twenty times")
def _laughs(path: Path) -> None:
    inner = _chain([_input(None), _relu("end", ("x", 0))])
    for depth in range(9):
        name = f"level_{depth}"
        record = {**inner, "name": name, "config": {**inner["config"], "name": name}}
        calls = [("x", 0)] + [(name, call) for call in range(19)]
        record["inbound_nodes"] = [{"args": [_tensor(*given)], "kwargs": {}} for given in calls]
        inner = _chain([_input(4 if depth == 8 else None), record])
        inner["config"]["output_layers"] = [name, 20, 0]
    keras_file(path, inner)


@case("three thousand layers, in the wrong order")
def _reversed(path: Path) -> None:
    layers = [_relu(f"r{i}", (f"r{i - 1}" if i else "x", 0)) for i in range(3000)]
    keras_file(path, _chain([_input(), *layers[::-1], _relu("end", ("r2999", 0)), _relu("loop", ("loop", 0))]))


@case("thirty thousand objects")
def _many(path: Path) -> None:
    keras_file(path, _chain([_input(), *(_relu(f"r{i}", ("x", 0)) for i in range(30_000))]))


@case("a hundred and fifty models in models")
def _models(path: Path) -> None:
    inner: dict[str, Any] = {"module": "keras.layers", "class_name": "ReLU", "config": {}, "registered_name": None}
    for depth in range(150):
        config = {"name": f"s{depth}", "layers": [_input(), inner]}
        inner = {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
    keras_file(path, inner)


@case("masks of masks of masks")
def _masks(path: Path) -> None:
    def operation(kind: str, name: str, *arguments: Any) -> dict[str, Any]:
        record = {
            "module": "keras.src.ops.numpy",
            "class_name": kind,
            "config": {"name": name},
            "registered_name": kind,
        }
        return {**record, "name": name, "inbound_nodes": [{"args": list(arguments), "kwargs": {}}]}

    config = good_config()
    masks = [operation("NotEqual", "m0", _tensor("x"), 0.0)]
    masks += [operation("LogicalOr", f"m{i}", _tensor(f"m{i - 1}"), _tensor(f"m{i - 1}")) for i in range(1, 200)]
    config["config"]["layers"] += masks
    layer(config, "memory")["inbound_nodes"][0]["kwargs"]["mask"] = _tensor("m199")
    keras_file(path, config)


# -- JSON ------------------------------------------------------------------------------------

JSONS = {
    "no JSON": b"not json",
    "nothing": b"",
    "not UTF-8": b'{"class_name": "\xff\xfe"}',
    "a list": b"[1, 2]",
    "a number": b"3",
    "null": b"null",
    "deep lists": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep dicts": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "brackets that never close": b"[" * 1_000_000,
    "a quote that never closes": b'{"a": "' + b"\\" * 100_000,
    "a long integer": b'{"class_name": "Sequential", "config": ' + b"9" * 100_000 + b"}",
    "nine million bytes": b'{"a": "' + b"x" * 9_000_000 + b'"}',
    "eight million empty lists": b'{"a": [' + b"[]," * 2_600_000 + b"[]]}",
    "a key twice": b'{"class_name": "Sequential", "class_name": "Model", "config": {}}',
    "a key twice after many": b'{"a": {' + b"".join(b'"%d": 0, ' % i for i in range(400_000)) + b'"z": 0, "z": 1}}',
    "an empty record": b"{}",
    "a record without a class": b'{"config": {}}',
    "a record of null": b'{"class_name": null, "config": null}',
}
for _what, _text in JSONS.items():
    CASES[f"config.json: {_what}"] = (".keras", lambda path, text=_text: keras_file(path, text))
    if b"\xff" not in _text and _text:
        legacy_case(f"model_config: {_what}", lambda file, text=_text: file.attrs.__setitem__("model_config", text))
    if b"\xff" not in _text and _text:
        legacy_case(
            f"training_config: {_what}", lambda file, text=_text: file.attrs.__setitem__("training_config", text)
        )
    CASES[f"metadata.json: {_what}"] = (".keras", lambda path, text=_text: keras_file(path, **{"metadata.json": text}))

for _harmless in (
    "metadata.json: an empty record",
    "metadata.json: a record without a class",
    "metadata.json: a record of null",
):
    del CASES[_harmless]

# -- archives --------------------------------------------------------------------------------


def _good_members() -> dict[str, bytes]:
    return {
        "metadata.json": b"{}",
        "config.json": json.dumps(good_config()).encode(),
        "model.weights.h5": good_weights(),
    }


for _name in (
    "../escaped",
    "/etc/escaped",
    "assets/../../escaped",
    "..\\escaped",
    "C:\\escaped",
    "assets/./x",
):
    CASES[f"a member named {_name!r}"] = (
        ".keras",
        lambda path, name=_name: archive(path, {**_good_members(), name: b"x"}),
    )

for _member in ("config.json", "model.weights.h5"):

    @case(f"a bomb in {_member}")
    def _bomb(path: Path, member: str = _member) -> None:
        archive(path, {**_good_members(), member: bytes(64 << 20)}, zipfile.ZIP_DEFLATED)

    @case(f"{_member} twice")
    def _twice(path: Path, member: str = _member) -> None:
        import warnings

        with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
            warnings.simplefilter("ignore")
            for name, data in [*_good_members().items(), (member, b"x")]:
                file.writestr(name, data)

    @case(f"no {_member}")
    def _none(path: Path, member: str = _member) -> None:
        archive(path, {name: data for name, data in _good_members().items() if name != member})

    @case(f"a symbolic link as {_member}")
    def _link(path: Path, member: str = _member) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name, data in _good_members().items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (0o120777 if name == member else 0o100600) << 16
                file.writestr(info, b"/etc/passwd" if name == member else data)

    for _method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        CASES[f"{_member} compressed by method {_method}"] = (
            ".keras",
            lambda path, method=_method: archive(path, _good_members(), method),
        )

    @case(f"a folder as {_member}")
    def _as_folder(path: Path, member: str = _member) -> None:
        archive(path, {(f"{name}/" if name == member else name): data for name, data in _good_members().items()})


@case("a link in assets")
def _asset_link(path: Path) -> None:
    keras_file(path)
    with zipfile.ZipFile(path, "a") as file:
        info = zipfile.ZipInfo("assets/x")
        info.external_attr = 0o120777 << 16
        file.writestr(info, b"/etc/passwd")


@case("a thousand members")
def _thousand(path: Path) -> None:
    archive(path, {**_good_members(), **{f"assets/{i}": b"" for i in range(1000)}})


@case("twenty thousand members")
def _sixty_thousand(path: Path) -> None:
    archive(path, {**_good_members(), **{f"assets/{i}": b"" for i in range(20_000)}})


@case("weights as a pickle")
def _npz(path: Path) -> None:
    import io

    class Attack:
        def __reduce__(self) -> Any:
            return os.system, (TOUCH,)

    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([Attack()], dtype=object))
    members = _good_members()
    del members["model.weights.h5"]
    archive(path, {**members, "model.weights.npz": buffer.getvalue()})


def _patched(where: bytes, offset: int, value: bytes) -> Make:
    def make(path: Path) -> None:
        keras_file(path)
        data = bytearray(path.read_bytes())
        at = data.rfind(where)
        data[at + offset : at + offset + len(value)] = value
        path.write_bytes(data)

    return make


#: Offsets in the table of contents (APPNOTE 4.3.12) and at its end (4.3.16).
CASES["a member that claims 4 GB"] = (".keras", _patched(b"PK\1\2", 20, b"\xf0\xff\xff\xff\xf0\xff\xff\xff"))
CASES["a member that claims to expand"] = (".keras", _patched(b"PK\1\2", 24, b"\xf0\xff\xff\xff"))
CASES["a member that begins elsewhere"] = (".keras", _patched(b"PK\1\2", 42, b"\x40\0\0\0"))
CASES["a member of another name in its own header"] = (".keras", _patched(b"PK\3\4", 30, b"x"))
CASES["a member that overlaps another"] = (".keras", _patched(b"PK\1\2", 42, b"\0\0\0\0"))
CASES["an encrypted member"] = (".keras", _patched(b"PK\1\2", 8, b"\1\0"))
CASES["a wrong checksum"] = (".keras", _patched(b"PK\1\2", 16, b"\0\0\0\0"))
CASES["a table of contents of 4 GB"] = (".keras", _patched(b"PK\5\6", 12, b"\xf0\xff\xff\xff"))
CASES["a table of contents beyond the end"] = (".keras", _patched(b"PK\5\6", 16, b"\xf0\xff\xff\x7f"))
CASES["no archive"] = (".keras", lambda path: path.write_bytes(b"PK" + bytes(100)))
CASES["an empty file"] = (".keras", lambda path: path.write_bytes(b""))
CASES["an empty archive"] = (".keras", lambda path: archive(path, {}))
CASES["an HDF5 file as an archive"] = (".keras", lambda path: path.write_bytes(good_legacy()))
for _part in range(1, 10):
    CASES[f"an archive cut at {_part}0 %"] = (
        ".keras",
        lambda path, part=_part: _cut(path, keras_file(path).read_bytes(), part),
    )
    CASES[f"a legacy file cut at {_part}0 %"] = (".h5", lambda path, part=_part: _cut(path, good_legacy(), part))
    weights_case(f"weights cut at {_part}0 %", lambda part=_part: good_weights()[: len(good_weights()) * part // 10])


def _cut(path: Path, data: bytes, part: int) -> None:
    path.write_bytes(data[: len(data) * part // 10])


# -- HDF5 ------------------------------------------------------------------------------------


def _instead(path: str, make: Callable[[Any, str], Any]) -> Callable[[], bytes]:
    return lambda: replace_dataset(path, make)


def _link_to(target: Any) -> Callable[[Any, str], None]:
    return lambda group, name: group.__setitem__(name, target)


def _external(group: Any, name: str) -> None:
    group.create_dataset(name, KERNEL_SHAPE, "float32", external=[("/etc/passwd", 0, 96)])


def _virtual(group: Any, name: str) -> None:
    layout = h5py.VirtualLayout(KERNEL_SHAPE, "float32")
    layout[...] = h5py.VirtualSource("other.h5", "x", KERNEL_SHAPE)
    group.create_virtual_dataset(name, layout)


def _typed(dtype: Any) -> Callable[[Any, str], None]:
    return lambda group, name: group.create_dataset(name, KERNEL_SHAPE, dtype)


def _committed(group: Any, name: str) -> None:
    group["type"] = np.dtype("float32")
    group.create_dataset(name, data=KERNEL_VALUES, dtype=group["type"])
    del group["type"]


def _options(**options: Any) -> Callable[[Any, str], None]:
    return lambda group, name: group.create_dataset(name, data=KERNEL_VALUES, **options)


for _path, _where in (
    (KERNEL, "a weight"),
    ("layers/dense/vars", "a layer"),
    ("layers", "all layers"),
    ("optimizer/vars/0", "an optimizer's variable"),
):
    weights_case(f"a soft link for {_where}", _instead(_path, _link_to(h5py.SoftLink("/layers/dense_1/vars/0"))))
    weights_case(f"an external link for {_where}", _instead(_path, _link_to(h5py.ExternalLink("/etc/passwd", "/x"))))
weights_case("external data", _instead(KERNEL, _external))
weights_case("a virtual dataset", _instead(KERNEL, _virtual))
for _dtype in (
    h5py.string_dtype(),
    h5py.vlen_dtype(np.int32),
    h5py.ref_dtype,
    h5py.regionref_dtype,
    "S5",
    "V4",
    [("a", "f4"), ("b", "i8")],
    h5py.enum_dtype({"A": 0, "B": 1}),
    "(3,)f4",
    "complex64",
):
    weights_case(f"elements of type {str(_dtype)[:40]}", _instead(KERNEL, _typed(_dtype)))
weights_case("a named datatype", _instead(KERNEL, _committed))
weights_case("compressed", _instead(KERNEL, _options(compression="gzip")))
weights_case("compressed by lzf", _instead(KERNEL, _options(compression="lzf")))
weights_case("shuffled", _instead(KERNEL, _options(shuffle=True)))
weights_case("with checksums", _instead(KERNEL, _options(fletcher32=True)))
weights_case("scaled", _instead(KERNEL, _options(scaleoffset=3)))
weights_case("chunked", _instead(KERNEL, _options(chunks=(6, 1))))
weights_case("a shape that grows", _instead(KERNEL, _options(maxshape=(None, 2))))
weights_case(
    "a shape bomb",
    _instead(
        KERNEL, lambda g, n: g.create_dataset(n, (1 << 20, 1 << 20), "float64", chunks=(1024, 1024), compression="gzip")
    ),
)
weights_case(
    "a shape that nothing backs", _instead(KERNEL, lambda g, n: g.create_dataset(n, (1 << 20, 1 << 12), "float32"))
)
weights_case("another shape", _instead(KERNEL, lambda g, n: g.create_dataset(n, data=KERNEL_VALUES.T)))
weights_case("a group for a weight", _instead(KERNEL, lambda g, n: g.create_group(n)))
weights_case(
    "a weight for a group", _instead("layers/dense/vars", lambda g, n: g.create_dataset(n, data=KERNEL_VALUES))
)
weights_case("one weight more", lambda: hdf5(lambda f: f["layers/dense/vars"].__setitem__("2", 3.0), good_weights()))
weights_case("one weight less", lambda: hdf5(lambda f: f["layers/dense/vars"].__delitem__("1"), good_weights()))
weights_case("weights named otherwise", lambda: hdf5(lambda f: f["layers/dense/vars"].move("1", "7"), good_weights()))
weights_case("no layers", lambda: hdf5(lambda f: f.__delitem__("layers"), good_weights()))
weights_case("nothing", lambda: hdf5(lambda f: None))
weights_case("a group inside itself", _instead("layers/dense/vars", lambda g, n: g.__setitem__(n, g)))
weights_case("the newest format", lambda: hdf5(_copy_good, libver="latest"))
weights_case("a user block", lambda: bytes(512) + good_weights())
weights_case("no HDF5", lambda: b"x" * 5000)
weights_case("only a signature", lambda: b"\x89HDF\r\n\x1a\n")


def _copy_good(file: Any) -> None:
    import io

    with h5py.File(io.BytesIO(good_weights())) as good:
        for key in good:
            good.copy(key, file)


def _at(data: bytes, where: bytes, offset: int, value: bytes | int) -> bytes:
    """Replace bytes behind a signature; -1 stands for the signature's own address."""
    at = data.index(where)
    raw = (at if value == -1 else value).to_bytes(8, "little") if isinstance(value, int) else value
    return data[: at + offset] + raw + data[at + offset + len(raw) :]


for _what, _signature, _offset, _value in (
    ("a tree that is its own child", b"TREE", 32, -1),
    ("a tree of the highest level", b"TREE", 5, b"\xff"),
    ("a tree with a child far away", b"TREE", 32, 1 << 62),
    ("a table that claims 65,535 names", b"SNOD", 6, b"\xff\xff"),
    ("a heap of 2**63 bytes", b"HEAP", 8, 1 << 63),
    ("a heap at the end of the world", b"HEAP", 24, (1 << 64) - 1),
    ("a root that is nowhere", b"\x89HDF", 64, b"\xff" * 8),
):
    weights_case(_what, lambda where=(_signature, _offset, _value): _at(good_weights(), *where))

#: Offsets in a fractal heap (III.G), its blocks and the B-tree of its names (III.A.2).
for _what, _signature, _offset, _value in (
    ("a heap with filters", b"FRHP", 7, b"\1"),
    ("a heap of blocks of another size", b"FRHP", 112, 1 << 40),
    ("a heap whose block is nowhere", b"FRHP", 132, (1 << 64) - 1),
    ("a heap whose block is the heap", b"FRHP", 132, -1),
    ("a heap of 65,535 rows", b"FRHP", 140, b"\xff\xff"),
    ("a block that is none", b"FHDB", 0, b"FHIB"),
    ("a tree of 65,535 levels", b"BTHD", 12, b"\xff\xff"),
    ("a tree whose root is nowhere", b"BTHD", 16, (1 << 64) - 1),
    ("a tree whose root is the tree", b"BTHD", 16, -1),
    ("a tree of 65,535 records", b"BTHD", 24, b"\xff\xff"),
    ("a tree without records", b"BTHD", 24, b"\0\0"),
    ("a tree of attributes", b"BTHD", 5, b"\x08"),
    ("nodes of 4 GB", b"BTHD", 6, b"\xff\xff\xff\xff"),
    ("a name apart from the heap", b"BTLF", 10, b"\x10"),
    ("a name at the end of the world", b"BTLF", 11, b"\xff\xff\xff\xff"),
    ("a name of 65,535 bytes", b"BTLF", 15, b"\xff\xff"),
    ("a name in the head of its block", b"BTLF", 11, b"\0\0\0\0"),
):
    CASES[f"dense links: {_what}"] = (
        ".h5",
        lambda path, where=(_signature, _offset, _value): path.write_bytes(_at(good_dense(), *where)),
    )


for _what, _target in (
    ("a soft link", h5py.SoftLink("/model_weights/out")),
    ("an external link", h5py.ExternalLink("/etc/passwd", "/")),
):
    CASES[f"dense links: {_what}"] = (
        ".h5",
        lambda path, target=_target: path.write_bytes(
            hdf5(lambda file: file["model_weights"].__setitem__("ß", target), good_dense())
        ),
    )


@case("dense links: a tree of one record over and over", ".h5")
def _repeated_record(path: Path) -> None:
    data = good_dense()
    at = data.index(b"BTLF") + 6
    path.write_bytes(_at(data, b"BTLF", 6, data[at : at + 11] * 2))


# -- legacy files ----------------------------------------------------------------------------


def _edit(key: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Any], None]:
    def write(file: Any) -> None:
        config = json.loads(file.attrs[key])
        change(config)
        file.attrs[key] = json.dumps(config)

    return write


legacy_case("legacy: no model_config", lambda f: f.attrs.__delitem__("model_config"))
legacy_case("legacy: model_config is an array", lambda f: f.attrs.__setitem__("model_config", np.arange(3)))
legacy_case("legacy: no weights", lambda f: f.__delitem__("model_weights"))
legacy_case("legacy: a class that is none", _edit("model_config", lambda c: c.update(class_name="os.system")))
legacy_case(
    "legacy: an optimizer that is none",
    _edit("training_config", lambda c: c["optimizer_config"].update(class_name="Custom>system")),
)
legacy_case("legacy: a loss that is a lambda", _edit("training_config", lambda c: c.update(loss=LAMBDA)))
legacy_case(
    "legacy: a loss of another module", _edit("training_config", lambda c: c.update(loss=_named("os", "system")[2]))
)
legacy_case(
    "legacy: units",
    _edit(
        "model_config",
        lambda c: next(r for r in c["config"]["layers"] if r["name"] == "dense")["config"].update(units=10**9),
    ),
)
legacy_case(
    "legacy: a name that leads out",
    lambda f: f["model_weights/dense"].attrs.__setitem__("weight_names", [b"../out/out/kernel", b"dense/bias"]),
)
legacy_case(
    "legacy: a name from the root",
    lambda f: f["model_weights/dense"].attrs.__setitem__(
        "weight_names", [b"/model_weights/out/out/kernel", b"dense/bias"]
    ),
)
legacy_case("legacy: names of numbers", lambda f: f["model_weights"].attrs.__setitem__("layer_names", np.arange(3)))
legacy_case("legacy: one name for all", lambda f: f["model_weights"].attrs.__setitem__("layer_names", "dense"))
legacy_case("legacy: fewer layers", lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"dense"]))
legacy_case(
    "legacy: a soft link",
    lambda f: (
        f["model_weights"].move("dense", "old"),
        f["model_weights"].__setitem__("dense", h5py.SoftLink("/model_weights/old")),
    ),
)
legacy_case(
    "legacy: an external link",
    lambda f: (f.__delitem__("model_weights"), f.__setitem__("model_weights", h5py.ExternalLink("/etc/passwd", "/"))),
)


@case("legacy: one text a hundred thousand times", ".h5")
def _amplified(path: Path) -> None:
    """Every name refers to one object of a megabyte: 100 GB of text in 3 MB."""
    data = bytearray(
        hdf5(
            lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"y" * 60_000] + [b"z"] * 3000),
            good_legacy(),
        )
    )
    # In the attribute, a text is its length, the address of its heap, and its number there.
    at = data.index((60_000).to_bytes(4, "little"))
    reference = bytes(data[at : at + 16])
    for i in range(1, 3001):
        data[at + 16 * i : at + 16 * (i + 1)] = reference
    path.write_bytes(data)
