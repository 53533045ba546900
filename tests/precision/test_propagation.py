"""Error bars follow the formula: known answers, and NumPy's own float32 inside its bars."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import refkeras
from refkeras import precision
from refkeras.ops import activations, losses, softmax
from refkeras.ops.dense import dense
from refkeras.precision import compare, exact

U = 2.0**-24


def relative(x):
    return x.sigma / np.abs(x.value)


def test_the_same_error_meets_itself():
    x = exact(np.full(200, 1.5)) / 3.0 + 1e-3
    twice, cancelled = x * x, x - x
    assert not cancelled.sigma.any()
    # x·x doubles the error of x, and rounds once more
    np.testing.assert_allclose(relative(twice) ** 2, 4 * relative(x) ** 2 + (U / 3**0.5) ** 2 / 1, rtol=0.6)
    assert np.median(relative(twice) / relative(x)) > 1.9
    np.testing.assert_allclose((x + x).sigma, 2 * x.sigma)


def test_a_common_error_does_not_average_out():
    x = exact(1.0) / 3.0
    many = np.broadcast_to(x, (1000,)) * 1.0
    total = np.add.reduce(many) / 1000.0
    assert total.sigma > 0.9 * x.sigma


def test_sums_of_equal_terms():
    """One after the other in float32 onto a number that is there already: their roundings are much the same."""
    rng = np.random.default_rng(5)
    sigmas = []
    for _ in range(500):
        terms = np.full(rng.integers(3, 40), rng.uniform(0.01, 1), np.float32)
        terms[0] = rng.choice([terms[1], 2, 4, 8])
        total = np.float32(0)
        for term in terms:
            total = np.float32(total + term)
        bar = np.add.reduce(exact(terms, "float32"))
        sigmas.append(float(abs(total - bar.value) / bar.sigma))
    assert max(sigmas) < 4
    assert 0.5 < np.sqrt(np.mean(np.square(sigmas))) < 1.5
    several = np.add.reduce(exact(np.array([[0.1, 0.1, 0.1, 0.2], [0.1, 0.3, 0.5, 0.2]], "float32"), "float32"), axis=1)
    distinct = np.add.reduce(exact(np.array([[0.1, 0.1001, 0.1002, 0.2]], "float32"), "float32"), axis=1)
    np.testing.assert_allclose(several.sigma[0] / distinct.sigma[0], 2.5**0.5, rtol=1e-3)  # (3 · 3 + 1) / 4
    zeros = [np.add.reduce(exact(np.array([0.1, 0.2, 0.7, *[0.0] * n], "float32"), "float32")).sigma for n in (1, 9)]
    assert zeros[1] <= 2 * zeros[0]  # four times the additions, and no other factor


def test_inner_products_of_equal_terms():
    """The same, of products that are rounded before; a row or a column alone that is constant changes nothing."""
    rng = np.random.default_rng(6)
    sigmas = []
    for _ in range(500):
        a, b = (np.full(rng.integers(3, 40), rng.uniform(0.1, 1), np.float32) for _ in range(2))
        a, b = a[: min(len(a), len(b))], b[: min(len(a), len(b))]
        a[0] = rng.choice([a[1], 4, 8])
        total = np.float32(0)
        for term in a * b:
            total = np.float32(total + term)
        bar = (exact(a[None], "float32") @ exact(b[:, None], "float32"))[0, 0]
        sigmas.append(float(abs(total - bar.value) / bar.sigma))
    assert max(sigmas) < 4
    assert 0.5 < np.sqrt(np.mean(np.square(sigmas))) < 1.5
    rows = exact(np.array([[0.1, 0.1, 0.1, 0.2]], "float32"), "float32")
    constant = exact(np.full((4, 1), 0.7, "float32"), "float32")
    others = exact(np.full((4, 1), 0.7, "float32") + np.arange(4, dtype="float32")[:, None] * 1e-6, "float32")
    np.testing.assert_allclose((rows @ constant).sigma / (rows @ others).sigma, 2.5**0.5, rtol=1e-4)


def test_running_sums_of_equal_terms():
    """Each is as uncertain as a sum of the terms so far, wherever the equal ones stand."""
    rng = np.random.default_rng(7)
    sigmas = []
    for _ in range(200):
        terms = np.full(rng.integers(3, 100), rng.uniform(0.1, 1), np.float32)
        bar = np.cumsum(exact(terms, "float32"), axis=0)
        sigmas.extend(np.abs(np.cumsum(terms) - bar.value)[1:] / bar.sigma[1:])
    assert max(sigmas) < 4
    assert 0.5 < np.sqrt(np.mean(np.square(sigmas))) < 1.5
    terms = exact(rng.choice([0.0, 0.1, 0.3, 0.7], (2, 9, 3)).astype("float32"), "float32")
    running = np.cumsum(terms, axis=1)
    for n in range(1, 9):
        sums = np.add.reduce(terms[:, : n + 1], axis=1)
        np.testing.assert_allclose(running.sigma[:, n], sums.sigma, rtol=1e-6)


def test_softmax_of_one_sure_class():
    z = exact(np.array([[30.0, 0.1, 0.2]])) / 3.0 * 3.1
    y, _ = softmax.softmax(z)
    assert relative(y)[0, 0] < 2 * U  # not the error of e^z, which is ten times as large
    assert relative(y)[0, 1] > relative(y)[0, 0]


@pytest.mark.parametrize(
    ("operation", "exactly"),
    [
        (lambda x: x * 0.5, True),
        (lambda x: -x, True),
        (lambda x: x + 0.0, True),
        (lambda x: np.maximum(x, 0), True),
        (lambda x: np.abs(x), True),
        (lambda x: x / 4.0, True),
        (lambda x: x * 0.3, False),
        (lambda x: x / 3.0, False),
        (lambda x: np.exp(x), False),
    ],
)
def test_what_does_not_round(operation, exactly):
    x = exact(np.array([1.25, -3.0, 0.7]))
    assert operation(x).sigma.any() != exactly


def test_a_reciprocal_rounds_even_of_a_power_of_two():
    """Some processors approximate it (see Machine), but none a quotient."""
    x = exact(np.array([1.0, 2.0, -0.25]))
    assert (np.reciprocal(x).sigma > 0.5 * 2.0**-24 * np.abs(1 / x.value)).all()
    assert not (1.0 / x).sigma.any()


@pytest.mark.parametrize("square", [np.square, lambda x: x * x])
def test_the_square_of_what_cancels(square):
    """The derivative of a square is 0 there; what is left is the square of the error."""
    e = exact([0.7]) / 3.0 - exact([0.7]) / 3.0  # by two programs
    assert e.value == square(e).value == 0
    np.testing.assert_array_equal(square(e).deviations, e.deviations**2)
    assert e.sigma[0] ** 2 <= square(e).sigma[0] < 4 * e.sigma[0] ** 2
    assert not square(e * 0.0).sigma.any()


def test_what_is_infinite_or_not_may_be_anything():
    none = exact([1.0, 2.0]) / 3.0 * 3.0 - np.array([1.0, 1.0])
    with np.errstate(divide="ignore"):
        chosen = np.where(none == 0, 0.0, 1.0 / none)
    assert chosen.sigma[0] > 1e38
    assert chosen.sigma[1] < 1e-6
    assert np.isfinite((chosen * 0.5 + 1.0).sigma).all()


def with_error(value, relative_sigma):
    """A number whose standard deviation is this part of it: two of them cancel, and it is what is left."""
    large = exact([2.0**30 / 3.0]) * 1.0000001
    noise = large - exact([2.0**30 / 3.0]) * 1.0000001
    return value + noise * (value * relative_sigma / noise.sigma)


WITH_A_POLE = [np.reciprocal, lambda x: 3.0 / x, np.log, lambda x: np.log1p(x - 1.0)]


@pytest.mark.parametrize("function", [*WITH_A_POLE, np.sqrt])
@pytest.mark.parametrize("part", [0.001, 0.02, 0.06, 0.11, 0.124])
@pytest.mark.parametrize("value", [1e-9, 0.5, 3.0])
def test_errors_that_are_not_small_beside_a_pole(function, part, value):
    """A number anywhere within the alarm has its result within the alarm, too."""
    if function is WITH_A_POLE[3] and value < 0.1:
        return  # log1p loses what is far below 1
    x = with_error(value, part)
    assert x.sigma[0] == pytest.approx(part * value, rel=0.01)
    y = function(x)
    for end in (-7.99, -4.0, 4.0, 7.99):
        assert abs(function(value * (1 + end * part)) - y.value[0]) <= 8 * y.sigma[0]
    if part < 0.01:  # the derivative's, nearly
        slope = abs(function(value * (1 + 1e-6)) - function(value * (1 - 1e-6))) / 2e-6
        assert y.sigma[0] == pytest.approx(part * slope, rel=0.02)


@pytest.mark.parametrize("function", WITH_A_POLE)
def test_of_what_may_reach_a_pole_nothing_can_be_said(function):
    y = function(with_error(0.5, 0.2)) * 1e-6
    for found in (np.nan, np.inf, -np.inf, 1e30):
        assert compare(y, np.float32([found])).agrees
    nan = (y - y) / (y - y) + y
    assert np.isnan(nan.value[0])
    assert compare(nan, np.float32([3.0])).agrees
    sure = function(with_error(0.5, 0.1)) * 1e-6
    for found in (np.nan, np.inf, 1.0):
        assert not compare(sure, np.float32([found])).agrees
    assert np.isfinite((y * 0.5 + 1.0).sigma).all()


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_sum_that_is_surely_not_finite(number):
    """Its bar is of nothing, and no other number agrees with it."""
    x = exact([[1.0, number], [2.0, 3.0]]) * np.array([[1.0 / 3.0, 1.0]])
    for total in (np.add.reduce(x, 1), np.cumsum(x, 1)[:, -1], (x @ np.ones((2, 1)))[:, 0]):
        assert compare(total, np.float32([number, 3 + 2 / 3])).agrees
        assert compare(total, np.float32([3.0, 3 + 2 / 3])).sigmas.tolist()[0] == np.inf


def test_nothing_times_what_may_reach_a_pole():
    """0 times an infinity is NaN; each product of which a factor is one, alone and in a matrix product."""
    unknown, sure = 1.0 / with_error(0.5, 0.2), 1.0 / with_error(0.5, 0.1)
    nothing = with_error(0.3, 0.001) - 0.3
    for zero in (0.0, np.zeros(1), exact([0.0]), nothing, np.array([0])):
        for found in (np.nan, np.inf, 0.0, 1.0):
            for product in (unknown * zero, zero * unknown):
                assert compare(product, np.float32([found])).agrees
            assert compare(sure * zero, np.float32([found])).agrees == (found == 0.0)
    assert compare(nothing * nothing, np.float32([0.0])).agrees
    matrix = np.stack([np.broadcast_to(unknown, (2,)), np.broadcast_to(sure, (2,))])  # what may be in one row
    zeros = np.zeros((2, 3))
    nan = np.full((2, 3), np.nan, "float32")
    found = np.stack([nan[0], zeros[1]])
    assert compare(matrix @ zeros, found).agrees
    assert compare(zeros.T @ matrix.T, found.T).agrees
    assert np.isinf(compare(matrix @ zeros, nan).sigmas[1]).all()
    for infinite in (np.full(1, np.inf) + unknown, 1.0 / nothing, 1.0 / (1e-300 * unknown)):
        assert np.isinf(infinite.value)
        for found in (3.0, np.nan, np.inf, -np.inf):
            assert compare(infinite * 0.0, np.float32([found])).agrees
            assert compare(infinite, np.float32([found])).agrees
    overflow = np.full(1, np.inf) + exact([1e30]) / 3.0  # a sure one
    assert compare(overflow, np.float32([np.inf])).agrees and not compare(overflow, np.float32([3.0])).agrees


@pytest.mark.parametrize("part", [0.13, 0.3, 1.0, 50.0])
def test_the_root_of_what_may_be_nothing(part):
    """It may be 0, and as large as the root of the largest."""
    value = 1e-9
    root = np.sqrt(with_error(value, part))
    for found in (0.01 * np.sqrt(value), np.sqrt(value * (1 + 7.99 * part))):
        assert compare(root, np.float32([found])).agrees
    assert 8 * root.sigma[0] < 1.01 * np.sqrt(value) * max(1, np.sqrt(1 + 8 * part) - 1)
    assert not compare(root, np.float32([np.nan])).agrees
    step = 1e-5 / (root + 1e-7)  # Adam's
    assert compare(step, np.float32([1e-5 / 1.1e-7])).agrees
    if part < 3 / 8:
        assert not compare(step, np.float32([110.0])).agrees


def test_the_root_of_nothing_with_an_error():
    e = with_error(0.3, 0.001)
    nothing = e - 0.3
    assert nothing.value[0] == 0 < nothing.sigma[0]
    assert np.sqrt(nothing).sigma[0] == pytest.approx(np.sqrt(8 * nothing.sigma[0]) / 8)
    assert compare(np.sqrt(nothing - 1e-9), np.float32([0.01])).agrees
    assert not compare(np.sqrt(nothing - 0.3), np.float32([0.01])).agrees


def test_a_root_of_nothing_is_nothing():
    root = np.sqrt(exact([0.0, 4.0]) / 3.0)
    assert root.sigma[0] == 0 < root.sigma[1] < 1e-6


@pytest.mark.parametrize(("base", "exponent"), [(0.3, 17.0), (2.5, 0.7), (0.9, 300.0)])
def test_a_power_has_the_errors_of_both(base, exponent):
    p = exact([exponent]) / 3.0
    sigma = np.power(exact([base]), p).sigma[0]
    wanted = base ** (exponent / 3.0) * abs(np.log(base)) * p.sigma[0]
    own = np.power(exact([base]), exact([exponent / 3.0])).sigma[0]
    assert sigma**2 == pytest.approx(wanted**2 + own**2, rel=1.0)
    assert sigma > wanted / 2
    assert not np.power(exact([0.0]), p).sigma.any()


OVERFLOWING = {
    "sum": lambda a, b, c: a + b + c,
    "product": lambda a, b, c: a * b * c,
    "quotient": lambda a, b, c: a * b / c,
    "other quotient": lambda a, b, c: a / c * b,
    "exponential": lambda a, b, c: np.exp(a) * b + c,
    "square": lambda a, b, c: np.square(a) / b - c,
    "matrix product": lambda a, b, c: (np.expand_dims(a, 0) @ np.expand_dims(b, 1) * c)[0],
}


@pytest.mark.parametrize("machine", ["float32", "float16"])
@pytest.mark.parametrize("name", OVERFLOWING)
@given(data=st.data())
def test_what_overflows_is_infinite(name, machine, data):
    """On its way as well: in which order an engine divides may be seen."""
    largest = np.finfo(machine).max
    number = st.floats(0.0, float(largest), width=np.finfo(machine).bits) | st.floats(0.25, 128.0, width=16)
    given = [np.array(data.draw(st.lists(number, min_size=1, max_size=1)), machine) for _ in range(3)]
    with np.errstate(all="ignore"):
        plain = OVERFLOWING[name](*given)
    assert plain.dtype == machine
    assert compare(OVERFLOWING[name](*(exact(x, machine) for x in given)), plain).agrees


def test_what_may_overflow_is_unknown():
    """Within the alarm of the largest number; farther away it is infinite, or is not, for certain."""
    one = exact([1.0], "float32") / 3.0 * 3.0
    largest = float(np.finfo("float32").max)
    less, almost, beyond = (one * 2.0**127 * np.float32(part) for part in (1.9999, 2 - 2.0**-23, 2.0001))
    assert compare(less, np.float32([1.9999]) * np.float32(2.0**127)).agrees
    assert not compare(less, np.float32([np.inf])).agrees
    for found in (np.inf, largest):
        assert compare(almost, np.float32([found])).agrees
    assert compare(beyond, np.float32([np.inf])).agrees
    assert not compare(beyond, np.float32([largest])).agrees
    assert compare(np.reciprocal(beyond), np.float32([0.0])).agrees


def test_what_underflows_may_be_flushed():
    """A machine that keeps numbers below its smallest normal one, and one that does not, lie both in the bar."""
    tiny = exact([2.0**-100, 2.0**-90], guaranteed=True) * 2.0**-30
    for kept in (2.0**-130, 0.0):
        assert compare(tiny * 2.0**20, np.float32([kept * 2.0**20, 2.0**-100])).agrees
    assert tiny.sigma[1] == 0
    assert (tiny * 2.0**20).bound[0] >= 2.0**-110


def test_what_an_exponential_may_flush():
    """TensorFlow's softmax computes half of the exponential first: below twice the smallest number it gives 0."""
    least = 2.0**-125
    at = np.float32(np.log(least))
    for x, flushed in ((-86.9, True), (at - 5e-4, True), (at + 5e-4, False), (-86.6, False)):
        bar = np.exp(exact([x]))
        assert (bar.value[0] < least) == flushed
        assert compare(bar, np.zeros(1, "float32")).agrees == flushed
        assert compare(bar, np.exp(np.float32([x]))).agrees
        larger = bar * 2.0**30  # what became of it is no number that may be flushed
        assert compare(larger, np.zeros(1, "float32")).agrees == flushed
    half = np.exp(exact([-86.6])) * 0.5  # which is below twice the smallest number, and kept
    assert not compare(half, np.zeros(1, "float32")).agrees


def test_what_float16_keeps_below_its_smallest_number():
    tiny = exact([2.0**-20, 2.0**-15], "float16", guaranteed=True) / 3.0
    step = 2.0**-24 / np.sqrt(12)
    assert ((tiny.sigma > step / 2) & (tiny.sigma < 2 * step)).all()  # beside it the division's own rounding
    assert (np.abs(np.float16(tiny.value) - tiny.value) <= tiny.bound).all()
    assert not (-exact([2.0**-20], "float16")).sigma.any()


def test_products_round_as_the_machine_says():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 50)), rng.normal(size=(50, 30))
    size = np.abs(a) @ np.abs(b)
    ratios = {}
    for name in ("float64", "float32", "tf32", "bfloat16", "float16"):
        product = exact(a, name) @ exact(b, name)
        machine = precision.machine(name)
        ratios[name] = np.median(product.sigma / (size * machine.products))
    assert all(0.02 < ratio < 1 for ratio in ratios.values()), ratios


FORMULAS = {
    "dense": lambda x: dense(x, x[:, :4].T @ x, None)[0],
    "softmax": lambda x: softmax.softmax(x)[0],
    "log softmax": lambda x: softmax.log_softmax(x)[0],
    "sigmoid gradient": lambda x: activations.sigmoid(x)[1](x),
    "gelu": lambda x: activations.gelu(x, True)[0],
    "mish": lambda x: activations.mish(x)[0],
    "mean squared error": lambda x: losses.mean_squared_error(np.zeros_like(x), x)[0],
    "crossentropy": lambda x: losses.softmax_crossentropy(np.ones_like(x), x)[0],
    "squareplus": lambda x: activations.squareplus(x)[0],
    "softplus": lambda x: activations.softplus(x)[0],
}


@settings(max_examples=15)
@given(st.sampled_from(sorted(FORMULAS)), st.integers(0, 2**32), st.sampled_from([0.1, 1.0, 8.0]))
def test_float32_lies_within_its_bars(name, seed, scale):
    x = (np.random.default_rng(seed).normal(size=(5, 6)) * scale).astype("float32")
    if name == "dense":
        x = x[:4]
    formula = FORMULAS[name]
    try:
        value = formula(x)
    except ValueError:
        return
    found = compare(formula(exact(x, guaranteed=True)), value)
    assert found.agrees, (name, found.largest, found.beyond_bound.any())


def test_a_constant_that_is_not_the_engines_is_noticed():
    """0.999 is not float32(0.999): the difference is many sigma after a few hundred products."""
    x, y = exact(1.0), np.float32(1)
    for _ in range(300):
        x, y = x * 0.999, y * np.float32(0.999)
    assert compare(x, y).largest < 5
    assert abs(0.999**300 - x.value) > 8 * x.sigma


def test_training_leaves_plain_arrays():
    model = refkeras.Sequential([refkeras.Input((3,)), refkeras.layers.Dense(2)])
    model.compile("adam", "mse")
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    run = precision.train(model, x, y, epochs=2)
    for weight, bar in zip(model.get_weights(), run.weights, strict=True):
        assert type(weight) is np.ndarray and weight.dtype == np.float32
        np.testing.assert_array_equal(weight, bar.value.astype("float32"))
    model.fit(x, y, verbose=0)  # goes on without bars
    assert all(type(v.value) is np.ndarray for v in model.optimizer.variables)


def test_the_same_bars_every_time():
    layer = refkeras.layers.Dense(3)
    layer.build((None, 4))
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    np.testing.assert_array_equal(precision.evaluate(layer, x).sigma, precision.evaluate(layer, x).sigma)


def test_refusals():
    with pytest.raises(ValueError, match="not built"), precision.bars(refkeras.layers.Dense(2)):
        pass
    layer = refkeras.layers.Dense(2, dtype="float64")
    layer.build((None, 2))
    with pytest.raises(TypeError, match=r"float64.*float32"):
        precision.evaluate(layer, np.ones((1, 2)))


def moved_to(numbers):
    """A float32 that moves to one number after the other, m + (x - m), as NumPy has it and with error bars."""
    plain, barred = np.zeros((), "float32"), exact(np.zeros(()), "float32")
    for x in numbers:
        x = np.asarray(x, "float32")
        plain = (plain + (x - plain)).astype("float32")
        barred = barred + (exact(x, "float32") - barred)
    return plain, barred


def test_a_difference_that_may_be_as_large_as_the_next_power_of_two():
    """The third number comes to a multiple of 2^-18 there, 1.5 e-5: less the fourth that rounds, ours does not."""
    plain, barred = moved_to([-2.0973258e-4, 36.1587, 1.3670285e-5, 6.0708085e-6])
    assert compare(barred, plain).agrees


def test_how_much_a_difference_may_round():
    """By half a unit in the last place of the largest that it may be, spread evenly: a deviation of that by √3."""
    _, m = moved_to([-2.0973258e-4, 36.1587, 1.3670285e-5])
    difference = exact(np.float32(6.0708085e-6), "float32") - m
    further = np.abs(difference.deviations + m.deviations)
    assert 2.0**-18 < abs(difference.value) < 2.0**-17
    assert 2.0**-16 < abs(difference.value) + 8 * m.sigma < 2.0**-15
    np.testing.assert_allclose(further, 2.0**-16 * 2.0**-24 / 3**0.5, rtol=1e-6)  # the sum cancels to nine digits


@given(st.lists(st.floats(-20, 6), min_size=3, max_size=6), st.integers(0, 2**32))
@example([6, -16.2, -17.3], 0)
def test_moving_from_number_to_number(exponents, seed):
    factors = np.random.default_rng(seed).uniform(-2, 2, len(exponents))
    plain, barred = moved_to(factors * 2.0 ** np.asarray(exponents))
    assert compare(barred, plain).agrees


def test_what_is_exact_stays_so():
    """Numbers that are near each other, within their bars, have an exact difference."""
    a = exact(np.array([3.0, 1.0 / 3.0, 1e-3]), "float32") / 3.0
    b = exact(np.array([2.0, 0.25, 9e-4]), "float32") / 3.0
    assert np.array_equal((a - b).deviations, a.deviations - b.deviations)


@given(
    st.lists(st.floats(-3, 3, width=32).filter(lambda x: x == 0 or abs(x) > 1e-30), min_size=1, max_size=6),
    st.integers(0, 63),
    st.sampled_from([np.add, np.subtract]),
)
def test_nothing_is_added_without_rounding(numbers, zeros, add):
    """Where a term is 0 for certain the sum is the other one, whether the others are certain or not."""
    x = exact(np.array(numbers), "float32") / 3.0
    none = np.array([zeros >> i & 1 for i in range(len(numbers))], bool)
    for other in (exact(np.ones(len(numbers)), "float32"), x):
        y = np.where(none, 0.0, other)
        assert np.array_equal(add(x, y).sigma[none], x.sigma[none])
        assert np.array_equal(add(y, x).sigma[none], x.sigma[none])


def test_a_bound_that_reaches_beyond_the_largest_number():
    """What may be infinite for certain is no alarm; what cannot be is one."""
    one = exact([1.0], "float32", guaranteed=True) / 3.0 * 3.0
    less, almost, beyond = (one * 2.0**127 * np.float32(part) for part in (1.9999, 2 - 2.0**-23, 2.0001))
    infinite = np.float32([np.inf])
    assert not compare(almost, infinite).beyond_bound.any() and compare(almost, infinite).agrees
    assert not compare(beyond, infinite).beyond_bound.any() and compare(beyond, infinite).agrees
    assert compare(less, infinite).beyond_bound.all()
    assert compare(beyond, np.float32([1e38])).beyond_bound.all()
