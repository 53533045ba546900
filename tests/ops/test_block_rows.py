"""A product in blocks of rows is the product, and blocks are taken where OpenBLAS has a kernel for them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras.ops import block_rows
from refkeras.ops.lstm import lstm

SIZES = st.integers(1, 40)


@pytest.fixture(autouse=True)
def with_small_kernel(monkeypatch):
    monkeypatch.setattr(block_rows, "_has_small_kernel", lambda: True)


@pytest.fixture
def few_rows(monkeypatch):
    monkeypatch.setattr(block_rows, "FEWEST_ROWS", 4)


@given(SIZES, SIZES, SIZES, st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_blocks_are_the_matrix_and_their_product_is_its(rows, n, columns, small, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_rows, "SMALL", small)
        patch.setattr(block_rows, "FEWEST_ROWS", 4)
        matrix = np.random.default_rng(seed).integers(-9, 9, (rows, n)).astype(np.float32)
        s = np.random.default_rng(seed + 1).integers(-9, 9, (n, columns)).astype(np.float32)
        blocks = block_rows.blocks(matrix, columns)
        if blocks is None:
            return
        assert np.shares_memory(blocks, matrix)
        assert 4 <= blocks.shape[1] < rows
        assert blocks.shape[1] * n * columns <= small
        assert columns <= block_rows.MOST_COLUMNS
        z = np.empty((rows, columns), np.float32)
        np.matmul(blocks, s, out=z.reshape(*blocks.shape[:2], -1))
        np.testing.assert_array_equal(z, matrix @ s)  # small whole numbers: no rounding


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.astype(np.float64),
        lambda m: m[:, ::2],
        lambda m: m.T,
        lambda m: m[:7],
    ],
    ids=["float64", "every other column", "transposed", "seven rows"],
)
def test_others_stay_whole(change, few_rows, monkeypatch):
    monkeypatch.setattr(block_rows, "SMALL", 4 * 30 * 5)
    matrix = np.ones((60, 30), np.float32)
    assert block_rows.blocks(matrix, 5).shape == (15, 4, 30)
    assert block_rows.blocks(change(matrix), 5) is None


@pytest.mark.parametrize(
    ("rows", "n", "columns", "expected"),
    [
        (1024, 289, 8, 256),
        (1024, 289, 32, 64),
        (256, 1024, 32, None),  # 16 rows
        (4096, 1057, 32, 16),  # of a matrix beyond the cache
        (1024, 4096, 32, None),  # 4 rows
        (1024, 289, 33, None),
        (256, 97, 8, None),  # small as it is
    ],
)
def test_blocks_are_of_many_rows_and_few_columns(rows, n, columns, expected):
    assert block_rows.rows_at_once(rows, n, columns, np.ones(1, np.float32)) == expected


@pytest.mark.parametrize(
    ("library", "processor", "threads", "expected"),
    [
        ("scipy-openblas", ["X86_V3", "X86_V4"], "1", True),
        ("openblas64", ["AVX2", "AVX512_SKX"], "1", True),
        ("accelerate", ["X86_V4"], "1", False),
        ("scipy-openblas", ["X86_V3"], "1", False),
        ("scipy-openblas", ["X86_V4"], "2", False),
    ],
)
def test_where_there_is_a_kernel_for_small_products(library, processor, threads, expected, monkeypatch):
    monkeypatch.undo()
    block_rows._has_small_kernel.cache_clear()
    config = {"Build Dependencies": {"blas": {"name": library}}, "SIMD Extensions": {"found": processor}}
    monkeypatch.setattr(np, "show_config", lambda mode: config)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    try:
        assert block_rows._has_small_kernel() is expected
    finally:
        block_rows._has_small_kernel.cache_clear()


def test_threads_are_read_as_openblas_does(monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(block_rows.os, "cpu_count", lambda: 7)
    assert block_rows._threads() == 7
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert block_rows._threads() == 3
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "0")  # says nothing
    assert block_rows._threads() == 3
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert block_rows._threads() == 2


@pytest.mark.parametrize(("B", "T", "F", "u"), [(9, 11, 7, 12), (5, 40, 3, 8), (6, 4, 5, 16)])
def test_an_lstm_pass_in_blocks_is_the_pass(B, T, F, u, few_rows, monkeypatch):
    """Only the order of additions differs: four units in the last place of sums of so few terms, at most."""
    random = np.random.default_rng(B)
    sizes = (B, T, F), (F, 4 * u), (u, 4 * u), (4 * u,)
    x, *weights = (random.uniform(-0.5, 0.5, size).astype(np.float32) for size in sizes)
    dy = random.uniform(-1, 1, (B, u)).astype(np.float32)
    made = []
    original = block_rows.rows_at_once
    exact = [a.astype(np.float64) for a in (x, *weights)]
    (y64, _, _), pull64 = lstm(*exact)
    for small in (10**9, 4 * 4 * u * B):
        monkeypatch.setattr(block_rows, "SMALL", small)
        made.append(original(4 * u, u + F + 1, B, x))
        (y, _, _), pull = lstm(x, *weights)
        np.testing.assert_allclose(y, y64, rtol=0, atol=T * (u + F + 1) * 2.0**-24)
        for found, expected in zip(pull(dy)[:4], pull64(dy.astype(np.float64))[:4], strict=True):
            scale = np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=0, atol=scale * T * (4 * u + B) * 2.0**-24)
    assert made[0] is None and made[1] is not None
