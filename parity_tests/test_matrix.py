"""The table of engines: whole runs are counted, file by file, and the page holds what was recorded."""

from __future__ import annotations

import json

import pytest

from parity_tests import matrix, nightly, pages

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError

@pytest.mark.parametrize("a", [1, 2, 3])
def test_passes(a): pass

def test_fails(): assert False

def test_has_no_fixture(broken): pass

def test_is_skipped(): pytest.skip("not here")
"""


@pytest.fixture
def run(pytester):
    path = pytester.path / "matrix" / "keras@jax.json"

    def run(*arguments, **files):
        if files:
            pytester.makepyfile(**files)
        pytester.inline_run("-p", "no:cacheprovider", "-p", "no:xdist", *arguments, plugins=[matrix.Results(path)])
        return json.loads(path.read_text()) if path.exists() else None

    return run


def test_counts_of_a_whole_run(run):
    counts = run(test_some=TESTS, test_others="def test(): pass")
    assert counts == {"others": {"passed": 1}, "some": {"passed": 3, "failed": 2, "skipped": 1}}


def test_a_run_of_some_files_leaves_the_others(run):
    run(test_some=TESTS, test_others="def test(): pass")
    more = "def test_one(): pass\n\ndef test_two(): pass"
    assert run("test_others.py", test_others=more)["others"] == {"passed": 2}
    assert run("test_others.py::test_one")["others"] == {"passed": 2}  # not the whole file
    assert run("test_others.py")["some"] == {"passed": 3, "failed": 2, "skipped": 1}
    assert run("-k", "others")["others"] == {"passed": 2}


def test_a_run_that_was_cut_short_is_not_recorded(run):
    assert run(test_some='import pytest\n\ndef test(): pytest.exit("stop")') is None
    assert run(test_some="import there_is_no_such_module") is None


def test_the_table(tmp_path):
    def record(name, **counts):
        (tmp_path / f"{name}.json").write_text(json.dumps(counts))

    record("keras@jax-gpu", losses={"passed": 7})
    record("keras@torch", losses={"passed": 1234, "failed": 2}, data={"skipped": 3})
    record("keras@tensorflow-jit", losses={"passed": 20, "skipped": 1}, data={"passed": 4}, run={"failed": 1})
    assert matrix.table(tmp_path).splitlines() == [
        "| file | jit | PyTorch | keras@jax-gpu |",
        "|---|---|---|---|",
        "| data | 4 | – | – |",
        "| losses | 20 | 1,234, 2 failed | 7 |",
        "| run | 0, 1 failed | – | – |",
        "| **all** | 24, 1 failed | 1,234, 2 failed | 7 |",
    ]


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "keras@tensorflow"),
        ({"KERAS_BACKEND": "torch"}, "keras@torch"),
        ({"REFKERAS_ENGINE": "keras@jax", "REFKERAS_DEVICE": "gpu"}, "keras@jax-gpu"),
        (
            {"REFKERAS_ENGINE": "keras@tensorflow", "REFKERAS_MODE": "jit", "REFKERAS_DEVICE": "cpu"},
            "keras@tensorflow-jit",
        ),
    ],
)
def test_name_of_a_run(environ, name):
    assert matrix.name_of_run(environ) == name


@pytest.mark.parametrize("made", [matrix.table, nightly.report])
def test_the_page_holds_what_is_recorded(made):
    assert made() in pages.ENGINES.read_text()


def test_a_table_takes_the_place_of_the_one_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c | d |\n|---|---|\n\nEnd.\n")
    pages.put_table("| a | e | f |\n|---|---|---|\n| 3 | 4 | 5 |", page)
    assert page.read_text() == "# Page\n\n| a | e | f |\n|---|---|---|\n| 3 | 4 | 5 |\n\n| c | d |\n|---|---|\n\nEnd.\n"
    for table in "| b | c |", "|---|":
        with pytest.raises(ValueError, match="tables that begin with"):
            pages.put_table(table, page)
