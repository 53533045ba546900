"""Refresh the README's outputs: each fenced block below `<!-- output: NAME -->` is what NAME's command prints now.

python docs/readme.py [NAME ...]     # all of them: verify verify-model sabotage test log-keras-3 log-keras-2.0 explain bench import
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def printed(*command: str) -> str:
    """Return what a command prints, without colours, as lines stand on the screen at the end."""
    environment = dict(os.environ, PATH=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}", COLUMNS="110")
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    said = done.stdout.decode()  # not text=True, which would turn \r into \n
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{said[-3000:]}")
    plain = re.sub("\x1b\\[[0-9;]*m|\b", "", said)
    return "\n".join(line.rpartition("\r")[2].rstrip() for line in plain.split("\n")).strip("\n")


def verify() -> str:
    """The first scenario and the last line; the whole goes to docs/verify-output.txt."""
    whole = printed("refkeras", "verify")
    (ROOT / "docs" / "verify-output.txt").write_text(whole + "\n", encoding="utf-8")
    first = whole[: whole.index("├")].rstrip()
    return f"{first}\n  ... (the other scenarios, and the answers to the four questions)\n{whole.splitlines()[-1]}"


def verify_model() -> str:
    """A model of LSTM and Dense layers, on TensorFlow."""
    sys.path.insert(0, str(ROOT))
    from parity_tests.sabotage import save_model

    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model.keras")
        return printed("refkeras", "verify", f"{folder}/model.keras", "--train", "2").replace(f"{folder}/", "")


def log(semantics: str) -> str:
    said = printed("refkeras", "run", "--semantics", semantics, "examples/reading_the_log.py")
    return said[said.index("Epoch 20/20") :].splitlines()[1]


def bench() -> str:
    """The one-thread table of the first workload."""
    said = printed("python", "-m", "benchmarks", "--campaign", "quick", "--only", "W1", "--budget", "40")
    return said[: said.index("Targets")].strip()


def explain() -> str:
    """The last loss of the first question's first fit, one level down."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run.json"
        printed("refkeras", "run", "--explain", run, "examples/three_losses.py", "--out", folder)
        return printed("refkeras", "explain", run, "--fit", "1", "--key", "loss", "--epoch", "20", "--depth", "1")


OUTPUTS = {
    "verify": verify,
    "verify-model": verify_model,
    "sabotage": lambda: printed("python", "-m", "parity_tests.sabotage", "--engine", "keras@tensorflow"),
    "test": lambda: printed("make", "test").splitlines()[-1],
    "log-keras-3": lambda: log("keras-3@tensorflow"),
    "log-keras-2.0": lambda: log("keras-2.0"),
    "explain": explain,
    "bench": bench,
    "import": lambda: printed("python", "benchmarks/import_time.py"),
}


def main() -> None:
    for name in sys.argv[1:] or OUTPUTS:
        output = OUTPUTS[name]()
        text = README.read_text(encoding="utf-8")
        block = re.search(rf"<!-- output: {re.escape(name)} -->\n```\n(.*?)\n```", text, re.DOTALL)
        if block is None:
            raise SystemExit(f"README.md has no block <!-- output: {name} -->")
        README.write_text(text[: block.start(1)] + output + text[block.end(1) :], encoding="utf-8")
        print(f"{name}:\n{output}\n")


if __name__ == "__main__":
    main()
