"""`Loss`, the base class of losses, and `LossFunctionWrapper`, which makes one of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from refkeras import config, naming, semantics, tree
from refkeras.losses.arrays import as_array, match_ranks_of_tensors, squeeze_or_expand_to_same_rank
from refkeras.losses.reduction import reduce_weighted_values, standardize_reduction
from refkeras.saving import serialization
from refkeras.tensor import Tensor, is_tensor, unwrap, wrap

__all__ = ["Loss", "LossFunctionWrapper"]

Array = Any
Pullback = Callable[[Any], Array]


class Loss:
    """A function of targets and predictions that training makes small.

    Subclass it with `call(y_true, y_pred)`, which returns one value per sample; that is
    enough to evaluate. To train with it, define `forward(y_true, y_pred)` instead (or too),
    which returns those values and their pullback: the function that takes the gradient of
    the values, an array of their shape, and returns the gradient of `y_pred`.

    A subclass that overrides `__call__`, and so the whole of the loss, evaluates by it. To train by it, it defines
    `value_and_pullback` too, with the arguments that it has here.

    Args:
        name: defaults to the class's name in snake case, with a counter.
        reduction: `"sum_over_batch_size"`, `"mean"` (the same), `"sum"`, `"mean_with_sample_weight"`,
            `"none"` or None; tf_keras knows `"auto"`, `"sum_over_batch_size"`, `"sum"` and `"none"`.
        dtype: what targets and predictions are cast to; defaults to `floatx()`.

    Raises:
        ValueError: an unknown `reduction`.

    Source: Keras 3.15, `keras/src/losses/loss.py`.

    >>> class Cubic(Loss):
    ...     def forward(self, y_true, y_pred):
    ...         e = np.abs(y_pred - y_true)
    ...         return (e**3).mean(-1), lambda d: d[..., None] * 3 * e**2 * np.sign(y_pred - y_true) / e.shape[-1]
    >>> Cubic()(np.array([[1.0, 1.0]]), np.array([[3.0, 1.0]])).numpy()
    np.float32(4.0)
    """

    _has_pullback = False

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = config.get_policy(dtype or config.floatx())
        self._dtype = np.dtype(self._dtype_policy.compute_dtype)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A `call` that overrides an inherited `forward` is another function, whose pullback nobody gave.
        call, forward, outer_call, outer_forward = (
            next(i for i, c in enumerate(cls.__mro__) if name in vars(c))
            for name in ("call", "forward", "__call__", "value_and_pullback")
        )
        cls._has_pullback = cls.forward is not Loss.forward and forward <= call
        if outer_call < outer_forward:  # likewise of the whole loss
            cls.value_and_pullback = _of_another_call  # type: ignore[method-assign]

    @property
    def dtype(self) -> str:
        return self._dtype.name

    @property
    def has_pullback(self) -> bool:
        """Whether the loss can train."""
        return self._has_pullback if self.is_reduced_call else type(self).value_and_pullback is not _of_another_call

    @property
    def is_reduced_call(self) -> bool:
        """Whether the loss is `call`, reduced; not so where a subclass overrides `__call__` or `value_and_pullback`."""
        kind = type(self)
        return kind.__call__ is Loss.__call__ and kind.value_and_pullback is Loss.value_and_pullback

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values of the samples."""
        if not self._has_pullback:
            raise NotImplementedError(f"{type(self).__name__} must define `call(y_true, y_pred)`.")
        return self.forward(y_true, y_pred)[0]

    def forward(self, y_true: Any, y_pred: Any) -> tuple[Any, Pullback]:
        """Return the values of the samples and their pullback."""
        raise NotImplementedError(
            f"{type(self).__name__} has no pullback, so that it can evaluate but not train. Define "
            "`forward(self, y_true, y_pred)` in it, returning the values of the samples and a function that takes "
            "the gradient of those values and returns the gradient of y_pred."
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """Return the reduced loss.

        Args:
            y_true: targets.
            y_pred: predictions; a mask that they carry leaves values out.
            sample_weight: broadcast to the values of the samples.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = self._convert(y_true), self._convert(y_pred)
        with np.errstate(all="ignore"):
            values, own_mask, _ = unwrap(self.call(y_true, y_pred))
            value, _ = self._reduced(as_array(values), sample_weight, mask, own_mask)
        return wrap(np.copy(value))

    def value_and_pullback(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        mask: Array | None = None,
        logits: Array | None = None,
    ) -> tuple[Array, Callable[[], tuple[Array | None, Array | None]]]:
        """Return the reduced loss and its pullback, which returns (gradient of `y_pred`, gradient of the logits).

        One of the two is None: the second, unless the loss is computed from the logits.

        Args:
            y_true: targets.
            y_pred: predictions, an array, or a Tensor that carries its mask and logits.
            sample_weight: as in a call.
            mask: the mask of `y_pred`, where it is no Tensor.
            logits: the values that a softmax or sigmoid made `y_pred` of, where it is no Tensor.

        Raises:
            NotImplementedError: the loss has no pullback.
        """
        y_pred, own_mask, own_logits = unwrap(y_pred)
        mask, logits = mask if own_mask is None else own_mask, logits if own_logits is None else own_logits
        given = y_pred.dtype
        dtype = self._dtype if semantics.current().loss_dtype == "floatx" else given
        if dtype != given:
            logits = None  # a cast makes a new tensor, of which Keras does not know the logits
        values, back, on_logits = self._pass(as_array(y_true, dtype), as_array(y_pred, dtype), logits)
        values, own_mask, _ = unwrap(values)
        value, d_values = self._reduced(values, sample_weight, mask, own_mask)

        def pullback() -> tuple[Array | None, Array | None]:
            gradient = back(d_values)
            if gradient.dtype != given:
                gradient = gradient.astype(given)
            return (None, gradient) if on_logits else (gradient, None)

        return value, pullback

    def value(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        mask: Array | None = None,
        logits: Array | None = None,
    ) -> Array:
        """Return what `value_and_pullback` returns first, for a loss without a pullback too.

        Unlike a call, it takes all arguments for tensors, which makes a difference in tf_keras.
        """
        tensor = y_pred if is_tensor(y_pred) else wrap(as_array(y_pred), mask, logits)
        return self(wrap(as_array(y_true)), tensor, sample_weight).array[()]

    def _pass(self, y_true: Array, y_pred: Array, logits: Array | None) -> tuple[Array, Pullback, bool]:
        if not self._has_pullback:
            Loss.forward(self, y_true, y_pred)
        values, back = self.forward(y_true, y_pred)
        return values, _checked(back, values, y_pred, type(self).__name__), False

    def _convert(self, value: Any) -> Any:
        if isinstance(value, dict):
            return tree.map_structure(self._convert, value)
        if semantics.current().loss_dtype != "floatx" or (is_tensor(value) and value.dtype == self._dtype):
            return value if is_tensor(value) else as_array(value)
        return wrap(as_array(value, self._dtype))

    def _reduced(
        self, values: Array, sample_weight: Any, mask: Array | None, own_mask: Array | None
    ) -> tuple[Array, Any]:
        if own_mask is not None:
            mask = own_mask if mask is None else mask & own_mask
        if semantics.current().loss_dtype == "floatx":
            values = as_array(values, self._dtype)
        return reduce_weighted_values(values, sample_weight, mask, self.reduction)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)


class LossFunctionWrapper(Loss):
    """The loss that a function of targets and predictions makes.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`, which returns one value per sample. To train with it, give it
            an attribute `forward`, a function of the same arguments that returns the values and their pullback.
        reduction, name, dtype: as in `Loss`.
        **kwargs: given on to `fn`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        tensors = is_tensor(y_true) and is_tensor(y_pred)
        if not isinstance(y_pred, dict):
            y_true, y_pred = self._matched(y_true, y_pred, tensors)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    @property
    def has_pullback(self) -> bool:
        if not self.is_reduced_call:
            return super().has_pullback
        own = type(self).forward is not LossFunctionWrapper.forward
        return self._has_pullback and (own or hasattr(self.fn, "with_logits") or hasattr(self.fn, "forward"))

    def forward(self, y_true: Any, y_pred: Any) -> tuple[Any, Pullback]:
        values, back, _ = self._pass(as_array(y_true), as_array(y_pred), None)
        return values, back

    def _matched(self, y_true: Array, y_pred: Array, tensors: bool) -> tuple[Array, Array]:
        if y_true.ndim == y_pred.ndim:
            return y_true, y_pred
        rule = semantics.current().loss_classes_match_ranks
        if rule == "always":
            return squeeze_or_expand_to_same_rank(y_true, y_pred)
        return match_ranks_of_tensors(y_true, y_pred) if rule == "tensors" and tensors else (y_true, y_pred)

    def _pass(self, y_true: Array, y_pred: Array, logits: Array | None) -> tuple[Array, Pullback, bool]:
        if type(self).forward is not LossFunctionWrapper.forward or not self._has_pullback:
            return super()._pass(y_true, y_pred, logits)
        shape = y_pred.shape
        y_true, y_pred = self._matched(y_true, y_pred, True)
        reshaped = y_pred.shape != shape
        if hasattr(self.fn, "with_logits"):
            # A reshape makes a new tensor, of which Keras does not know the logits.
            given = None if reshaped else logits
            values, back, on_logits = self.fn.with_logits(y_true, y_pred, given, **self._fn_kwargs)
        elif hasattr(self.fn, "forward"):
            values, custom = self.fn.forward(y_true, y_pred, **self._fn_kwargs)
            back, on_logits = _checked(custom, values, y_pred, self.name), False
        else:
            raise NotImplementedError(
                f"The loss function {self.name!r} has no pullback, so that it can evaluate but not train. Give it an "
                "attribute `forward`, a function of the same arguments that returns the values of the samples and a "
                "function that takes the gradient of those values and returns the gradient of y_pred."
            )
        return values, (lambda d: back(d).reshape(shape)) if reshaped else back, on_logits

    def get_config(self) -> dict[str, Any]:
        fn = serialization.serialize_keras_object(self.fn)
        return {**super().get_config(), "fn": fn, **serialization.serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        if "fn" in config:
            from refkeras import losses

            config = {**config, "fn": losses.get(config["fn"])}
        return cls(**config)

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


def _of_another_call(self: Loss, *_: Any, **__: Any) -> NoReturn:
    """Stands for the `value_and_pullback` of a class whose `__call__` is another loss than the one it inherits."""
    raise NotImplementedError(
        f"{type(self).__name__} overrides `__call__` and has no pullback of it, so that it can evaluate but not "
        "train. Define `value_and_pullback(self, y_true, y_pred, sample_weight=None, *, mask=None, logits=None)` in "
        "it, returning the loss and a function of no arguments that returns (the gradient of y_pred, None); or "
        "override `forward` instead of `__call__`."
    )


def _checked(back: Pullback, values: Array, y_pred: Array, name: str) -> Pullback:
    """Give a pullback from outside an array, and see that it returns a gradient of the right shape."""

    def pullback(d: Any) -> Array:
        gradient = back(np.broadcast_to(np.asarray(d, values.dtype), values.shape))
        if np.shape(gradient) != y_pred.shape:
            raise ValueError(
                f"The pullback of the loss {name!r} returned a gradient of shape {np.shape(gradient)}; "
                f"y_pred has shape {y_pred.shape}."
            )
        return gradient

    return pullback
