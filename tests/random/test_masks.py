"""Dropout's masks and what counts them."""

import warnings

import numpy as np
import pytest

from refkeras import random, semantics

ENGINES = ["keras-3@tensorflow", "tf_keras", "keras-3@jax", "keras-3@torch", "keras-3@numpy"]


def bits(mask):
    return "".join("1" if kept else "0" for kept in mask.reshape(-1))


def test_known_masks():
    generator = random.mask_generator(7)
    assert bits(random.keep_mask((3, 5), 0.4, generator)) == "110101111111110"
    assert bits(random.keep_mask((3, 5), 0.4, generator)) == "011111100111111"
    assert generator.state.numpy().tolist() == [7, 2]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_share_that_is_kept(engine, dtype):
    with semantics.use(engine):
        generator = random.mask_generator(3)
        for rate in (0.1, 0.5, 0.83):
            kept = random.keep_mask((200, 300), rate, generator, dtype)
            assert kept.dtype == bool
            assert abs(kept.mean() - (1 - rate)) < 5 * (rate * (1 - rate) / kept.size) ** 0.5


@pytest.mark.parametrize("engine", ENGINES)
def test_rates_0_and_1_draw_nothing(engine):
    with semantics.use(engine):
        generator, other = random.mask_generator(3), random.mask_generator(3)
        assert random.keep_mask((2, 3), 0.0, generator).all()
        assert not random.keep_mask((2, 3), 1.0, generator).any()
        drawn = random.keep_mask((9,), 0.5, generator)
        random.set_random_seed(7)
        assert np.array_equal(drawn, random.keep_mask((9,), 0.5, other))


def test_the_rate_is_rounded_as_the_values_are():
    # 0.1 in float32 is above 0.1: the mantissa ⌈0.1 · 2²³⌉ decides otherwise in float64.
    family = random.mask_generator(0).family
    edge = np.uint32(np.ceil(float(np.float32(0.1)) * 2.0**23))
    assert family.kept(np.array([edge - 1, edge], np.uint32), 0.1).tolist() == [False, True]
    wide = np.uint64(np.ceil(0.1 * 2.0**52))
    assert family.kept(np.array([wide - 1, wide], np.uint64), 0.1).tolist() == [False, True]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keep_factor(engine, dtype):
    with semantics.use(engine):
        factor = random.keep_factor(0.3, dtype)
        assert factor.dtype == dtype
        assert abs(float(factor) - 1 / 0.7) < 3 * np.finfo(dtype).eps


def lstm(generator, **options):
    return random.lstm_masks(
        generator, (2, 4, 3), 5, **{"dropout": 0.0, "recurrent_dropout": 0.0, "training": True, **options}
    )


@pytest.mark.parametrize(
    "options, shapes, draws",
    [
        ({"dropout": 0.3}, ([(2, 3)], None), 1),
        ({"dropout": 0.3, "implementation": 1}, ([(2, 3)] * 4, None), 4),
        ({"recurrent_dropout": 0.3}, (None, [(2, 5)] * 4), 4),
        ({"dropout": 0.3, "recurrent_dropout": 0.3}, ([(2, 3)] * 4, [(2, 5)] * 4), 8),
        ({"dropout": 1.0, "recurrent_dropout": 0.3}, (None, [(2, 5)] * 4), 4),
        ({}, (None, None), 0),
    ],
)
def test_keras_3_s_lstm_masks(options, shapes, draws):
    generator = random.mask_generator(7)
    masks = lstm(generator, **options)
    assert [group and [mask.shape for mask in group] for group in masks] == list(shapes)
    assert generator.state.numpy().tolist() == [7, draws]
    for group in masks:
        for mask in group or ():
            assert set(np.unique(mask)) <= {np.float32(0), np.float32(1 / 0.7)} and mask.dtype == np.float32


def test_keras_3_s_lstm_draws_in_inference_too():
    generator, other = random.mask_generator(7), random.mask_generator(7)
    assert lstm(generator, dropout=0.3, recurrent_dropout=0.5, training=False) == (None, None)
    assert generator.state.numpy().tolist() == [7, 8]
    lstm(other, dropout=0.3, recurrent_dropout=0.5)
    assert np.array_equal(random.keep_mask((50,), 0.5, generator), random.keep_mask((50,), 0.5, other))


def test_pytorch_s_global_generator_moves_in_inference_too():
    with semantics.use("keras-3@torch"):
        after = []
        for training in (True, False):
            random.set_random_seed(7)
            lstm(random.mask_generator(), dropout=0.3, recurrent_dropout=0.5, training=training)
            after.append(random.keep_mask((50,), 0.5, random.mask_generator()))
        assert np.array_equal(*after)


def test_pytorch_fills_masks_in_the_order_of_memory():
    with semantics.use("keras-3@torch"):
        plain = random.keep_mask((4, 3, 2), 0.5, random.mask_generator())
        random.set_random_seed(7)
        across = random.keep_mask((3, 4, 2), 0.5, random.mask_generator(), time_major=True)
        assert np.array_equal(across, plain.swapaxes(0, 1))


def test_xla_takes_other_bits():
    plain = random.keep_mask((50,), 0.5, random.mask_generator(7))
    with random.Program(jit_compile=True):
        compiled = random.keep_mask((50,), 0.5, random.mask_generator(7))
    assert not np.array_equal(plain, compiled)
    with random.Program(jit_compile=False):
        assert np.array_equal(random.keep_mask((50,), 0.5, random.mask_generator(7)), plain)


# -- tf_keras: operations of a program -----------------------------------------------------------


@pytest.fixture
def tf_keras():
    with semantics.use("tf_keras"):
        random.set_random_seed(7)
        yield


def masks_of(program, generators, size=(3, 4)):
    with program:
        return [random.keep_mask(size, 0.5, generator) for generator in generators]


def test_an_operation_is_its_place(tf_keras):
    generators = [random.mask_generator() for _ in range(2)]
    program, again = random.Program(), random.Program()
    first, second = masks_of(program, generators), masks_of(program, generators)
    assert not np.array_equal(first[0], first[1]) and not np.array_equal(first[0], second[0])
    # Another program starts over; whose generator asks does not matter, only the place does.
    assert np.array_equal(masks_of(again, generators[::-1]), first)
    assert np.array_equal(masks_of(again, generators), second)


def test_seeded_operations_are_not_counted(tf_keras):
    plain, seeded = random.mask_generator(), random.mask_generator(11)
    alone = masks_of(random.Program(), [plain])[0]
    assert np.array_equal(masks_of(random.Program(), [seeded, plain])[1], alone)


def test_runs_are_counted_whatever_their_sizes(tf_keras):
    generator = random.mask_generator()
    program, other = random.Program(), random.Program()
    for size in ((3, 4), (3, 4), (3, 4), (2, 4)):
        last = masks_of(program, [generator], size)
    masks_of(other, [generator], (1, 36))
    assert np.array_equal(masks_of(other, [generator], (2, 4)), last)


def test_seeding_lets_a_program_start_over(tf_keras):
    generator, program = random.mask_generator(), random.Program()
    first = masks_of(program, [generator])
    masks_of(program, [generator])
    random.restart_operations()
    assert np.array_equal(masks_of(program, [generator]), first)
    random.set_random_seed(8)
    # The seeds were fixed when the program was traced.
    assert np.array_equal(masks_of(program, [generator]), first)
    assert not np.array_equal(masks_of(random.Program(), [generator]), first)


def test_eager_draws(tf_keras):
    generator = random.mask_generator()
    eager = [random.keep_mask((3, 4), 0.5, generator) for _ in range(2)]
    assert not np.array_equal(*eager)
    # Two layers of one seed share a kernel, and so its counter.
    a, b = random.mask_generator(11), random.mask_generator(11)
    first, second = random.keep_mask((3, 4), 0.5, a), random.keep_mask((3, 4), 0.5, b)
    assert not np.array_equal(first, second)
    random.set_random_seed(7)
    assert np.array_equal(random.keep_mask((3, 4), 0.5, random.mask_generator(11)), first)


def test_symbolic_calls_take_seeds(tf_keras):
    generator = random.mask_generator(11)
    random.symbolic_call(generator, 4)
    drawn = random.keep_mask((20,), 0.5, generator)
    random.set_random_seed(7)
    assert np.array_equal(random.keep_mask((20,), 0.5, random.mask_generator(15)), drawn)


def test_the_traces_of_a_function():
    programs = random.Programs()
    four = programs("x, y", 4)
    assert programs("x, y", 4) is four
    any_size = programs("x, y", 5)
    assert any_size is not four
    assert programs("x, y", 6) is any_size and programs("x, y", 4) is four and programs("x, y") is any_size
    from_fit = programs("x, y, w")
    assert from_fit is not any_size and programs("x, y, w", 4) is from_fit


def test_tf_keras_masks_all_steps_at_once_on_its_default_path(tf_keras):
    with random.Program():
        masks = lstm(random.mask_generator(), dropout=0.5)
    assert [mask.shape for mask in masks.inputs] == [(2, 4, 3)] and masks.recurrent is None
    with random.Program():
        backwards = lstm(random.mask_generator(), dropout=0.5, go_backwards=True)
    assert np.array_equal(backwards.inputs[0], masks.inputs[0][:, ::-1])
    with random.Program():
        assert lstm(random.mask_generator(), dropout=0.5, training=False) == (None, None)


def test_tf_keras_unrolled_masks_are_constant(tf_keras):
    with random.Program():
        masks = lstm(random.mask_generator(), dropout=0.5, recurrent_dropout=0.5, unroll=True, fused=False)
    assert [mask.shape for mask in masks.inputs] == [(2, 3)] * 4
    assert [mask.shape for mask in masks.recurrent] == [(2, 5)] * 4


def test_what_tf_keras_does_not_repeat_is_drawn_with_one_warning(tf_keras):
    options = {"dropout": 0.5, "recurrent_dropout": 0.5, "fused": False}
    with random.Program(), pytest.warns(UserWarning, match="unroll=True"):
        masks = lstm(random.mask_generator(), **options)
    assert [mask.shape for mask in masks.inputs + masks.recurrent] == [(2, 4, 3)] * 4 + [(2, 4, 5)] * 4
    with random.Program(), warnings.catch_warnings():
        warnings.simplefilter("error")
        lstm(random.mask_generator(), **options)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: random.fit_order(10, 4, shuffle="batch"),
        lambda: masks_of(random.Program(jit_compile=True), [random.mask_generator()]),
    ],
)
def test_other_draws_that_are_not_matched_warn(tf_keras, draw):
    with pytest.warns(UserWarning, match="other numbers than the engine"):
        draw()
