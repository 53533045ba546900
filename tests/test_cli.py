"""The `refkeras` command itself; `run` and `verify` have tests of their own."""

import subprocess
import sys

import pytest

import refkeras
from refkeras import cli


def status(arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    return exit_.value.code


def test_version(capsys):
    assert status(["--version"]) == 0
    assert capsys.readouterr().out == f"refkeras {refkeras.__version__}\n"


def test_help_lists_the_commands(capsys):
    assert status(["--help"]) == 0
    said = capsys.readouterr().out
    assert "run a Keras script on refkeras, unchanged" in said
    assert "verify" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["rnu"], "invalid choice: 'rnu'"),
        (["run"], "the following arguments are required: script"),
        (["run", "--semantics", "keras-4", "x.py"], "invalid choice: 'keras-4'"),
        (["verify", "--sede", "3"], "unrecognized arguments: --sede"),
        (["verify", "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_mistakes_are_usage_errors(capsys, arguments, message):
    assert status(arguments) == 2
    assert message in capsys.readouterr().err


def test_verify_says_which_extra_it_needs(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert status(["verify", "--quick"]) == 2
    assert "pip install 'refkeras[parity]'" in capsys.readouterr().err


def test_python_m_refkeras_is_the_command():
    done = subprocess.run([sys.executable, "-m", "refkeras", "--version"], capture_output=True, text=True)
    assert done.stdout == f"refkeras {refkeras.__version__}\n"


def test_bench_hands_its_options_on(monkeypatch):
    seen = []
    monkeypatch.setattr(cli.subprocess, "run", lambda command, env: seen.append(command) or subprocess.Popen)
    monkeypatch.setattr(subprocess.Popen, "returncode", 3, raising=False)
    assert status(["bench", "--only", "W1", "--help"]) == 3
    assert seen == [[sys.executable, "-m", "benchmarks", "--only", "W1", "--help"]]


def test_bench_needs_a_checkout(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "refkeras" / "cli.py"))
    assert status(["bench"]) == 2
    assert "clone the repository" in capsys.readouterr().err


def test_unknown_options_are_refused(capsys):
    assert status(["verify", "--sead", "3"]) == 2
    assert "--sead" in capsys.readouterr().err
