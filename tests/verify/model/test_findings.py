"""What is found in one tensor."""

import numpy as np

from refkeras.verify.model.findings import ALARM, EDGES, find

WHERE = {"stage": "layer", "place": "dense", "quantity": "output"}


def found(sigmas, **options):
    sigmas = np.asarray(sigmas, float)
    value, sigma = np.zeros(sigmas.shape), np.full(sigmas.shape, 0.5)
    return find(value, sigma, value + 0.5 * sigmas, sigmas, 2 * sigmas, **WHERE, **options)


def test_the_first_bad_element_and_its_neighbours():
    sigmas = np.zeros((2, 9))
    sigmas[0, 8], sigmas[1, 3], sigmas[1, 7] = ALARM, 9, 40
    finding = found(sigmas)
    assert not finding.agrees
    assert (finding.beyond, finding.sigmas, finding.ulps, finding.deviation) == (2, 40, 80, 20)
    assert (finding.first.index, finding.first.sigmas, finding.first.engine) == ((1, 3), 9, 4.5)
    assert [element.index for element in finding.around] == [(1, i) for i in range(7)]


def test_without_a_bad_element_the_farthest_is_shown():
    finding = found([[0.5, 3, 1], [0, 3.5, 2]])
    assert finding.agrees
    assert finding.first.index == (1, 1)
    assert finding.median == 1.5


def test_in_a_sequence_the_earliest_counts():
    sigmas = np.zeros((3, 4, 2))
    sigmas[0, 3, 0], sigmas[2, 1, 1] = 20, 10
    finding = found(sigmas, time_axis=1)
    assert (finding.step, finding.first.index) == (1, (2, 1, 1))
    assert finding.by_step == (0, 10, 0, 20)
    assert {e.index for e in finding.around} == {(2, 1, 0), (2, 1, 1), (2, 0, 1), (2, 2, 1), (2, 3, 1)}
    assert found(np.ones((3, 4, 2)), time_axis=1).step is None


def test_nan_and_infinity_are_beyond():
    for bad in (np.nan, np.inf):
        finding = found([1, bad, 2])
        assert (finding.beyond, finding.first.index, finding.sigmas) == (1, (1,), np.inf)


def test_every_element_is_in_the_histogram():
    finding = found([0, 2.0**-7, 0.9, 1, 7.9, 8, 8.1, 1e9, np.inf, np.nan])
    counts = dict(zip(EDGES, finding.histogram, strict=False))
    assert sum(finding.histogram) == 10
    assert (counts[0.0], counts[0.5], counts[1.0], counts[4.0], counts[8.0], counts[1024.0]) == (2, 1, 1, 1, 2, 3)


def test_scalars_and_empty_arrays():
    finding = found(9.0)
    assert (finding.first.index, finding.beyond, len(finding.around)) == ((), 1, 1)
    assert found(np.zeros((0, 3))).agrees
