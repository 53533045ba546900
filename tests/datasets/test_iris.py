"""The irises are UCI's."""

import hashlib
from pathlib import Path

import numpy as np

from refkeras.datasets import iris


def test_the_file_is_ucis_byte_for_byte():
    content = Path(iris.__file__).with_name("iris.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() == "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"


def test_rows_are_sorted_by_class():
    x, y = iris.load_data()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((150, 4), np.float32, (150,), np.int64)
    assert len(iris.FEATURE_NAMES) == 4
    np.testing.assert_array_equal(y, np.repeat(range(len(iris.CLASS_NAMES)), 50))


def test_the_two_rows_that_differ_from_fishers_article():
    x, _ = iris.load_data()
    np.testing.assert_array_equal(x[[34, 37]], np.float32([[4.9, 3.1, 1.5, 0.1]] * 2))


def test_every_call_gives_arrays_of_its_own():
    iris.load_data()[0][:] = 0
    assert iris.load_data()[0].min() > 0
