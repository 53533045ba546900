"""A derivation's figures, computed once more without the package: in double precision, by the textbook's formulas.

`check` compares each figure with what its formula gives for its inputs. It allows for the roundings of the run's own
precision, as many as the formula makes, and nothing else.
"""

from __future__ import annotations

import math

UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


def check(node):
    """Raise AssertionError unless every figure below follows from its inputs; return how many figures there are."""
    count = 0
    for item in node.walk():
        if item.formula != "given":
            compare(item)
        count += 1
    return count


def compare(node):
    values = [float(d.value) for d in node.inputs]
    expected, size = FORMULAS[node.formula](values, **node.params)
    found = float(node.value)
    if math.isnan(expected) or math.isnan(found) or math.isinf(expected):
        assert math.isnan(expected) == math.isnan(found), (node, expected)
        return
    # Each input, product, sum and function rounds: a handful for each input, on numbers up to `size`.
    allowed = (4 * len(values) + 12) * UNIT[node.dtype] * size + 1e-300
    assert abs(found - expected) <= allowed, (node, node.numbers, expected, allowed)


def running_mean(x, weights):
    total = sum(weights)
    terms = [w * v for w, v in zip(weights, x, strict=True)]
    return math.fsum(terms) / total, math.fsum(map(abs, terms)) / total


def total_over_count(x, counts):
    total = sum(counts)
    return (math.fsum(x) / total, math.fsum(map(abs, x)) / total) if total else (0.0, 0.0)


def weighted_sum(x, factors):
    terms = [v if f is None else f * v for f, v in zip(factors, x, strict=True)]
    return math.fsum(terms), math.fsum(map(abs, terms))


def mean(x, divisor):
    if divisor is None:
        return math.nan, 0.0
    return (math.fsum(x) / divisor, math.fsum(map(abs, x)) / abs(divisor)) if divisor else (0.0, 0.0)


def logarithm_of_sum(z):
    top = max(z)
    return top + math.log(math.fsum(math.exp(v - top) for v in z))


def spread(z):
    return 1 + max(map(abs, z)) + max(z) - min(z)


def minus_log_softmax(z, k):
    return logarithm_of_sum(z) - z[k], spread(z)


def crossentropy_of_logits(z, targets):
    terms = [t * (logarithm_of_sum(z) - v) for t, v in zip(targets, z, strict=True)]
    return math.fsum(terms), spread(z) * (1 + math.fsum(map(abs, targets)))


def clipped(p, epsilon):
    return min(max(p, epsilon), 1 - epsilon)


def crossentropy_of_probabilities(p, targets, epsilon):
    total = math.fsum(p)
    if not total:
        return math.nan, 0.0
    terms = [t * -math.log(clipped(v / total, epsilon)) for t, v in zip(targets, p, strict=True)]
    # Near 1 the logarithm is small and its argument is rounded at 1.
    return math.fsum(terms), math.fsum(map(abs, terms)) + math.fsum(map(abs, targets))


def minus_log_share(p, k, epsilon):
    return crossentropy_of_probabilities(p, [float(j == k) for j in range(len(p))], epsilon)


def minus_log_clipped_share(p, k, epsilon):
    q = [clipped(v, epsilon) for v in p]
    return -math.log(q[k] / math.fsum(q)), 1 + max(-math.log(v) for v in q) * 2


def binary_crossentropy_of_logit(values):
    z, t = values
    return max(z, 0) - z * t + math.log1p(math.exp(-abs(z))), 1 + abs(z) + abs(z * t)


def binary_crossentropy(values, epsilon, inner_epsilon):
    p, t = values
    q = clipped(p, epsilon)
    a, b = math.log(q + inner_epsilon), math.log(1 - q + inner_epsilon)
    # 1 - q is rounded at 1, which is much where it is small.
    return -(t * a + (1 - t) * b), abs(t * a) + abs((1 - t) * b) + abs(t) / q + abs(1 - t) / (1 - q)


def exactly(value):
    return value, 0.0


FORMULAS = {
    "running_mean": running_mean,
    "total_over_count": total_over_count,
    "root_of_mean": lambda x, counts: (math.sqrt(math.fsum(x) / sum(counts)), math.sqrt(math.fsum(x) / sum(counts))),
    "weighted_sum": weighted_sum,
    "mean": mean,
    "sum": lambda x: (math.fsum(x), math.fsum(map(abs, x))),
    "product": lambda x: (x[0] * x[1], abs(x[0] * x[1])),
    "root_sum_squares": lambda x: (math.hypot(*x), math.hypot(*x)),
    "squared_difference": lambda x: ((x[0] - x[1]) ** 2, (abs(x[0]) + abs(x[1])) ** 2),
    "absolute_difference": lambda x: (abs(x[0] - x[1]), abs(x[0]) + abs(x[1])),
    "minus_log_softmax": minus_log_softmax,
    "softmax": lambda z, k: (math.exp(z[k] - logarithm_of_sum(z)), spread(z)),
    "minus_log_share": minus_log_share,
    "minus_log_clipped_share": minus_log_clipped_share,
    "crossentropy_of_logits": crossentropy_of_logits,
    "crossentropy_of_probabilities": crossentropy_of_probabilities,
    "binary_crossentropy_of_logit": binary_crossentropy_of_logit,
    "binary_crossentropy": binary_crossentropy,
    "sigmoid": lambda z: (1 / (1 + math.exp(-z[0])), 1.0),
    "argmax": lambda x, order_zeros: exactly(float(x.index(max(x)))),
    "equal": lambda x: exactly(float(x[0] == x[1])),
    "on_the_same_side": lambda x, threshold: exactly(float(x[1] == float(x[0] > threshold))),
    "rounds_to": lambda x: exactly(float(x[1] == round(x[0]))),
}
