"""Which engine runs, on what, and with how many examples; what the session left out is said at its end."""

from __future__ import annotations

import gc
import os
import tempfile
from collections import Counter
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# JAX as it comes has no 64-bit types, and what it makes without being told a dtype would be one (docs/findings.md);
# Keras's NumPy backend calls JAX, too, and needs them for its float64.
os.environ.setdefault("JAX_ENABLE_X64", "0" if os.environ["KERAS_BACKEND"] == "jax" else "1")
# JAX compiles every operation for every shape; a second run need not.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"refkeras-jax-{os.getuid()}"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
if os.environ.setdefault("REFKERAS_DEVICE", "cpu") == "cpu":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")

import pytest

from parity_tests import asked, profiles

profiles.load()
#: Why → how many tests were left out; and how many numbers of tests that ran.
LEFT_OUT = pytest.StashKey[Counter]()
NOT_COMPARED = pytest.StashKey[Counter]()
ENGINE = pytest.StashKey[set]()


def pytest_configure(config):
    if unknown := asked.problems(os.environ):
        raise pytest.UsageError(f"parity_tests: {'; '.join(unknown)}")
    config.addinivalue_line("markers", "tensorflow_only(reason): left out on Keras's other backends")
    config.addinivalue_line("markers", "differs(*backends, reason): cannot agree there")
    config.addinivalue_line("markers", "trains: fits a model, which Keras's NumPy backend does not")
    config.addinivalue_line("markers", "gpu: needs a GPU (REFKERAS_DEVICE=gpu)")
    config.stash[LEFT_OUT], config.stash[NOT_COMPARED] = Counter(), Counter()
    config.stash[ENGINE] = set()


def pytest_sessionstart(session):
    """Make sure that the engine, backend and device asked for are those that run; xdist's workers do it each."""
    from parity_tests import running

    config = session.config
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        return
    try:
        engine = running.verified()
    except RuntimeError as error:
        pytest.exit(f"parity_tests: {error}.", returncode=3)
    config.stash[ENGINE].add(engine)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(config, "workerinput"):
        reporter.write_line(f"engine: {engine}")


def pytest_collection_finish(session):
    set_aside()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    if nextitem is None or nextitem.path != item.path:
        set_aside()


def set_aside():
    """Have the garbage collector pass over what there is: modules, and what TensorFlow keeps of each file's models.

    Keras's clear_session collects garbage, and went through all of it in half a second each time: a quarter of the run.
    """
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session):
    """A worker tells what it ran on and what it left out."""
    from parity_tests import engines

    config = session.config
    config.stash[NOT_COMPARED].update(engines.NOT_COMPARED)
    if hasattr(config, "workeroutput"):
        config.workeroutput["engine"] = sorted(config.stash[ENGINE])
        config.workeroutput["left out"] = dict(config.stash[LEFT_OUT])
        config.workeroutput["not compared"] = dict(config.stash[NOT_COMPARED])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    output = getattr(node, "workeroutput", {})
    node.config.stash[ENGINE] |= set(output.get("engine", ()))
    node.config.stash[LEFT_OUT] |= Counter(output.get("left out", {}))  # every worker collects all tests
    node.config.stash[NOT_COMPARED] += Counter(output.get("not compared", {}))


def pytest_collection_modifyitems(config, items):
    """Leave out what only TensorFlow's process, or only a GPU, can show."""
    kept, out = [], []
    for item in items:
        reason = _reason_to_leave_out(item)
        (out if reason else kept).append(item)
        if reason:
            config.stash[LEFT_OUT][reason] += 1
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = kept


def _reason_to_leave_out(item):
    only = item.get_closest_marker("tensorflow_only")
    if only and os.environ["KERAS_BACKEND"] != "tensorflow":
        return only.kwargs["reason"]
    for mark in item.iter_markers("differs"):
        if os.environ["KERAS_BACKEND"] in mark.args:
            return mark.kwargs["reason"]
    if item.get_closest_marker("trains") and os.environ["KERAS_BACKEND"] == "numpy":
        return "Keras's NumPy backend does not train"
    if item.get_closest_marker("gpu") and os.environ["REFKERAS_DEVICE"] != "gpu":
        return "needs a GPU"
    return None


def pytest_terminal_summary(terminalreporter, config):
    for engine in sorted(config.stash[ENGINE]):
        terminalreporter.write_line(f"engine: {engine}")
    for reason, count in config.stash[LEFT_OUT].most_common():
        terminalreporter.write_line(f"left out: {count} tests: {reason}")
    for reason, count in config.stash[NOT_COMPARED].most_common():
        terminalreporter.write_line(f"not compared: {count} {reason}")


def pytest_generate_tests(metafunc):
    own = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "each_keras" in metafunc.fixturenames and "each_keras" not in own:
        from parity_tests.engines import ENGINES

        metafunc.parametrize("each_keras", ENGINES, indirect=True)


@pytest.fixture
def each_keras(request, monkeypatch, fresh_semantics):
    """The test runs once for each engine, which its module's `keras` is then, and whose semantics are in force."""
    from parity_tests.engines import ENGINES
    from refkeras import semantics

    monkeypatch.setattr(request.module, "keras", ENGINES[request.param])
    with semantics.use(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def fresh_semantics():
    """Every test starts and ends with the semantics of the engine beside it."""
    from parity_tests.engines import KERAS_3
    from refkeras import semantics

    with semantics.use(KERAS_3):
        yield


@pytest.fixture(autouse=True, scope="session")
def forced_mode():
    """REFKERAS_MODE: every compile() of the session runs eagerly, as a graph, or under XLA."""
    from parity_tests import running

    with running.forced_mode():
        yield
