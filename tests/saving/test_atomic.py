"""A file is written whole or not at all, whatever happens on the way."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import refkeras
from refkeras.saving.atomic import write_atomically

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, links and permissions of POSIX")
NAMES = ["m.keras", "m.h5", "m.weights.h5"]
KILLS = 100

#: Makes two models, all zeros and all ones, and children that save them in turn, for ever; kills each child at a
#: moment spread over two saves, or every other one soon after a file is begun, and waits until the file is looked at.
SAVER = """
import os, random, signal, sys, time
import refkeras

def save(model, path):
    model.save_weights(path) if path.endswith(".weights.h5") else model.save(path)

paths, draw = sys.argv[2:], random.Random(20261127)
models = []
for value in (0.0, 1.0):
    start = refkeras.initializers.Constant(value)
    layers = [refkeras.layers.Dense(200, kernel_initializer=start, bias_initializer=start) for _ in range(4)]
    models.append(refkeras.Sequential([refkeras.Input((200,)), *layers]))

def save_both(path):
    for model in models:
        save(model, path)

taken = {}
for path in 2 * paths:
    begun = time.perf_counter()
    save_both(path)
    taken[path] = time.perf_counter() - begun
for kill in range(int(sys.argv[1])):
    path = paths[kill % len(paths)]
    child = os.fork()
    while child == 0:
        save_both(path)
    if kill % 2:
        while not any(name.endswith(".tmp") for name in os.listdir(os.path.dirname(path))):
            pass
        time.sleep(draw.uniform(0, 0.02 * taken[path]))
    else:
        time.sleep(draw.uniform(0, 1.2 * taken[path]))
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    print("killed", flush=True)
    sys.stdin.readline()
"""


def listed(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def litter(folder):
    return [name for name in listed(folder) if name.endswith(".tmp")]


@POSIX
def test_a_process_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path):
    """Every file is whole, with all weights of one model; and the kills did come while files were being written."""
    paths = [tmp_path / name for name in NAMES]
    target = refkeras.Sequential([refkeras.Input((200,)), *(refkeras.layers.Dense(200) for _ in range(4))])
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", SAVER, str(KILLS), *map(str, paths)]
    seen: list[float] = []
    interrupted = 0
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as saver:
        for kill in range(KILLS):
            assert saver.stdout.readline() == b"killed\n"
            interrupted += bool(litter(tmp_path))
            for name in litter(tmp_path):
                (tmp_path / name).unlink()
            path = paths[kill % len(paths)]
            whole = target if path.name.endswith(".weights.h5") else refkeras.models.load_model(path)
            whole.load_weights(path)
            found = np.unique(np.concatenate([array.ravel() for array in whole.get_weights()]))
            assert found.tolist() in ([0.0], [1.0]), f"{path.name} holds {found}"
            seen.extend(found.tolist())
            saver.stdin.write(b"\n")
            saver.stdin.flush()
    assert saver.returncode == 0
    assert set(seen) == {0.0, 1.0} and interrupted >= KILLS // 10, f"{interrupted} of {KILLS} died while writing"


def small(value=0.0):
    start = refkeras.initializers.Constant(value)
    return refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(1, kernel_initializer=start)])


def save(model, path):
    model.save_weights(path) if path.name.endswith(".weights.h5") else model.save(path)


def kernel(path):
    target = small(7.0)
    target.load_weights(path)
    return float(target.get_weights()[0][0, 0])


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_permissions_are_kept(name, tmp_path):
    old = os.umask(0o027)
    try:
        save(small(), tmp_path / name)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640
    (tmp_path / name).chmod(0o604)
    save(small(1.0), tmp_path / name)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o604
    assert kernel(tmp_path / name) == 1.0


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_links_are_followed(name, tmp_path):
    """The link stays a link, and what it points to is replaced; also where that does not exist yet."""
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / name, tmp_path / "elsewhere" / name
    link.symlink_to(target)
    for value in (0.0, 1.0):
        save(small(value), link)
        assert link.is_symlink() and not target.is_symlink()
        assert kernel(target) == kernel(link) == value
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(["elsewhere", name, name])


class Unsaved(refkeras.layers.Layer):
    """A layer whose state is no array."""

    def save_own_variables(self, store):
        store["0"] = np.array(["text"])

    def forward(self, x):
        return x, lambda d: (d, [])


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_a_model_that_cannot_be_saved_leaves_the_old_file(name, tmp_path):
    save(small(1.0), tmp_path / name)
    before = (tmp_path / name).read_bytes()
    broken = refkeras.Sequential([refkeras.Input((2,)), Unsaved()])
    with pytest.raises(ValueError, match="expected numbers"):
        save(broken, tmp_path / name)
    assert (tmp_path / name).read_bytes() == before
    assert listed(tmp_path) == [name]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), MemoryError()])
def test_an_exception_on_the_way_leaves_the_old_file_alone(error, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new")
        raise error

    with pytest.raises(type(error)):
        write_atomically(path, write)
    assert path.read_bytes() == b"old" and listed(tmp_path) == ["a"]


@POSIX
@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full(name, tmp_path):
    """The kernel refuses more than so many bytes: the error names the file, which is as it was."""
    import resource

    save(small(1.0), tmp_path / name)
    before = (tmp_path / name).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            save(small(), tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / name)
    assert (tmp_path / name).read_bytes() == before and listed(tmp_path) == [name]


def test_places_where_nothing_can_be_written(tmp_path):
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.keras"):
        small().save(tmp_path / "folder.keras")
    with pytest.raises(FileNotFoundError) as caught:
        small().save(tmp_path / "nowhere" / "m.keras")
    assert caught.value.filename == str(tmp_path / "nowhere" / "m.keras")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder.keras"]


@contextlib.contextmanager
def unprivileged():
    """Give up root's right to write everywhere."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


@POSIX
def test_files_and_folders_that_may_not_be_written():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to other users
        root = Path(folder)
        root.chmod(0o755)
        for name, mode, of_file in (("locked", 0o555, 0o666), ("open", 0o777, 0o444)):
            (root / name).mkdir()
            small(1.0).save(root / name / "m.keras")
            (root / name / "m.keras").chmod(of_file)
            (root / name).chmod(mode)
        try:
            for path in root.glob("*/m.keras"):
                with unprivileged(), pytest.raises(PermissionError) as caught:
                    small().save(path)
                assert caught.value.filename == str(path)
                assert kernel(path) == 1.0 and listed(path.parent) == ["m.keras"]
        finally:
            (root / "locked").chmod(0o755)
