"""Philox and its numbers, against known answers and against itself."""

import numpy as np
import pytest

from refkeras.random import philox


def hexes(words):
    return [f"{int(word):08x}" for word in words]


def test_known_answers():
    # The first is of TensorFlow's own stream; the others are of the reference implementation (Random123, kat_vectors).
    assert hexes(philox.philox([[0]] * 4, [0, 0])[0]) == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    ones = [[0xFFFFFFFF]] * 4
    assert hexes(philox.philox(ones, [0xFFFFFFFF] * 2)[0]) == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]
    pi = [[0x243F6A88], [0x85A308D3], [0x13198A2E], [0x03707344]]
    assert hexes(philox.philox(pi, [0xA4093822, 0x299F31D0])[0]) == ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"]


def test_scrambling():
    stream = philox.scrambled((7, 0))
    assert hexes(stream.key) == ["2c8a64fd", "ff7db268"]
    assert hexes(stream.high) == ["88967f85", "367609eb"]
    assert hexes(stream.words(4)) == ["fc5fa047", "0dd60a00", "9e076552", "84d27594"]


def test_unscrambled_stream():
    words = " ".join(hexes(philox.unscrambled((7, 0)).words(9)))
    assert words == "f4607a2d c009f9dc 1d3aba42 15edac82 682e8e9b cb97bc13 2bfaff6b f535eea6 018e23c0"


def test_a_stream_is_the_same_in_any_portions(monkeypatch):
    stream = philox.scrambled((123, 5))
    whole = stream.words(1003)
    for count in (0, 1, 3, 4, 5, 1002):
        assert np.array_equal(stream.words(count), whole[:count])
    assert np.array_equal(stream.words(7, start=11), whole[44:51])
    monkeypatch.setattr(philox, "_CHUNK", 16)
    assert np.array_equal(stream.words(1003), whole)


def test_the_block_number_has_64_bits():
    stream = philox.scrambled((1, 2))
    beyond = stream.blocks(np.array([2**32 + 5], np.uint64))
    assert not np.array_equal(beyond, stream.blocks(np.array([5], np.uint64)))
    counter = np.array([[5], [1], [stream.high[0]], [stream.high[1]]], np.uint64)
    assert np.array_equal(beyond, philox.philox(counter, stream.key))


def test_many_keys_at_once():
    states = np.array([0, 1, 2**31, 2**40 + 3])
    keys, high = philox.scrambled_many(-3, states)
    for i, state in enumerate(states.tolist()):
        stream = philox.scrambled((-3, state))
        assert (tuple(keys[:, i]), tuple(high[:, i])) == (stream.key, stream.high)


@pytest.mark.parametrize("high_bits", [False, True])
def test_mantissas_are_what_uniforms_are_made_of(high_bits):
    words = philox.scrambled((3, 4)).words(1000)
    single = philox.mantissas(words, np.float32, high_bits)
    assert single.dtype == np.uint32 and single.max() < 2**23
    double = philox.mantissas(words, np.float64, high_bits)
    assert double.shape == (500,) and double.max() < 2**52
    if not high_bits:
        assert np.array_equal(philox.uniform_values(words, np.float32), (single * 2.0**-23).astype(np.float32))
        assert np.array_equal(philox.uniform_values(words, np.float64), double * 2.0**-52)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_values_have_the_moments_of_a_normal_variable(dtype):
    z = philox.normal_values(philox.scrambled((1, 1)).words(400_000).reshape(-1, 4), dtype).reshape(-1)
    assert z.dtype == dtype
    n = z.size
    # Five standard errors of each moment.
    assert abs(z.mean()) < 5 / n**0.5
    assert abs((z**2).mean() - 1) < 5 * (2 / n) ** 0.5
    assert abs((z**4).mean() - 3) < 5 * (96 / n) ** 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_truncated_values_are_normal_values_of_the_same_substreams(dtype):
    stream = philox.scrambled((9, 9))
    kept = philox.truncated_normal_values(stream, 1001, dtype)
    assert kept.shape == (1001,) and np.abs(kept).max() < 2
    per_block = 4 if dtype == np.float32 else 2
    for group in (0, 1, 7, 200):
        first = group * 64 * per_block
        z = philox.normal_values(stream.blocks(np.arange(first, first + 8, dtype=np.uint64)), dtype).reshape(-1)
        wanted = [value for value in z if abs(value) < 2][:per_block]
        assert kept[group * per_block : (group + 1) * per_block].tolist() == wanted
