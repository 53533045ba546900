"""No tolerance by taste: numbers are compared here with error bars (`parity_tests/agreement.py`) or to the bit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
#: What takes a tolerance, or has one of its own.
LOOSE = {
    *("allclose", "isclose", "approx", "assert_allclose", "assert_almost_equal", "assert_array_almost_equal"),
    *("assert_approx_equal", "assert_array_almost_equal_nulp", "assert_array_max_ulp"),
}
#: Distances in units in the last place, which are held against a claim.
DISTANCES = {"units_apart"}
#: A number that stands as a bound in a comparison and is no larger than this is taken for a tolerance.
SMALL = 0.02
#: File and name → why it may stay.
ALLOWED = {
    ("replay/draws.py", "units_apart"): "defines it, and the claims of docs/random.md on normal draws",
    ("test_random.py", "units_apart"): "holds those claims, and shows that it can tell",
    ("test_random_engines.py", "units_apart"): "holds those claims",
}


def tolerances(source: str) -> Iterator[str]:
    """Name each tolerance that a Python source has."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in LOOSE | DISTANCES:
                yield name
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.name in LOOSE)
        elif isinstance(node, ast.Call):
            if "round" in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                digits = node.args[isinstance(node.func, ast.Name) :]
                if digits and isinstance(digits[0], ast.Constant):
                    yield f"rounded to {digits[0].value} digits"
        elif isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops
        ):
            for side in (node.left, *node.comparators):
                yield from (ast.unparse(part) for part in ast.walk(side) if 0 < _constant(part) <= SMALL)


def _constant(node: ast.AST) -> float:
    """The number that an expression of literals is, like 3 * 2.0**-24; 0 for another expression."""
    if not isinstance(node, ast.Constant | ast.BinOp):
        return 0.0
    if any(
        not isinstance(part, ast.Constant | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop)
        for part in ast.walk(node)
    ):
        return 0.0
    value = eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}})  # literals and operators alone
    return float(value) if isinstance(value, (int, float)) else 0.0


def test_no_tolerance_by_taste():
    found = {
        (path.relative_to(FOLDER).as_posix(), name)
        for path in sorted(FOLDER.rglob("*.py"))
        if path != Path(__file__)
        for name in tolerances(path.read_text(encoding="utf-8"))
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer there: take them from the list"


@pytest.mark.parametrize(
    "source",
    [
        "assert np.allclose(a, b)",
        "assert a == pytest.approx(b)",
        "from pytest import approx",
        "np.testing.assert_allclose(a, b, rtol=1e-5)",
        "assert math.isclose(a, b)",
        "assert abs(a - b) < 1e-5",
        "assert 3 * 2.0**-24 >= abs(a / b - 1)",
        "assert a < b + 1e-6",
        "assert a.round(5).tolist() == b.round(5).tolist()",
        "assert round(a, 5) == round(b, 5)",
        "assert np.all(units_apart(a, b) <= 4)",
    ],
)
def test_a_tolerance_is_found(source):
    assert list(tolerances(source))


@pytest.mark.parametrize(
    "source",
    [
        "assert_agrees(a, b)",
        "mask = rng.random(shape) < 0.3",
        "x = [1e-8, 2**-24]",
        "assert np.array_equal(a, machine.round(b))",
        "assert round(a) == b",
        "assert len(found) > 20",
        "assert (value == 1e-7) == (rule == 'exact')",
    ],
)
def test_what_is_none_is_left_alone(source):
    assert not list(tolerances(source))
