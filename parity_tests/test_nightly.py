"""The nightly campaign: what is owed is run, what was run is written down, and what fails is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from parity_tests.engines import BACKEND
from parity_tests.nightly import (
    XLA_FLAGS,
    Campaign,
    Record,
    Tally,
    keep_one_context,
    main,
    report,
    variables,
    without_folder,
)

pytest_plugins = ["pytester"]

PROPERTIES = """
import pytest
from hypothesis import assume, given, settings, strategies as st

@pytest.mark.parametrize("unit", [1, 2])
@settings(max_examples=20, database=None)
@given(st.integers(), st.integers())
def test_holds(unit, a, b):
    assume(a != b)
    assert a * unit != b * unit

@settings(max_examples=20, database=None)
@given(st.booleans())
def test_has_two(value):
    pass

@settings(max_examples=20, database=None)
@given(st.integers())
def test_fails(a):
    assert a < 100

@pytest.mark.skip(reason="not here")
@given(st.integers())
def test_is_skipped(a):
    pass

def test_that_is_no_property():
    raise RuntimeError("is not to run")
"""


@pytest.fixture
def night(pytester):
    pytester.makepyfile(test_some=PROPERTIES)
    path = pytester.path / "nightly" / "keras@numpy.json"

    def run(seconds=60.0, goal=60, paths=(), **properties):
        if properties:
            pytester.makepyfile(**properties)
        campaign = Campaign(Record(path, goal), 20, seconds)
        result = pytester.inline_run("-p", "no:cacheprovider", "-p", "no:xdist", *paths, plugins=[campaign])
        tallies = {name.split("::")[1]: Tally(**t) for name, t in json.loads(path.read_text()).items()}
        # What an example costs is the machine's.
        return int(result.ret), {name: replace(tally, cost=bool(tally.cost)) for name, tally in tallies.items()}

    return run, path


def test_a_night_stops_where_its_process_has_grown_too_large(pytester):
    """What was run by then is written down, and it says that something is still owed."""
    pytester.makepyfile(test_some=PROPERTIES)
    for memory, full in ((0, True), (2**50, False)):
        campaign = Campaign(Record(pytester.path / f"{memory}.json", 20), 20, 60.0, memory)
        pytester.inline_run("-p", "no:cacheprovider", "-p", "no:xdist", plugins=[campaign])
        assert campaign.full is full
        assert (sum(tally.examples for tally in campaign.record.tallies.values()) == 0) is full


def test_a_night_goes_on_in_a_new_process(monkeypatch):
    """For the minutes that are left, with the same files and instalments."""
    started = []
    monkeypatch.setattr("os.execv", lambda path, command: started.append(command) or pytest.fail("went on here"))
    monkeypatch.setattr("pytest.main", lambda flags, plugins: setattr(plugins[0], "full", True) or 0)
    monkeypatch.setattr("os.environ", {"REFKERAS_ENGINE": "keras@numpy"})
    with pytest.raises(pytest.fail.Exception, match="went on here"):
        main(["--minutes", "3", "--instalment", "7", "parity_tests/test_some.py"])
    (command,) = started
    assert command[1:4] == ["-m", "parity_tests.nightly", "--minutes"]
    assert 2.9 < float(command[4]) <= 3
    assert command[5:] == ["--instalment", "7", "parity_tests/test_some.py"]


def test_each_gets_what_it_is_owed(night):
    run, path = night
    status, tallies = run()
    assert status == 1
    failed = tallies.pop("test_fails")
    assert failed.examples == 0
    assert "100" in failed.failure
    assert "\n".join(failed.example[:3]).endswith(": test_fails(\n    a=100,\n)")
    assert "@reproduce_failure(" in failed.example[-1]
    assert tallies == {
        "test_holds[1]": Tally(60, cost=True),
        "test_holds[2]": Tally(60, cost=True),
        "test_has_two": Tally(2, exhausted=True, cost=True),
    }
    assert list(path.parent.iterdir()) == [path]


def test_it_goes_on_where_it_ended_and_tries_what_failed_again(night):
    run, _ = night
    run(goal=20)
    mended = PROPERTIES.replace("a < 100", "a == a").replace("[1, 2]", "[2, 3]")
    status, tallies = run(goal=40, test_some=mended)
    assert status == 0
    assert tallies == {
        "test_holds[2]": Tally(40, cost=True),
        "test_holds[3]": Tally(40, cost=True),
        "test_has_two": Tally(2, exhausted=True, cost=True),
        "test_fails": Tally(40, cost=True),
    }


def test_a_night_of_some_files_leaves_the_others_record(night, pytester):
    run, path = night
    path.parent.mkdir()
    kept = {"examples": 7, "failure": "AssertionError", "cost": 25, "example": ["Falsifying example: test()"]}
    pytester.makepyfile(other="")
    path.write_text(json.dumps({f"{name}::test": kept for name in ("other.py", "gone.py", "test_some.py")}))
    run(goal=20)
    tallies = json.loads(path.read_text())
    assert tallies["other.py::test"] == kept
    assert not {"gone.py::test", "test_some.py::test"} & set(tallies)


def test_a_night_of_one_test_leaves_the_others_of_its_file(night):
    run, _ = night
    run(goal=20)
    _, tallies = run(goal=40, paths=["test_some.py::test_has_two", "test_some.py::test_holds[2]"])
    assert set(tallies) == {"test_holds[1]", "test_holds[2]", "test_has_two", "test_fails"}
    assert (tallies["test_holds[1]"].examples, tallies["test_holds[2]"].examples) == (20, 40)


def test_each_example_of_several_failures_is_kept(night):
    run, _ = night
    two = PROPERTIES.replace("assert a < 100", "assert a < 100\n    if a < -100: raise ValueError(a)")
    _, tallies = run(goal=20, test_some=two)
    assert {"    a=100,", "    a=-101,"} < set(tallies["test_fails"].example)


def test_no_instalment_begins_when_the_time_is_over(night, pytester):
    run, path = night
    path.parent.mkdir()
    path.write_text(json.dumps({"test_some.py::test_holds[1]": {"examples": 7, "exhausted": False, "failure": ""}}))
    status, tallies = run(seconds=-1.0)
    assert status == 0
    assert tallies == {"test_holds[1]": Tally(7)}


def test_what_cannot_be_collected_fails(night, pytester):
    run, path = night
    path.parent.mkdir()
    path.write_text("{}")
    status, tallies = run(test_some="import there_is_no_such_module")
    assert status != 0
    assert tallies == {}


def test_the_time_that_is_left():
    assert Tally(500, cost=123_456).time_left() == 1_172.832  # 9,500 times 0.123456 s
    assert Tally(500, exhausted=True, cost=123_456).time_left() == Tally(10_000, cost=123_456).time_left() == 0


def test_the_report_counts(tmp_path):
    record = Record(tmp_path / "keras@jax.json")
    record.tallies = {
        "a": Tally(10_000),
        "b": Tally(3, exhausted=True),
        "c": Tally(500, cost=100_000),
        "d": Tally(1_000, failure="AssertionError", cost=100_000),
        "e": Tally(1_000, cost=700_000),
    }
    record.keep()
    # 9,500 examples of 0.1 s, and 9,000 of 0.7 s.
    assert report(tmp_path).splitlines()[-1] == "| keras@jax | 5 | 12,503 | 500 | 2 | 1 | 2.0 |"


@pytest.mark.parametrize("place", ["refkeras/ops/lstm.py", "parity_tests/agreement.py", "site-packages/keras/src/a.py"])
def test_a_failure_is_told_without_the_folder(place):
    assert without_folder(f"/some/where/{place}:3: ValueError: 1 /x") == f"{place}:3: ValueError: 1 /x"
    assert without_folder("ValueError: /x/refkeras/") == "ValueError: /x/refkeras/"


def test_xla_compiles_in_haste_unless_it_is_told_how(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert variables("keras@jax", 7)["XLA_FLAGS"] == XLA_FLAGS
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    assert variables("keras@jax", 7)["XLA_FLAGS"] == "--xla_dump_to=x"
    assert "XLA_FLAGS" not in variables("keras@tensorflow", 7)


@pytest.mark.skipif(BACKEND != "jax", reason="patches JAX")
def test_programs_share_a_context(monkeypatch):
    import jax
    from jax._src.interpreters import mlir

    def context(size):
        return jax.jit(lambda x: x + 1).lower(np.zeros(size)).compiler_ir().context

    assert context(2) != context(3)
    monkeypatch.setattr(mlir, "make_ir_context", mlir.make_ir_context)
    keep_one_context()
    assert context(4) == context(5)
