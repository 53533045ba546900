"""The names of `refkeras.utils`, and what its small functions refuse."""

import pytest

from refkeras import semantics, utils


def test_every_name_is_there():
    for name in utils.__all__:
        assert getattr(utils, name) is not None
    assert dir(utils) == sorted(utils.__all__)
    with pytest.raises(AttributeError, match="Did you mean 'to_categorical'"):
        _ = utils.to_categorial


def test_to_categorical_refuses_arguments_of_other_kerases():
    with pytest.raises(TypeError, match=r"'dtype'\. It takes: x, num_classes"):
        utils.to_categorical([0], dtype="float32")
    with semantics.use("tf_keras"), pytest.raises(TypeError, match="'x'"):
        utils.to_categorical(x=[0])
    with pytest.raises(TypeError, match="missing the argument 'x'"):
        utils.to_categorical(num_classes=3)


def test_custom_objects():
    @utils.register_keras_serializable("mine")
    def triple(x):
        return 3 * x

    assert utils.get_custom_objects()["mine>triple"] is triple
    del utils.get_custom_objects()["mine>triple"]
    with utils.CustomObjectScope({"triple": triple}):
        assert utils.get_registered_object("triple") is triple
    assert utils.get_registered_object("triple") is None
