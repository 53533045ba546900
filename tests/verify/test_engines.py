"""Engines are asked in processes of their own, and none is left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from refkeras.verify.engines import KERAS_3, TF_KERAS, Engine, EngineError, Job, run_all

REFKERAS = KERAS_3.counterpart()


def job(tmp_path, body, engine=REFKERAS, dtype="float32", **arrays):
    task = tmp_path / f"task{len(list(tmp_path.iterdir()))}.py"
    task.write_text("def run(engine, job, arrays):\n" + textwrap.indent(textwrap.dedent(body), "    "))
    return Job(engine, dtype, str(task), {"word": "hello"}, arrays)


def test_settings_and_arrays_go_there_and_back(tmp_path):
    steps = []
    x = np.arange(6.0).reshape(2, 3)
    body = """
    import os
    engine.progress("first step")
    seen = [engine.dialect, engine.keras.backend.floatx(), engine.keras.semantics.current().name, job["word"]]
    return {"seen": seen, "pid": os.getpid()}, {"deep/name": 2 * arrays["x"]}
    """
    jobs = [job(tmp_path, body, dtype="float64", x=x), job(tmp_path, body, engine=TF_KERAS.counterpart(), x=x)]
    first, second = run_all(jobs, lambda done, step: steps.append((done.dtype, step)))
    assert first.seen["seen"] == ["keras-3", "float64", "keras-3@tensorflow", "hello"]
    assert second.seen["seen"] == ["tf_keras", "float32", "tf_keras", "hello"]
    assert len({first.seen["pid"], second.seen["pid"], os.getpid()}) == 3
    np.testing.assert_array_equal(first.arrays["deep/name"], 2 * x)
    assert first.versions["engine"] == "refkeras"
    assert sorted(steps) == [("float32", "first step"), ("float64", "first step")]


@pytest.mark.parametrize(
    ("body", "engine", "message"),
    [
        ("raise KeyError('lost')", REFKERAS, r"refkeras \(float32\) failed:(.|\n)*KeyError: 'lost'"),
        ("import os; os._exit(9)", REFKERAS, "ended with status 9 and no result"),
        ("return {}, {}", Engine("nokeras@x", "keras-3"), "nokeras@x cannot be asked: .* has no nokeras"),
    ],
)
def test_a_failure_is_told(tmp_path, body, engine, message):
    with pytest.raises(EngineError, match=message):
        run_all([job(tmp_path, body, engine)], lambda done, step: None)


def test_one_failure_ends_the_others(tmp_path):
    sleeper = "import time; engine.progress('sleeps'); time.sleep(60); return {}, {}"
    start = time.monotonic()
    with pytest.raises(EngineError, match="lost"):
        run_all([job(tmp_path, sleeper), job(tmp_path, "raise KeyError('lost')")], lambda done, step: None, at_once=2)
    assert time.monotonic() - start < 30


def test_interrupting_leaves_no_process(tmp_path):
    pids = tmp_path / "pids"
    sleeper = f"""
    import os, time
    with open({str(pids)!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    time.sleep(60)
    """
    task = job(tmp_path, sleeper).task
    script = f"""
    from refkeras.verify.engines import KERAS_3, Job, run_all
    run_all([Job(KERAS_3.counterpart(), "float32", {task!r}, {{}}, {{}})] * 2, lambda job, step: None, at_once=2)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (pids.exists() and len(pids.read_text().split()) == 2):
        time.sleep(0.05)
    children = [int(pid) for pid in pids.read_text().split()]
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=30) != 0
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
