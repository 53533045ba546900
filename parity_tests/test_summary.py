"""`model.summary()`, character by character, against Keras 3 and tf_keras."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.emoji import Emoji
from rich.style import Style
from rich.text import Text

import refkeras
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, keras, trains
from parity_tests.model_zoo import ZOO, built, from_zoo
from parity_tests.shows import shows
from refkeras import semantics

both = pytest.mark.parametrize("engine", ENGINES)
pytestmark = [
    pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`"),
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask"),
]

OPTIONS = [
    {},
    {"show_trainable": True},
    {"expand_nested": True},
    {"expand_nested": True, "show_trainable": True, "line_length": 70},
    {"line_length": 120},
    {"line_length": 60, "positions": [0.25, 0.5, 0.75, 1.0]},
]


def text(model, **options):
    """What is printed, and how it reaches `print_fn`."""
    calls = []
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            model.summary(**options)
            model.summary(print_fn=calls.append, **options)
        except Exception as error:
            return type(error)
    return output.getvalue(), calls


@shows("summary_style", "masks_are_operations")
@both
@pytest.mark.parametrize("name", ZOO)
def test_summaries(engine, name, monkeypatch):
    with semantics.use(engine):
        theirs, ours = built(ENGINES[engine], ZOO[name]), built(refkeras, ZOO[name])
        for columns in (80, 160):
            monkeypatch.setenv("COLUMNS", str(columns))
            for options in OPTIONS:
                assert text(ours, **options) == text(theirs, **options), (columns, options)
        # Keras 3's operations on masks move layers apart, and with them their weights.
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
        assert [weight.shape for weight in ours.get_weights()] == [weight.shape for weight in theirs.get_weights()]


TERMINALS = [
    {"TERM": "xterm-256color"},
    {"TERM": "xterm"},
    {"TERM": "xterm", "COLORTERM": "truecolor"},
    {"TERM": "dumb"},
    {"TERM": "dumb", "LINES": "40"},
    {"TERM": "xterm-kitty"},
    {"TERM": "xterm-256color", "NO_COLOR": "1"},
    {"TERM": "xterm-256color", "FORCE_COLOR": ""},
    {"TERM": "xterm-256color", "TTY_COMPATIBLE": "0"},
]


@pytest.mark.parametrize("terminal", TERMINALS, ids=lambda item: "-".join(item.values()))
@pytest.mark.parametrize("name", ["branches", "returned_states", "frozen"])
def test_colours(name, terminal, monkeypatch):
    # rich keeps the escape codes of the first kind of terminal that it meets.
    Style.parse.cache_clear()
    Style._add.cache_clear()
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "LINES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {"COLUMNS": "90", "FORCE_COLOR": "1", **terminal}.items():
        monkeypatch.setenv(variable, value)
    theirs, ours = from_zoo(keras, name), from_zoo(refkeras, name)
    assert text(ours, show_trainable=True) == text(theirs, show_trainable=True)
    plain = {("TERM", "dumb"), ("TTY_COMPATIBLE", "0"), ("FORCE_COLOR", "")} & terminal.items()
    assert ("\x1b" in text(ours)[0]) != bool(plain)


words = st.text(st.characters(categories=("Lu", "Ll", "Nd"), max_codepoint=0x24F), min_size=1, max_size=30)
sentences = st.from_regex(r"[a-z]{1,9}([-_ \[\](){}.,:][a-z0-9]{1,9}){0,5}", fullmatch=True)
# tf_keras's names are TensorFlow's scopes.
scopes = st.from_regex(r"[a-z]{1,9}([-_.][a-zA-Z0-9]{1,9}){0,5}", fullmatch=True)
NAMES = {KERAS_3: st.one_of(words, sentences), "tf_keras": scopes}


@both
@given(
    data=st.data(),
    columns=st.integers(24, 130),
    length=st.one_of(st.none(), st.integers(30, 130)),
    branching=st.booleans(),
    show_trainable=st.booleans(),
)
def test_names_of_any_length(engine, data, columns, length, branching, show_trainable):
    names = data.draw(st.lists(NAMES[engine], min_size=2, max_size=4, unique=True))
    taken_for_markup = Text.from_markup if branching else Emoji.replace
    assume(all(str(taken_for_markup(name)) == name for name in names))  # test_names_that_are_markup
    assume(BACKEND != "torch" or not any("." in name for name in names[1:]))  # no name of a layer (docs/findings.md)
    if engine == "tf_keras" and length is not None:
        length = max(length, 60)  # in narrow columns it prints for ever

    def make(k):
        x = y = k.Input((3,), name="the_input")
        for name in names[1:]:
            y = k.layers.Dense(3, name=name)(y)
        return k.Model(x, [y, k.layers.ReLU(name="the_relu")(x)] if branching else y, name=names[0])

    with semantics.use(engine), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        theirs, ours = built(ENGINES[engine], make), built(refkeras, make)
        options = {"line_length": length, "show_trainable": show_trainable}
        assert text(ours, **options) == text(theirs, **options)


def test_names_that_are_markup(monkeypatch):
    """Keras 3 shows an emoji whose code is in a name, and of a layer before another no tag."""

    def make(k):
        x = k.Input((3,), name="x")
        y = k.layers.Dense(3, name="block:a:0")(x)
        z = k.layers.Dense(3, name="head[a]1")(x)
        return k.Model(x, k.layers.Concatenate()([y, z]))

    monkeypatch.setenv("COLUMNS", "100")
    theirs, ours = (text(make(k))[0] for k in (keras, refkeras))
    assert "block🅰0" in theirs and "block:a:0" not in theirs
    assert "head[a]1" in theirs and "head1" in theirs
    assert "block:a:0" in ours and "head[a]1" in ours and "head1" not in ours


@both
def test_layer_range(engine):
    with semantics.use(engine):
        theirs, ours = built(ENGINES[engine], ZOO["branches"]), built(refkeras, ZOO["branches"])
        for layer_range in (("a", "right"), ("right", "a"), ("dense.*", "first"), ("a",), (1, 2), ("a", "nothing")):
            assert text(ours, layer_range=layer_range) == text(theirs, layer_range=layer_range)


def test_too_narrow():
    theirs, ours = built(keras, ZOO["dense"]), built(refkeras, ZOO["dense"])
    for options in ({"line_length": 10}, {"positions": [0.1, 0.11, 1.0]}):
        assert text(ours, **options) is text(theirs, **options) is ValueError
    with semantics.use("tf_keras"):  # which would print for ever
        assert text(ours, **options) is ValueError


@both
def test_not_built(engine):
    def make(k):
        return k.Sequential([k.layers.Dense(3), k.layers.ReLU()])

    with semantics.use(engine):
        assert text(built(refkeras, make)) == text(built(ENGINES[engine], make))


@trains
@both
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_after_training(engine, optimizer):
    x, y = np.ones((4, 4), "float32"), np.ones((4, 2), "float32")

    def make(k):
        model = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])
        model.compile(optimizer, "mse")
        model.fit(x, y, verbose=0)
        return model

    with semantics.use(engine):
        assert text(built(refkeras, make)) == text(built(ENGINES[engine], make))


def test_without_interactive_logging(capsys, caplog):
    refkeras.utils.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", logger="refkeras"):
            built(refkeras, ZOO["dense"]).summary()
        assert "Layer (type)" in caplog.text
        assert capsys.readouterr().out == ""
    finally:
        refkeras.utils.enable_interactive_logging()


def test_an_output_without_box_characters(monkeypatch):
    import sys

    written = []
    for k in (keras, refkeras):
        raw = io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="latin-1"))
            built(k, ZOO["dense"]).summary()
            sys.stdout.flush()
            written.append(raw.getvalue())
    assert written[0] == written[1]
    assert b"+---" in written[0]
