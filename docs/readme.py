"""Refresh quoted outputs: each fenced block below `<!-- output: NAME -->` is what NAME's command prints now.

python docs/readme.py [NAME ...]     # all of the README's: verify verify-model sabotage test log-keras-3 log-keras-2.0 explain bench import
python docs/readme.py soundness sharpness     # those of docs/error-bars.md
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
ERROR_BARS = ROOT / "docs" / "error-bars.md"
#: What docs/error-bars.md quotes of the operations.
QUOTED = re.compile(
    r"  (20 epochs .*|Adam.*|.*_crossentropy from logits.*|Dense gradients of weights|LSTM.*|(bfloat16|float16) (Dense "
    r"softmax|LSTM)|model .*|(sigmoid|softmax|tanh)( gradient)?) {2,}"
)


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


def soundness() -> str:
    """Some of the operations on TensorFlow, and each engine as a whole."""
    said = printed("make", "--silent", "soundness").strip()
    first, whole = said[: said.index("\n\n")].splitlines(), said[said.index("Each engine as a whole") :]
    chosen = [line for line in first[1:-1] if QUOTED.match(line)]
    return "\n".join([first[0], *chosen, "  ... (the other operations)", first[-1], "", whole])


def sharpness() -> str:
    """The whole models, and what is caught."""
    lines = printed("make", "--silent", "sharpness").splitlines()
    chosen = [line for line in lines if re.match(r"  (20 epochs .*|model .*|LSTM, .*) {2,}", line)]
    return "\n".join([*chosen, *lines[-3:]])


OF_ERROR_BARS = {"soundness": soundness, "sharpness": sharpness}
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
        page = ERROR_BARS if name in OF_ERROR_BARS else README
        output = (OUTPUTS | OF_ERROR_BARS)[name]()
        text = page.read_text(encoding="utf-8")
        block = re.search(rf"<!-- output: {re.escape(name)} -->\n```\n(.*?)\n```", text, re.DOTALL)
        if block is None:
            raise SystemExit(f"{page.name} has no block <!-- output: {name} -->")
        page.write_text(text[: block.start(1)] + output + text[block.end(1) :], encoding="utf-8")
        print(f"{name}:\n{output}\n")


if __name__ == "__main__":
    main()
