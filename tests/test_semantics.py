"""Presets, what `use` and `diff` do, and the page made of them."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest

from refkeras import semantics

DOCS = Path(__file__).parent.parent / "docs"


def generator():
    spec = importlib.util.spec_from_file_location("semantics_page", DOCS / "semantics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current():
    """`python docs/semantics.py` writes it."""
    assert (DOCS / "semantics.md").read_text(encoding="utf-8") == generator().page()


def test_the_page_has_every_field():
    listed = [name for _, names in generator().sections() for name in names]
    assert listed == [item.name for item in dataclasses.fields(semantics.Semantics) if item.name != "name"]


def test_differences_print_as_a_table():
    found = semantics.diff("keras-3@torch", "keras-3@numpy")
    assert found["rng"][:2] == ("mt19937", "pcg64")
    text = str(found).splitlines()
    assert text[0].split() == ["keras-3@torch", "keras-3@numpy"]
    assert any(line.split() == ["rng", "'mt19937'", "'pcg64'"] for line in text)
    assert all(line.startswith("    ") for line in text[2::2] if line.split()[0] not in found)
    assert repr(found) == str(found)


def test_nothing_differs_from_itself():
    for name in semantics.PRESETS:
        assert semantics.diff(name, name) == {}
        assert str(semantics.diff(name, name)) == f"{name} and {name} do not differ."


def test_what_is_not_permitted():
    with pytest.raises(ValueError, match="keras-3@tensorflow"):
        semantics.diff("keras-3@tensorflw", "tf_keras")
    with pytest.raises(ValueError, match="argmax_of_nan"):
        semantics.Semantics(argmax_of_nan="sometimes")


def test_fields_take_only_the_values_that_some_preset_has():
    """A value that no engine has would be a rule that nothing can show."""
    for item in dataclasses.fields(semantics.Semantics):
        if item.name != "name":
            seen = {repr(getattr(preset, item.name)) for preset in semantics.PRESETS.values()}
            assert {repr(value) for value in item.metadata["values"]} <= seen, item.name
