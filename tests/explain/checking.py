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


def sum_of_exponentials(z):
    found = math.fsum(math.exp(v - max(z)) for v in z)
    return found, found * (1 + max(z) - min(z))


def share_of_sum(values):
    z, m, total = values
    found = math.exp(z - m) / total
    return found, found * (1 + abs(z - m))


def halves(values):
    n = len(values) // 2
    return values[:n], values[n:]


def crossentropy_of_logits(values):
    z, targets = halves(values)
    terms = [t * (logarithm_of_sum(z) - v) for t, v in zip(targets, z, strict=True)]
    return math.fsum(terms), spread(z) * (1 + math.fsum(map(abs, targets)))


def clipped(p, epsilon):
    return min(max(p, epsilon), 1 - epsilon)


def crossentropy_of_probabilities(values, epsilon):
    p, targets = halves(values)
    total = math.fsum(p)
    if not total:
        return math.nan, 0.0
    terms = [t * -math.log(clipped(v / total, epsilon)) for t, v in zip(targets, p, strict=True)]
    # Near 1 the logarithm is small and its argument is rounded at 1.
    return math.fsum(terms), math.fsum(map(abs, terms)) + math.fsum(map(abs, targets))


def minus_log_share(p, k, epsilon):
    return crossentropy_of_probabilities([*p, *(float(j == k) for j in range(len(p)))], epsilon)


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


def relative_difference(values, epsilon):
    p, t = values
    return abs(p - t) / max(abs(t), epsilon), (abs(p) + abs(t)) / max(abs(t), epsilon)


def squared_logarithmic_difference(values, epsilon):
    a, b = (math.log(max(v, epsilon) + 1) for v in values)
    return (a - b) ** 2, (abs(a) + abs(b) + 1) ** 2  # the sums with 1 round at 1


def huber(values, delta):
    e, size = values[0] - values[1], abs(values[0]) + abs(values[1])
    return (e * e / 2 if abs(e) <= delta else delta * abs(e) - delta**2 / 2), max(size, delta) ** 2 + delta * size


LN_2 = 0.693147182464599609375  # as float32 holds it, which Keras takes in double precision too


def log_cosh(values):
    e, size = values[0] - values[1], abs(values[0]) + abs(values[1])
    return abs(e) + math.log1p(math.exp(-2 * abs(e))) - LN_2, 3 * size + 2


def poisson(values, epsilon):
    p, t = values
    return p - t * math.log(p + epsilon), abs(p) + abs(t) * (abs(math.log(p + epsilon)) + 1)


def divergence(values, epsilon):
    q, s = (min(max(v, epsilon), 1) for v in values)
    return s * math.log(s / q), s * (abs(math.log(s / q)) + 1)


def hinge(values, signed):
    p, t = values
    t = 2 * t - 1 if signed else t
    return max(1 - t * p, 0), 1 + abs(t * p)


def cosine(values, epsilon, squares, share, sign):
    p, t = halves(values)
    lengths = []
    for x in (p, t):
        square = math.fsum(v * v for v in x)
        if epsilon is None:
            lengths.append(math.sqrt(square) or 1.0)
            continue
        lengths.append(math.sqrt(max(square, epsilon)) if squares else max(math.sqrt(square), epsilon))
    products = [a * b for a, b in zip(p, t, strict=True)]
    factor = sign / math.prod(lengths) * (share or 1)
    return factor * math.fsum(products), abs(factor) * math.fsum(map(abs, products))


def among_the_largest(x, label, k):
    if not 0 <= label < len(x) or not all(map(math.isfinite, x)):
        return exactly(0.0)
    return exactly(float(sum(v > x[label] for v in x) < k))


def mean_by_variation(values):
    r, v = halves(values)
    terms = [a * b for a, b in zip(r, v, strict=True)]
    return math.fsum(terms) / math.fsum(v), math.fsum(map(abs, terms)) / math.fsum(v)


def adjusted(values, regressors):
    score, n = values
    found = (1 - score) * (n - 1) / (n - regressors - 1)
    return 1 - found, 1 + (1 + abs(score)) * (n - 1) / (n - regressors - 1)


def exactly(value):
    return value, 0.0


FORMULAS = {
    "running_mean": running_mean,
    "sum_of_exponentials": sum_of_exponentials,
    "share_of_sum": share_of_sum,
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
    "argmax": lambda x, **_: exactly(float(x.index(max(x)))),
    "relative_difference": relative_difference,
    "squared_logarithmic_difference": squared_logarithmic_difference,
    "huber": huber,
    "log_cosh": log_cosh,
    "poisson": poisson,
    "divergence": divergence,
    "hinge": hinge,
    "squared_hinge": lambda x, signed: tuple(v**2 for v in hinge(x, signed)),
    "other_class": lambda x: ((1 - x[1]) * x[0], (1 + abs(x[1])) * abs(x[0])),
    "own_class": lambda x: (x[1] * x[0], abs(x[1] * x[0])),
    "weighted": lambda x: (x[1] * x[0], abs(x[1] * x[0])),
    "hundred_means": lambda x: (100 * math.fsum(x) / len(x), 100 * math.fsum(map(abs, x)) / len(x)),
    "largest": lambda x: exactly(max(x)),
    "lead_of_others": lambda x: (max(x[0] - x[1] + 1, 0), abs(x[0]) + abs(x[1]) + 1),
    "cosine": cosine,
    "smoothed": lambda x, smoothing, share: (x[0] * (1 - smoothing) + share, abs(x[0]) + share),
    "no_class": lambda x: exactly(0.0),
    "among_the_largest": among_the_largest,
    "listed_first": lambda x, label, k: exactly(float(label in x[:k])),
    "running_sum": lambda x: (math.fsum(x), math.fsum(map(abs, x))),
    "sum_of_rows": lambda x: (math.fsum(x), math.fsum(map(abs, x))),
    "variation": lambda x: (x[0] - x[1] ** 2 / x[2], abs(x[0]) + x[1] ** 2 / abs(x[2])) if x[2] else (math.nan, 0.0),
    "share_explained": lambda x: (1 - x[0] / x[1], 1 + abs(x[0] / x[1])) if x[1] else (0.0, 0.0),
    "mean_by_variation": mean_by_variation,
    "adjusted": adjusted,
    "equal": lambda x: exactly(float(x[0] == x[1])),
    "on_the_same_side": lambda x, threshold: exactly(float(x[1] == float(x[0] > threshold))),
    "rounds_to": lambda x: exactly(float(x[1] == round(x[0]))),
}
