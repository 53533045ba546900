"""What optimizers refuse: before anything has changed, by a message that says what is wrong."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from refkeras import Variable, optimizers
from refkeras.optimizers import SGD, Adam
from tests.optimizers.small_model import assert_same, gradients, model, states

BAD = {
    "no gradient": (lambda o, v: o.apply([None] * 5, v), ValueError, "No gradients"),
    "too few": (lambda o, v: o.apply(gradients(0)[:4]), ValueError, "4 gradients, but the optimizer is tracking 5"),
    "too few for the variables": (lambda o, v: o.apply(gradients(0)[:4], v), ValueError, "4 gradients .* 5 variables"),
    "shape": (lambda o, v: o.apply([*gradients(0)[:4], np.ones((2, 1))], v), ValueError, r"'bias.*\(2, 1\).*\(1, 2\)"),
    "broadcast": (lambda o, v: o.apply([np.ones(()), *gradients(0)[1:]], v), ValueError, r"\(\).*\(4, 3\)"),
    "unknown": (
        lambda o, v: o.apply(gradients(0), [*v[:4], Variable(np.ones((1, 2)))]),
        ValueError,
        "Unknown variable",
    ),
    "twice": (lambda o, v: o.apply([np.ones(3)] * 2, [v[1], v[1]]), ValueError, "twice"),
    "no pairs": (lambda o, v: o.apply_gradients([]), ValueError, "none"),
    "a string": (lambda o, v: o.apply([*gradients(0)[:4], [["a", "b"]]], v), ValueError, "convert"),
    "weights of another number": (lambda o, v: o.set_weights([1]), ValueError, "1 weights"),
    "weights of another shape": (lambda o, v: o.set_weights([np.ones(3)] * 12), ValueError, "iteration"),
    "set to a string": (lambda o, v: setattr(o, "learning_rate", "fast"), TypeError, "'fast'"),
    "views of others": (lambda o, v: o.gradient_views([Variable(1.0)]), ValueError, "Unknown variable"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_before_anything_changes(name):
    call, error, message = BAD[name]
    optimizer, variables = Adam(), model()
    optimizer.build(variables)
    before = states(optimizer, variables)
    with pytest.raises(error, match=message):
        call(optimizer, variables)
    assert_same(states(optimizer, variables), before)


CONSTRUCTORS = {
    "lr": (lambda: Adam(lr=0.1), "'lr'. Did you mean 'learning_rate'"),
    "misspelt": (lambda: Adam(beta1=0.1), "'beta1'. Did you mean 'beta_1'"),
    "rate": (lambda: SGD(1), "learning_rate=1"),
    "momentum": (lambda: SGD(momentum=2.0), "momentum=2.0"),
    "clips": (lambda: SGD(clipnorm=1.0, clipvalue=2.0), "clipnorm=1.0, clipvalue=2.0"),
    "name": (lambda: SGD(name="a/b"), "'a/b'"),
    "number as name": (lambda: SGD(name=3), "name=3"),
    "steps": (lambda: SGD(gradient_accumulation_steps=1), "gradient_accumulation_steps=1"),
    "half steps": (lambda: SGD(gradient_accumulation_steps=2.5), "gradient_accumulation_steps=2.5"),
    "ema": (lambda: SGD(use_ema=True, ema_momentum=1.5), "ema_momentum=1.5"),
    "frequency": (lambda: SGD(use_ema=True, ema_overwrite_frequency=1.5), "ema_overwrite_frequency=1.5"),
    "no epsilon": (lambda: Adam(epsilon=None), "epsilon=None"),
    "a function": (lambda: Adam(beta_1=lambda: 0.9), "beta_1=<function"),
    "several": (lambda: SGD(weight_decay=np.ones(3)), "weight_decay=array"),
    "listed twice": (lambda: SGD().build([v := Variable(1.0), v]), "twice"),
}


@pytest.mark.parametrize("name", ["weight_decay", "clipnorm", "clipvalue", "loss_scale_factor", "beta_2", "epsilon"])
def test_strings_are_no_numbers(name):
    with pytest.raises(TypeError, match=f"{name}='0.5'"):
        Adam(**{name: "0.5"})


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_bad_arguments(name):
    make, message = CONSTRUCTORS[name]
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("identifier", "message"),
    [("admw", "Did you mean 'adam"), (3, "3"), (None.__class__, "NoneType")],
)
def test_get(identifier, message):
    with pytest.raises((ValueError, TypeError), match=message):
        optimizers.get(identifier)


def test_lower_case_names():
    """`optimizers.adam` is a class in Keras 2.0 and nothing in others, though a module of that name exists."""
    code = (
        "from refkeras import optimizers, semantics\n"
        "assert not hasattr(optimizers, 'adam')\n"
        "semantics.use('keras-2.0')\n"
        "assert optimizers.adam is optimizers.Adam and not hasattr(optimizers, 'adamw')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
