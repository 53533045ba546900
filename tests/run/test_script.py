"""`refkeras run script.py` treats a script as `python script.py` does."""

import subprocess
import sys

import pytest


def both(tmp_path, script, *arguments):
    """Run a script with refkeras and with python, from another folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "script.py").write_text(script)
    (folder / "beside.py").write_text("VALUE = 7")
    results = []
    for command in ([sys.executable, "-m", "refkeras", "run"], [sys.executable]):
        results.append(
            subprocess.run(
                [*command, "folder/script.py", *arguments],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
            )
        )
    return results


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("import sys\nprint(sys.argv, sys.path[0], __name__, __file__, __spec__, __package__, __builtins__)", 0),
        ("import __main__, beside\nprint(__main__.__dict__ is globals(), beside.VALUE)", 0),
        ("from __future__ import annotations\nx: Nothing = 1\nprint(x)", 0),
        ("import sys\nsys.exit(3)", 3),
        ("raise SystemExit('a word')", 1),
        ("def f():\n    raise KeyError('x')\n\nf()", 1),
        ("try:\n    1 / 0\nexcept Exception as error:\n    raise ValueError('y') from error", 1),
        ("print(1\nx = 2", 1),
        ("import os\nos._exit(5)", 5),
        ("import nothing_of_this_name", 1),
    ],
)
def test_same_output_traceback_and_status_as_python(tmp_path, script, status):
    ours, theirs = both(tmp_path, script, "--semantics", "-x", "a b")
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert ours.returncode == status


def test_a_script_that_is_not_there(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "refkeras", "run", "no.py"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr == "refkeras: can't open file 'no.py': [Errno 2] No such file or directory\n"


def test_interrupted_as_python_is(tmp_path):
    script = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    ours, theirs = both(tmp_path, script)
    assert ours.returncode == theirs.returncode
    assert ours.stderr == theirs.stderr
