"""How optimizers are stepped, where their numbers lie, and what they refuse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from refkeras import Variable, naming, semantics
from refkeras.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop, schedules
from tests.optimizers.boxed import Boxed
from tests.optimizers.small_model import SHAPES, assert_same, gradients, model, states

MAKERS = {
    "SGD": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda: RMSprop(0.1, momentum=0.5, centered=True),
    "Adam": lambda: Adam(0.1),
    "AMSGrad": lambda: Adam(0.1, amsgrad=True),
    "AdamW": lambda: AdamW(0.1, weight_decay=0.2),
    "clipvalue": lambda: Adam(0.1, clipvalue=0.3),
    "clipnorm": lambda: Adam(0.1, clipnorm=0.3),
    "global_clipnorm": lambda: Adam(0.1, global_clipnorm=0.3),
    "average": lambda: Adam(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "accumulation": lambda: Adam(0.1, gradient_accumulation_steps=3, loss_scale_factor=4.0),
    "spared": lambda: spared(AdamW(0.1, weight_decay=0.2)),
}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def spared(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def expected(make, steps=7, dtypes=("float32",) * 5):
    """Return the states after each step, variable by variable: the way without vectors."""
    optimizer, variables = make(), model(dtypes)
    optimizer.build(variables)
    optimizer.gradient_views()
    for variable in variables:
        variable._value = variable.value.copy()  # no longer where the optimizer put it
    result = []
    for step in range(steps):
        optimizer.apply(gradients(step), variables)
        assert not optimizer._layout.in_place()
        result.append(states(optimizer, variables))
    return result


@makers
@pytest.mark.parametrize("dtypes", [("float32",) * 5, ("float32", "float64", "float32", "float64", "float32")])
def test_vectors_make_no_difference(make, dtypes):
    """Vectors, views and lists of views give the same bits as one variable after the other."""
    reference = expected(make, dtypes=dtypes)
    for way in ("list", "list without variables", "views", "list of views", "pairs"):
        optimizer, variables = make(), model(dtypes)
        optimizer.build(variables)
        for step, state in enumerate(reference):
            given = gradients(step)
            if way == "list":
                optimizer.apply(given, variables)
            elif way == "list without variables":
                optimizer.apply(tuple(given))
            elif way == "pairs":
                optimizer.apply_gradients(zip(given, variables, strict=True))
            else:
                views = optimizer.gradient_views(variables)
                for view, gradient in zip(views, given, strict=True):
                    view[...] = gradient
                if way == "views":
                    optimizer.apply_flat()
                else:
                    optimizer.apply(views, variables)
            assert optimizer._layout.in_place()
            assert_same(states(optimizer, variables), state)


@makers
def test_gradients_stay_as_they_are(make):
    optimizer, variables = make(), model()
    for step in range(4):
        given = gradients(step)
        optimizer.apply(given, variables)
        assert_same(given, gradients(step))


@makers
def test_weights_are_views_of_one_vector(make):
    optimizer, variables = make(), model()
    before = [v.numpy() for v in variables]
    views = optimizer.gradient_views(variables)
    assert_same([v.numpy() for v in variables], before)
    assert len({id(v.value.base) for v in variables}) == 1
    assert [view.shape for view in views] == SHAPES
    assert all(view is again for view, again in zip(views, optimizer.gradient_views(), strict=True))
    assert [view.shape for view in optimizer.gradient_views(variables[3:1:-1])] == [(3, 2), ()]


def test_each_dtype_has_a_vector():
    optimizer, variables = Adam(), model(("float32", "float64", "float32", "float64", "float32"))
    optimizer.apply(gradients(0), variables)
    assert [v.dtype for v in variables] == ["float32", "float64", "float32", "float64", "float32"]
    assert [cell.kind for cell in optimizer._layout.cells] == [np.float32, np.float64]


@makers
def test_two_optimizers_share_variables(make):
    """The one laid out last has them in its vector; the other goes on, where they are."""
    variables, first, second = model(), make(), make()
    alone, one, two = model(), make(), make()
    for step in range(8):
        (first if step % 2 else second).apply(gradients(step), variables)
        for variable in alone:
            variable._value = variable.value.copy()  # where neither optimizer put it
        (one if step % 2 else two).apply(gradients(step), alone)
    assert first._layout.in_place() and not second._layout.in_place()
    assert_same(states(first, variables), states(one, alone))
    assert_same(states(second, variables), states(two, alone))


def test_a_variable_that_moved_is_updated_where_it_is():
    optimizer, variables = SGD(0.5), model()
    optimizer.apply(gradients(0), variables)
    elsewhere = np.zeros(3, "float32")
    variables[1].bind(elsewhere)
    before = elsewhere.copy()
    optimizer.apply(gradients(1), variables)
    np.testing.assert_array_equal(elsewhere, before - np.float32(0.5) * gradients(1)[1])
    optimizer.gradient_views(variables)[1][...] = 1
    optimizer.apply_flat()
    np.testing.assert_array_equal(elsewhere, before - np.float32(0.5) * gradients(1)[1] - np.float32(0.5))


@makers
def test_slots_survive_the_layout(make):
    """Loaded before the first step or set between two, slots are what counts."""
    optimizer, variables = make(), model()
    for step in range(4):
        optimizer.apply(gradients(step), variables)
    store = {}
    optimizer.save_own_variables(store)
    again, copies = make(), model()
    for twin, variable in zip(copies, variables, strict=True):
        twin.assign(variable)
    again.build(copies)
    again.load_own_variables(store)
    other, others = make(), model()
    other.apply(gradients(9), others)
    other.set_weights([v.numpy() for v in optimizer.variables])
    for twin, variable in zip(others, variables, strict=True):
        twin.assign(variable)
    for step in range(4, 8):
        for one, ws in ((optimizer, variables), (again, copies), (other, others)):
            one.apply(gradients(step), ws)
    assert_same(states(again, copies), states(optimizer, variables))
    assert_same(states(other, others), states(optimizer, variables))


@makers
def test_arrays_of_another_type(make):
    """Variables that hold an array type of their own keep it, and so do the slots, with the same numbers."""
    reference = expected(make, steps=6)
    for switch in (0, 3):
        optimizer, variables = make(), model()
        if switch:
            optimizer.build(variables)
        for step in range(6):
            if step == switch:
                for variable in variables:
                    variable._value = Boxed(variable.numpy())
            given = [Boxed(g) for g in gradients(step)] if step >= switch else gradients(step)
            optimizer.apply(given, variables)
            slots = optimizer.variables[2:]
            assert all(isinstance(v.value, Boxed) == (step >= switch) for v in (*variables, *slots))
        boxed = [v.value.value if isinstance(v.value, Boxed) else v.value for v in (*variables, *optimizer.variables)]
        assert_same(boxed, reference[-1])


@makers
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
def test_copies_go_on_alone(make, duplicate):
    optimizer, variables = make(), model()
    optimizer.apply(gradients(0), variables)
    before = states(optimizer, variables)
    again, copies = duplicate((optimizer, variables))
    for step in range(1, 5):
        again.apply(gradients(step), copies)
    assert_same(states(optimizer, variables), before)
    for step in range(1, 5):
        optimizer.apply(gradients(step), variables)
    assert_same(states(optimizer, variables), states(again, copies))


def test_hyperparameters_can_be_changed():
    optimizer, w = SGD(1.0, momentum=0.5), Variable(np.zeros(1, "float32"))
    optimizer.apply([np.ones(1)], [w])
    optimizer.momentum = 0.25
    optimizer.learning_rate = 2.0
    optimizer.apply([np.ones(1)], [w])
    assert float(w[0]) == -1 - 2.25


class Doubling(Optimizer):
    """An optimizer of one's own: steps of twice the rate, and a count of its steps."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.counts = self.add_optimizer_variables(variables, "count", initializer="ones")

    def update_step(self, gradient, variable, learning_rate):
        self.assign_add(self.counts[self._position(variable)], 1)
        self.assign_sub(variable, 2 * learning_rate * gradient)


def test_an_optimizer_of_ones_own():
    naming.reset()
    optimizer, w = Doubling(0.5, weight_decay=0.5, clipvalue=2.0), Variable(np.ones(2, "float32"), name="w")
    optimizer.apply([np.array([1.0, 9.0])], [w])
    np.testing.assert_array_equal(w.numpy(), [0.75 - 1, 0.75 - 2])
    assert [v.path for v in optimizer.variables] == ["doubling/iteration", "doubling/learning_rate", "doubling/w_count"]
    np.testing.assert_array_equal(optimizer.variables[2], [2, 2])
    with pytest.raises(NotImplementedError, match="update_step"):
        Optimizer(0.1).apply([np.ones(2)], [w])


class Clipped(Adam):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(np.sign(gradient), variable, learning_rate)


def test_a_built_in_update_step_can_be_extended():
    variables, twins = model(), model()
    optimizer, plain = Clipped(0.1), Adam(0.1)
    for step in range(3):
        optimizer.apply(gradients(step), variables)
        plain.apply([np.sign(g) for g in gradients(step)], twins)
    assert_same([v.numpy() for v in variables], [v.numpy() for v in twins])


def test_missing_gradients():
    optimizer, variables = SGD(1.0), model()
    before = [v.numpy() for v in variables]
    given = gradients(0)
    given[1] = given[3] = None
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['bias', 'kernel'\]"):
        optimizer.apply(given, variables)
    for variable, old, gradient in zip(variables, before, given, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old if gradient is None else old - gradient)


def test_a_rate_that_is_a_schedule_or_a_callable():
    schedule = schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])
    optimizer, w = SGD(schedule), Variable(np.zeros(1, "float32"))
    for expected_w in (-1, -1.5, -1.75):
        optimizer.apply([np.ones(1)], [w])
        assert w[0] == expected_w
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = lambda: 8.0
    optimizer.apply([np.ones(1)], [w])
    assert w[0] == -9.75
    with pytest.raises(AttributeError, match="callable"):
        optimizer.learning_rate = 0.1
    fixed = SGD(0.5)
    assert len(fixed.variables) == 2
    fixed.learning_rate = schedule
    assert [v.name for v in fixed.variables] == ["iteration"]
    assert float(fixed.learning_rate) == 1.0


def test_loss_scale():
    optimizer, w = SGD(1.0, loss_scale_factor=8.0), Variable(np.zeros(1, "float32"))
    assert optimizer.scale_loss(2.0) == 16.0
    optimizer.apply([np.full(1, 16.0)], [w])
    assert w[0] == -2


def test_final_values():
    """The average is the weights after the first step, and moves by half the way to them afterwards."""
    optimizer, variables = SGD(1.0, use_ema=True, ema_momentum=0.5), model()
    with pytest.raises(AttributeError, match="not built"):
        optimizer.finalize_variable_values(variables)
    averages = []
    for step in range(3):
        optimizer.apply(gradients(step), variables)
        weights = [v.numpy() for v in variables]
        averages = [(a + w) / 2 for a, w in zip(averages, weights, strict=True)] if step else weights
    optimizer.finalize_variable_values(variables[::-1])
    for variable, average in zip(variables, averages, strict=True):
        np.testing.assert_allclose(variable.value, average, rtol=1e-6)


def test_unbuilt():
    with pytest.raises(ValueError, match=r"must already be built"):
        SGD().apply([np.ones(1)])
    SGD().apply([])
    with pytest.warns(UserWarning, match="Skipping variable loading"):
        SGD().load_own_variables({})


def test_semantics_are_those_of_construction():
    with semantics.use("keras-2.0"):
        optimizer = Adam(lr=0.25, decay=0.5)
    assert float(optimizer.lr) == 0.25 and optimizer.name == "Adam"
    with pytest.raises(AttributeError, match="learning_rate"):
        _ = Adam().lr
