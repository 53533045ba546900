"""The `refkeras` command.

argparse, so that `refkeras run` needs NumPy alone; what a subcommand needs
beyond that is imported by that subcommand.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from refkeras import __version__, semantics
from refkeras.naming import did_you_mean

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line (`sys.argv` by default) and exit with its status."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if options.command is _bench:
        options.arguments = rest  # argparse would take those that begin with a dash as its own
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    sys.exit(options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="refkeras", description="Keras in NumPy that a person can read, run and trust."
    )
    parser.add_argument("--version", action="version", version=f"refkeras {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    _add_explain(commands)
    _add_verify(commands)
    _add_bench(commands)
    return parser


def _add_run(commands: argparse._SubParsersAction) -> None:
    run = commands.add_parser(
        "run",
        help="run a Keras script on refkeras, unchanged",
        description="Run a Keras script unchanged: its keras, tensorflow.keras and tf_keras are refkeras.",
    )
    run.add_argument(
        "--semantics",
        metavar="NAME",
        choices=semantics.PRESETS,
        help=f"the Keras to be: {', '.join(semantics.PRESETS)} (default: the one the script imports)",
    )
    run.add_argument(
        "--explain", type=Path, metavar="FILE", help="write what the numbers of every fit were made of to FILE (JSON)"
    )
    run.add_argument(
        "--explain-memory", type=int, default=256, metavar="MIB", help="how much memory that may take per fit (256)"
    )
    run.add_argument("script", help="the script, as given to python")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="the script's own arguments")
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from refkeras.run import run_script

    try:
        with open(options.script, "rb"):  # noqa: PTH123 - only the question whether it can be read
            pass
    except OSError as error:
        return _fail(f"can't open file {options.script!r}: [Errno {error.errno}] {error.strerror}")
    if options.explain is None:
        run_script(options.script, options.arguments, options.semantics)
        return 0
    from refkeras.explain.command import recording

    try:
        recording(
            lambda: run_script(options.script, options.arguments, options.semantics),
            options.explain,
            options.explain_memory,
        )
    except ValueError as error:
        if not str(error).startswith("--explain"):
            raise
        return _fail(str(error))
    return 0


def _add_explain(commands: argparse._SubParsersAction) -> None:
    explain = commands.add_parser(
        "explain",
        help="show where the numbers of a run come from",
        description="Show where the numbers of a run come from, given the file that `refkeras run --explain` wrote: "
        "one of them as text, or all of them as a page.",
    )
    explain.add_argument("file", type=Path, help="the file")
    explain.add_argument("--html", type=Path, metavar="PAGE", help="write a page to PAGE, one file that needs no other")
    explain.add_argument("--title", default="", help="the page's title")
    explain.add_argument(
        "--figures",
        type=int,
        metavar="N",
        help="about how many figures to put on the page (120000); beyond, samples go",
    )
    explain.add_argument("--fit", type=int, metavar="N", help="which fit of the script, from 1 (default: the last)")
    explain.add_argument("--key", default="loss", help="a key of the log, learning_rate or gradient_norm (loss)")
    explain.add_argument("--epoch", type=int, metavar="N", help="the epoch, as the log counts (default: the last)")
    explain.add_argument("--batch", type=int, metavar="N", help="one batch of it alone, from 1")
    explain.add_argument("--depth", type=int, metavar="N", help="how many levels to go down (default: all)")
    explain.add_argument(
        "--all", action="store_true", help="follow every batch and sample down, where the first one stands for all"
    )
    explain.add_argument("--json", action="store_true", help="print it as JSON, all levels")
    explain.set_defaults(command=_explain)


def _explain(options: argparse.Namespace) -> int:
    from refkeras.explain.command import show

    try:
        show(
            options.file,
            options.html,
            title=options.title,
            figures=options.figures,
            fit=options.fit,
            key=options.key,
            epoch=options.epoch,
            batch=options.batch,
            depth=options.depth,
            every=options.all,
            as_json=options.json,
        )
    except (OSError, ValueError, ImportError) as error:
        return _fail(str(error))
    return 0


def _add_verify(commands: argparse._SubParsersAction) -> None:
    verify = commands.add_parser(
        "verify",
        help="judge a real Keras on a model of yours, or on the four scenarios",
        description="Run MODEL on real Keras and judge every layer by refkeras's numbers with error bars. Without "
        "MODEL, train the four scenarios on refkeras and on real Keras from one seed, and compare every number. "
        "Exit status 1 when anything disagrees.",
    )
    _add_model_arguments(verify)
    verify.add_argument(
        "--scenario", action="append", default=[], metavar="NAME", help="only this one (may be repeated)"
    )
    verify.add_argument("--seed", type=int, default=7, help="for set_random_seed on both sides (default: 7)")
    verify.add_argument("--quick", action="store_true", help="Keras 3 in float32 alone")
    verify.add_argument("--json", type=Path, metavar="FILE", help="write all that was found to FILE")
    verify.set_defaults(command=_verify)


def _add_model_arguments(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="a .keras file, or a legacy .h5 file")
    group = verify.add_argument_group("with MODEL")
    source = group.add_mutually_exclusive_group()
    source.add_argument(
        "--data", type=Path, metavar="FILE", help="an .npz file: inputs by name or as x, targets by name or as y"
    )
    source.add_argument("--samples", type=_positive, metavar="N", help="draw N samples (default: 32)")
    group.add_argument(
        "--engine",
        action="append",
        metavar="NAME",
        help="keras@tensorflow, keras@jax, keras@torch, keras@numpy or tf_keras (may be repeated; default: the first)",
    )
    group.add_argument("--python", metavar="PATH", help="the Python that has the engines (default: this one)")
    group.add_argument("--gpu", action="store_true", help="let the engines use the GPU")
    group.add_argument(
        "--precision",
        choices=("float32", "tf32", "bfloat16", "float16", "float64"),
        help="the arithmetic that the engines are held to (default: the file's)",
    )
    group.add_argument("--train", type=_positive, metavar="K", help="verify K training steps too")
    group.add_argument("--html", type=Path, metavar="FILE", help="write a page that shows all that was found to FILE")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _verify(options: argparse.Namespace) -> int:
    try:
        from rich.console import Console
    except ImportError:
        return _fail("refkeras verify prints with rich, which is not installed: pip install 'refkeras[parity]'")
    from refkeras.verify import command, engines, report, scenarios
    from refkeras.verify.model.main import misplaced, verify_one

    wrong = misplaced(options)
    if wrong is not None:
        return _fail(wrong)
    unknown = [name for name in options.scenario if name not in scenarios.CASES]
    if unknown:
        near = did_you_mean(unknown[0], scenarios.CASES)
        return _fail(f"no scenario {unknown[0]!r}.{near} There are: {', '.join(scenarios.CASES)}")
    for option, file in (("--json", options.json), ("--html", options.html)):
        if file is not None and not file.parent.is_dir():
            return _fail(f"{option} {file}: there is no folder {file.parent}")
    asked = (engines.KERAS_3,) if options.quick else (engines.KERAS_3, engines.TF_KERAS)
    dtypes = ("float32",) if options.quick else ("float32", "float64")
    console, progress = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=report.WIDTH)
    try:
        if options.model is not None:
            return verify_one(options, console, progress)
        with progress.status("starting") as status:

            def on_step(job: engines.Job, step: str) -> None:
                status.update(f"{job.engine.name}, {job.dtype}: {step}")

            outcome = command.verify_scenarios(
                options.scenario, seed=options.seed, engines=asked, dtypes=dtypes, on_step=on_step
            )
    except engines.EngineError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted; the engines' processes are ended")
        return 130
    report.print_outcome(outcome, console)
    if options.json is not None:
        report.write_json(outcome, options.json)
    return 0 if outcome.agrees else 1


def _add_bench(commands: argparse._SubParsersAction) -> None:
    bench = commands.add_parser(
        "bench",
        help="time refkeras beside its peers (from a checkout)",
        description="Run the benchmarks of the checkout that refkeras is imported from; --help lists their options.",
        add_help=False,
    )
    bench.set_defaults(command=_bench)


def _bench(options: argparse.Namespace) -> int:
    checkout = Path(__file__).parent.parent
    if not (checkout / "benchmarks" / "__main__.py").is_file():
        return _fail(
            "the benchmarks are not part of the installed package: clone the repository, and run make bench there"
        )
    command = [sys.executable, "-m", "benchmarks", *options.arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}).returncode


def _fail(message: str) -> int:
    print(f"refkeras: {message}", file=sys.stderr)
    return 2
