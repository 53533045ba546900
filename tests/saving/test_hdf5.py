"""The HDF5 reader sees what h5py wrote, and nothing that is not there."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5 import Dataset, Group, read_hdf5
from tests.saving.files import good_weights, hdf5

LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
ASCII = st.characters(codec="ascii", exclude_characters="/\0")
NAMES = st.text(ASCII | LETTERS, min_size=1, max_size=12).filter(lambda name: name.strip("."))
DTYPES = st.sampled_from(["<f4", ">f4", "<f8", "<f2", "<i4", ">i8", "<u2", "|i1", "|u1", "|b1"])
ARRAYS = DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
ATTRIBUTES = st.dictionaries(
    NAMES, st.one_of(TEXTS, st.lists(TEXTS, max_size=4), ARRAYS, st.binary(max_size=0)), max_size=3
)
TREES = st.recursive(ARRAYS, lambda inner: st.dictionaries(NAMES, inner, max_size=12), max_leaves=12)
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def write(group, tree, attributes):
    for name, value in attributes.items():
        if not (isinstance(value, list) and not value):
            group.attrs[name] = value
    for name, item in tree.items():
        if isinstance(item, dict):
            write(group.create_group(name), item, {})
        else:
            group[name] = item


def plain(value):
    """Return an attribute as h5py gives it, in the reader's terms."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return [item.decode() if isinstance(item, bytes) else item for item in value.tolist()]
    return value


def assert_same(ours, theirs):
    assert set(ours.attrs) == set(theirs.attrs)
    for name, value in theirs.attrs.items():
        if isinstance(value, h5py.Empty):
            continue
        assert np.array_equal(ours.attrs[name], plain(value), equal_nan=np.asarray(value).dtype.kind == "f")
    if isinstance(theirs, h5py.Dataset):
        assert isinstance(ours, Dataset)
        found, expected = ours.read(), theirs[()]
        assert found.shape == expected.shape and found.dtype == expected.dtype.newbyteorder("=")
        assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")
        return
    assert isinstance(ours, Group)
    assert ours.keys() == sorted(theirs) and len(ours) == len(theirs)
    for name in theirs:
        assert name in ours
        assert_same(ours[name], theirs[name])


@QUICK
@given(tree=st.dictionaries(NAMES, TREES, max_size=30), attributes=ATTRIBUTES)
def test_what_h5py_writes_is_read(tree, attributes):
    data = hdf5(lambda file: write(file, tree, attributes))
    with h5py.File(io.BytesIO(data)) as theirs:
        assert_same(read_hdf5(data), theirs)


def test_a_group_of_many():
    """Names in a tree of several levels, and a header in several pieces."""

    def fill(file):
        for i in range(3000):
            file[f"n{i}"] = np.float32(i)
        for i in range(60):
            file["n0"].attrs[f"attribute {i}"] = "x" * i

    data = hdf5(fill)
    with h5py.File(io.BytesIO(data)) as theirs:
        assert_same(read_hdf5(data), theirs)


@pytest.mark.parametrize(("count", "longest"), [(8, 3), (9, 3), (46, 20), (1200, 20), (1500, 900)])
def test_groups_with_names_outside_ascii(count, longest):
    """In the header up to eight; then in a heap of one block, of many, and of tables of blocks, with holes in it."""
    rng = np.random.default_rng(count)
    names = [f"層{i}" + "ß" * int(length) for i, length in enumerate(rng.integers(0, longest, count))]

    def fill(file):
        for name in names:
            file.create_group(name)
        for name in rng.choice(names, count // 3, replace=False):
            del file[name]
        for name in names[: count // 5]:
            file.create_group(f"{name} anew").attrs[name] = name

    data = hdf5(fill)
    with h5py.File(io.BytesIO(data)) as theirs:
        assert_same(read_hdf5(data), theirs)


def test_paths():
    root = read_hdf5(good_weights())
    assert isinstance(root.group("layers/dense/vars"), Group)
    assert root.dataset("layers/dense/vars/0").shape == (12, 2)
    assert "layers/dense/vars/7" not in root and "layers/dense/vars/0/x" not in root
    for path in ("nowhere", "layers/nowhere", "layers/dense/vars/0/x", "../layers", "/layers", "layers//dense", ""):
        assert path not in root
        with pytest.raises(KeyError):
            root[path]
    with pytest.raises(ModelFileError, match="expected Group at '/layers/dense/vars/0'"):
        root.group("layers/dense/vars/0")
    with pytest.raises(ModelFileError, match="expected Dataset at '/layers/dense'"):
        root.dataset("layers/dense")


def test_arrays_are_views_of_the_file():
    """Reading allocates nothing: the memory is the file's, and cannot be written to."""
    data = good_weights()
    array = read_hdf5(data).dataset("layers/dense/vars/0").read()
    assert not array.flags.owndata and not array.flags.writeable


def test_a_group_in_itself_is_refused_when_followed():
    data = hdf5(lambda file: file.create_group("a").__setitem__("a", file["a"]))
    with pytest.raises(ModelFileError, match="64 deep"):
        read_hdf5(data)["/".join("a" * 100)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hdf5(lambda f: None, libver="latest"), "superblock of version"),
        (lambda: hdf5(lambda f: f.create_group("g", track_order=True)), "object headers of version 2|newer layout"),
        (lambda: hdf5(lambda f: f.__setitem__("x", h5py.SoftLink("/y"))), "H5 file with SoftLink"),
        (lambda: hdf5(lambda f: f.__setitem__("x", h5py.ExternalLink("a", "/y"))), "H5 file with ExternalLink"),
        (lambda: hdf5(lambda f: f.__setitem__("ß", h5py.SoftLink("/y"))), "H5 file with SoftLink"),
        (lambda: hdf5(lambda f: [f.create_group(f"{i}ß" * 2000) for i in range(9)]), "names of thousands of bytes"),
        (lambda: hdf5(lambda f: f.create_dataset("x", (3,), "f4", chunks=(1,))), "chunked"),
        (lambda: hdf5(lambda f: f.create_dataset("x", (3,), "f4", compression="gzip")), "compressed or filtered"),
        (lambda: hdf5(lambda f: f.create_dataset("x", (3,), "f4", external=[("a", 0, 12)])), "external Dataset"),
        (lambda: hdf5(lambda f: f.create_dataset("x", (3,), "f4")), "declares shape"),
        (lambda: hdf5(lambda f: f.__setitem__("x", "text")), "variable-length|strings"),
        (lambda: hdf5(lambda f: f.__setitem__("x", np.array([b"ab"]))), "holds strings"),
        (lambda: hdf5(lambda f: f.__setitem__("x", np.zeros(2, "c8"))), "compound"),
        (lambda: hdf5(lambda f: f.__setitem__("x", np.zeros(2, "f4,i4"))), "compound"),
        (lambda: hdf5(lambda f: f.__setitem__("x", h5py.Empty("f4"))), "null"),
    ],
)
def test_what_keras_does_not_write_is_refused(make, message):
    data = make()
    with pytest.raises(ModelFileError, match=message):
        root = read_hdf5(data)
        items = [root[name] for name in list(root.keys())]
        for item in items:
            item.read() if isinstance(item, Dataset) else item.keys()
