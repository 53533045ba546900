"""`model_to_dot`'s graphs, letter by letter, against Keras 3 and tf_keras."""

from __future__ import annotations

import contextlib

import pytest

import refkeras
from parity_tests.engines import ENGINES, both_kerases, keras, tf_keras
from parity_tests.model_zoo import ZOO, built, numbered
from parity_tests.shows import shows
from refkeras import semantics

both = pytest.mark.parametrize("engine", ENGINES)

OPTIONS = [
    {},
    {"show_shapes": True},
    {"show_shapes": True, "show_dtype": True, "show_layer_names": False, "rankdir": "LR", "dpi": 40},
    {"show_layer_activations": True, "show_trainable": True},
    {"show_shapes": True, "show_dtype": True, "show_layer_activations": True, "show_trainable": True},
    {"expand_nested": True},
    {"expand_nested": True, "show_shapes": True, "subgraph": True},
]


def graph(k, model, **options):
    try:
        return numbered(k.utils.model_to_dot(model, **options).to_string())
    except IndexError:  # Keras 3 stumbles over a nested model that is given a mask
        return IndexError


@shows("plot_style")
@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`", "ignore:Layer .* was passed an input with a mask")
@both
@pytest.mark.parametrize("name", ZOO)
def test_graphs(engine, name):
    with semantics.use(engine):
        theirs, ours = built(ENGINES[engine], ZOO[name]), built(refkeras, ZOO[name])
        for options in OPTIONS:
            assert graph(refkeras, ours, **options) == graph(ENGINES[engine], theirs, **options), options


@pytest.mark.parametrize("make", ["branches", "dense", "sequential"])
@both_kerases
@pytest.mark.parametrize("layer_range", [("a", "right"), ("right", "second"), ["second", "a"], ("dense.*", "first")])
def test_layer_range(make, layer_range):
    def run(k):
        try:
            return graph(k, built(k, ZOO[make]), layer_range=layer_range)
        except (AssertionError, ValueError) as error:
            return type(error)

    with semantics.use("tf_keras"):
        assert run(refkeras) == run(tf_keras)


def test_splines():
    ours, theirs = (graph(k, built(k, ZOO["shared"]), splines="curved") for k in (refkeras, keras))
    assert ours == theirs


def outcome(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as error:
        return type(error)
    return None


@both
@pytest.mark.parametrize(
    "options",
    [
        {"layer_range": ("a", "b")},
        {"layer_range": ("dense",)},
        {"layer_range": None},
        {"splines": "line"},
        {"show_shape": True},
    ],
)
def test_arguments(engine, options):
    def run(k):
        return outcome(k.utils.model_to_dot, ZOO["dense"](k), **options)

    with semantics.use(engine):
        assert run(refkeras) == run(ENGINES[engine])


@both
def test_a_model_that_is_not_built(engine):
    def run(k):
        return outcome(k.utils.model_to_dot, k.Sequential([k.layers.Dense(3)]))

    with semantics.use(engine):
        assert run(refkeras) is run(ENGINES[engine]) is ValueError


@both
def test_pictures(engine, tmp_path):
    """The same bytes: graphviz drew the same graph."""
    for name, k in (("theirs", ENGINES[engine]), ("ours", refkeras)):
        with semantics.use(engine):
            k.utils.plot_model(built(k, ZOO["returned_states"]), tmp_path / f"{name}.png", show_shapes=True)
            # Drawn; then, where IPython is installed, it refuses to show a file without an extension.
            with contextlib.suppress(ValueError):
                k.utils.plot_model(built(k, ZOO["dense"]), str(tmp_path / name))
    assert (tmp_path / "ours.png").read_bytes() == (tmp_path / "theirs.png").read_bytes()
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


@both_kerases
@both
@pytest.mark.parametrize("missing", ["pydot", "graphviz"])
def test_without_pydot_or_graphviz(engine, missing, monkeypatch):
    from keras.src.utils import model_visualization as keras_3
    from tf_keras.src.utils import vis_utils as tf

    from refkeras.utils import model_visualization as ours

    for module in (keras_3, tf, ours):
        if missing == "pydot":
            monkeypatch.setattr(module, "check_pydot", lambda: False)
        monkeypatch.setattr(module, "check_graphviz", lambda: False)
    with semantics.use(engine):
        texts = []
        for k in (ENGINES[engine], refkeras):
            model = ZOO["dense"](k)
            with pytest.raises(ImportError) as caught:
                k.utils.plot_model(model)
            texts.append(str(caught.value))
            assert outcome(k.utils.model_to_dot, model) == (ImportError if missing == "pydot" else None)
    assert texts[0] == texts[1]
