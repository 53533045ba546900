"""Memory is used again when nothing refers to it, and not before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras import backend
from refkeras.ops import buffers
from refkeras.ops.buffers import buffer
from refkeras.ops.lstm import lstm

SIZE = 2**18 // 8


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(buffers, "_most_in_use", 0)
    buffers._kept.clear()
    yield
    buffers._kept.clear()


def test_counts_tell_on_this_python():
    assert buffers._ALONE is not None


@given(st.lists(st.tuples(st.sampled_from(["make", "drop", "view", "part"]), st.integers(0, 9)), max_size=40))
def test_no_two_arrays_share_memory(actions):
    """Whatever is made, viewed and dropped, what is alive keeps its numbers."""
    alive, number = {}, 0
    for action, n in actions:
        if action == "make":
            number += 1
            alive[n] = (buffer(np.zeros(1), SIZE + n % 2), number)
            alive[n][0][...] = number
        elif n in alive and action == "drop":
            del alive[n]
        elif n in alive:
            array, value = alive[n]
            alive[n] = (array.reshape(-1, 1) if action == "view" else array[array.size // 2 :], value)
        del n
        for array, value in alive.values():
            assert np.all(array == value)
        array = None


def test_memory_is_used_again():
    place = buffer(np.zeros(1), SIZE).ctypes.data
    assert buffer(np.zeros(1, np.float32), 2, SIZE).ctypes.data == place


def test_only_large_plain_arrays(monkeypatch):
    monkeypatch.setattr(buffers, "KEPT", 2**20)

    class Special(np.ndarray):
        pass

    for like, shape in (
        (np.zeros(1), (0,)),
        (np.zeros(1), (SIZE - 1,)),
        (np.zeros(1), (buffers.KEPT // 8 + 1,)),
        (np.zeros(1).view(Special), (SIZE,)),
    ):
        assert buffer(like, *shape).shape == shape
        assert not buffers._kept


def test_memory_in_use_is_not_given_out_again():
    """Results and residuals of one pass stay as they are while others run; then their memory is used again."""
    rng = np.random.default_rng(0)
    x, kernel, recurrent_kernel = (rng.normal(size=s).astype("float32") for s in ((40, 60, 9), (9, 64), (16, 64)))
    (y, h, c), pullback = lstm(x, kernel, recurrent_kernel, return_sequences=True)
    kept = y.copy(), h.copy(), c.copy()
    first = pullback(np.ones_like(y))
    for _ in range(3):
        lstm(x[::-1], kernel, recurrent_kernel, return_sequences=True)[1](np.ones_like(y))
    for a, b in zip((y, h, c), kept, strict=True):
        np.testing.assert_array_equal(a, b)
    buffers._kept.clear()
    (_, _, _), pullback = lstm(x, kernel, recurrent_kernel, return_sequences=True)
    for a, b in zip(pullback(np.ones_like(y))[:3], first[:3], strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_more_memory_is_kept_than_said(monkeypatch):
    monkeypatch.setattr(buffers, "KEPT", 2**24)
    held = [buffer(np.zeros(1), 2**17 + n) for n in range(80)]
    assert len({a.ctypes.data for a in held}) == 80
    assert sum(m.size for m in buffers._kept) <= buffers.KEPT


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=40))
def test_no_more_is_kept_than_was_in_use_at_once(actions):
    """Arrays of ever new sizes do not pile up, and what is in use is used again."""
    buffers._kept.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "_most_in_use", 0)
        patch.setattr(buffers, "KEPT_ALWAYS", 0)
        alive, most = {}, 0
        for slot, n in actions:
            alive.pop(slot, None)
            alive[slot] = buffer(np.zeros(1), SIZE + n)
            most = max(most, sum(a.nbytes for a in alive.values()))
            assert sum(m.size for m in buffers._kept) <= most
        sizes = sorted(m.size for m in buffers._kept)
        for slot in list(alive):
            n = alive.pop(slot).size
            alive[slot] = buffer(np.zeros(1), n)
        assert sorted(m.size for m in buffers._kept) == sizes
        alive.clear()
    buffers._kept.clear()


def test_clear_session_gives_memory_back():
    array = buffer(np.zeros(1), SIZE)
    backend.clear_session(free_memory=False)
    assert buffers._kept
    backend.clear_session()
    assert not buffers._kept
    assert buffer(np.zeros(1), SIZE).ctypes.data != array.ctypes.data


def test_what_is_free_goes_before_what_is_in_use(monkeypatch):
    monkeypatch.setattr(buffers, "KEPT", 4 * 2**20)
    monkeypatch.setattr(buffers, "KEPT_ALWAYS", 0)
    used = buffer(np.zeros(1), 2**17)
    buffer(np.zeros(1), 2**17 + 1)
    later = [buffer(np.zeros(1), 2**17 + n) for n in (2, 3)]
    assert [m.size for m in buffers._kept] == [a.nbytes for a in (used, *later)]
