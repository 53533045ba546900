"""Attributes of layers that are worked out when they are set, so that a call need not."""

from __future__ import annotations

from typing import Any

from refkeras import activations

__all__ = ["ActivationAttribute"]


class ActivationAttribute:
    """An attribute `name` that holds an activation.

    `_<name>_forward` holds what computes it, `x -> (y, pullback)`, and
    `_<name>_keeps_logits` whether losses compute from its logits.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return self if layer is None else layer.__dict__[self._name]

    def __set__(self, layer: Any, value: Any) -> None:
        values, name = layer.__dict__, self._name
        values[name] = activation = activations.get(value)
        values[f"_{name}_forward"] = activations.forward_of(activation)
        values[f"_{name}_keeps_logits"] = activations.keeps_logits(activation)
