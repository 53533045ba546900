"""The stages of one optimizer step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from refkeras.ops import optimizers as ops
from refkeras.optimizers.layout import Cell, Layout, Part
from refkeras.optimizers.scalars import cast
from refkeras.semantics import Semantics
from refkeras.variable import Variable

__all__ = ["Step"]


class Step:
    """The part of `Optimizer` that makes a step once the gradients are in place.

    In order: divide by the loss scale; accumulate, or clip, decay the weights and update; average the weights; apply
    constraints; count.
    """

    built: bool
    decay: float
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    _rules: Semantics
    _iterations: Variable
    #: Whether the rule may run over whole vectors; otherwise `update_step` is called for each variable.
    _whole: bool
    #: Whether steps are counted; Keras 2.0 counts them for some optimizers only if there is a `decay`.
    _counts = True
    _spared: tuple[Variable, ...] = ()
    _spared_names: re.Pattern[str] | None = None

    def _laid_out(self) -> Layout:
        raise NotImplementedError

    def _rate(self) -> Any:
        raise NotImplementedError

    def _update(self, cell: Cell, rate: Any, t: int) -> None:
        raise NotImplementedError

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        raise NotImplementedError

    def _updates(self) -> int:
        return int(self._iterations._value) // (self.gradient_accumulation_steps or 1)

    def _updates_now(self) -> bool:
        """Whether this step updates the weights, rather than accumulates their gradients alone."""
        return (int(self._iterations._value) + 1) % (self.gradient_accumulation_steps or 1) == 0

    def _advance(self, cells: Sequence[Cell], parts: Sequence[Part]) -> None:
        """One step by the gradients in `cells`, which cover `parts`, a cell for each variable."""
        if self.loss_scale_factor is not None:
            for cell in cells:
                cell.g /= self.loss_scale_factor
        if not self.gradient_accumulation_steps or self._due(cells):
            self._clip(cells, parts)
            rate, t = self._rate(), self._updates() + 1
            if self.weight_decay is not None:
                self._decay_weights(cells, rate)
            if self._whole:
                for cell in cells:
                    self._update(cell, rate if type(rate) is cell.kind else cell.kind(rate), t)
            else:
                for part in parts:
                    self.update_step(part.g, part.variable, rate)
        if self.use_ema:
            self._average_weights(cells)
        for part in parts:
            variable = part.variable
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        if self._counts or self.decay:
            self._iterations._value[()] += 1

    def step_without_gradients(self, variables: Sequence[Variable]) -> None:
        """Do of a step on these variables what needs no gradient: decay the weights, and count.

        Where gradients are accumulated, and an update is due, the accumulators are emptied.
        """
        layout = self._laid_out()
        if self._updates_now():
            cells = layout.refreshed()
            if self.gradient_accumulation_steps:
                for cell in cells:
                    cell.accumulator[...] = 0
            if self.weight_decay is not None:
                chosen = {id(variable) for variable in variables}
                parts = [part for part in layout.parts if id(part.variable) in chosen]
                for part in parts:
                    part.refresh()
                self._decay_weights(parts, self._rate())
        self._iterations._value[()] += 1

    def _due(self, cells: Sequence[Cell]) -> bool:
        """Add the gradients to the accumulators, or, when an update is due, make them the mean."""
        steps = self.gradient_accumulation_steps
        if not self._updates_now():
            for cell in cells:
                cell.accumulator += cell.g
            return False
        for cell in cells:
            cell.g += cell.accumulator
            cell.g /= steps
        for cell in self._laid_out().refreshed() if self._rules.accumulators_reset == "all" else cells:
            cell.accumulator[...] = 0
        return True

    def _clip(self, cells: Sequence[Cell], parts: Sequence[Part]) -> None:
        norm, together, value = self.clipnorm, self.global_clipnorm, self.clipvalue
        if norm and norm > 0:
            if self._rules.clipnorm_over == "all":
                ops.clip_by_joint_norm([part.g for part in parts], norm, [part.scratch[0] for part in parts])
            else:
                for part in parts:
                    ops.clip_by_norm(part.g, norm, part.scratch[0])
            if self._rules.clip_arguments != "all":
                return
        elif together and together > 0:
            ops.clip_by_global_norm([part.g for part in parts], together, [part.scratch[0] for part in parts])
            return
        if value and value > 0:
            for cell in cells:
                ops.clip_by_value(cell.g, value)

    def _decay_weights(self, cells: Sequence[Cell], rate: Any) -> None:
        if self._rules.weight_decay_by == "factor":
            for cell in cells:
                # In the dtype of the rate, whatever that of the weights; a number of the engine's with error bars, too,
                # as it rounds alike in every step.
                number: Any = type(rate) if isinstance(rate, np.generic) else cell.kind
                for decayed in self._decayed(cell):
                    ops.shrink_weights(decayed.w, 1 - number(self.weight_decay) * number(rate))
            return
        for cell in cells:
            wd, lr = cast(self.weight_decay, cell.kind, self._rules.optimizer_scalars), cell.kind(rate)
            for decayed in self._decayed(cell):
                ops.decay_weights(decayed.w, wd, lr, decayed.scratch[0])

    def _decayed(self, cell: Cell) -> Sequence[Cell]:
        if not self._spared and self._spared_names is None:
            return (cell,)
        return [part for part in cell.parts if self._use_weight_decay(part.variable)]

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Spare variables from weight decay.

        Args:
            var_list: these variables.
            var_names: those whose path contains one of these regular expressions.

        Raises:
            ValueError: (tf_keras) the optimizer is built.
        """
        if self.built and not self._rules.exclude_after_build:
            raise ValueError("`exclude_from_weight_decay()` can only be configured before the optimizer is built.")
        self._spared = tuple(var_list or ())
        self._spared_names = re.compile("|".join(var_names)) if var_names else None

    def _use_weight_decay(self, variable: Variable) -> bool:
        if any(variable is spared for spared in self._spared):
            return False
        return self._spared_names is None or self._spared_names.search(variable.path) is None

    def _average_weights(self, cells: Sequence[Cell]) -> None:
        """Move the average of the weights, and now and then replace them by it."""
        rules, updates = self._rules, self._updates()
        if rules.ema_variables == "all":
            cells = self._laid_out().refreshed()
        for cell in cells:
            if rules.ema_start == "weights":
                kept, moved = cell.kind(self.ema_momentum), cell.kind(1 - self.ema_momentum)
            else:
                kept = cell.kind(self.ema_momentum if updates else 0)
                moved = 1 - kept
            ops.blend(cell.average, cell.w, kept, moved, cell.scratch[0])
        if self.ema_overwrite_frequency and (updates + 1) % self.ema_overwrite_frequency == 0:
            for cell in cells:
                cell.w[...] = cell.average
