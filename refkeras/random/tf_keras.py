"""tf_keras: seeds from a generator of its own, masks from stateful operations, a new order each epoch."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from refkeras.random import philox, program, seeds
from refkeras.random.family import LSTMDropout, LSTMMasks
from refkeras.random.order import FitOrder, Rows
from refkeras.random.program import RandomOp
from refkeras.random.tensorflow import TensorFlow, TensorFlowOrder, fresh_seeds, order_seeds, shuffled
from refkeras.random.warn import not_matched

__all__ = ["LegacyGenerator", "TFKeras", "TFKerasOrder"]

_UNSEEDED_GRAPH = 87654321  # TensorFlow's graph seed where only the operation has one
_SET_ASIDE = 256  # blocks set aside for each value of a run
_LOOK_AHEAD = 1 << 14


class LegacyGenerator:
    """tf_keras's RandomGenerator: without a seed it leaves the choice to the operation, else it counts up from it.

    Source: `tf_keras/src/backend.py` (`RandomGenerator.make_legacy_seed`), tf_keras 2.21.
    """

    def __init__(self, family: TFKeras, seed: int | None) -> None:
        self.family = family
        self.seed = seed

    def next_seed(self) -> int | None:
        seed = self.seed
        if seed is not None:
            self.seed = seed + 1
        return seed


class TFKeras(TensorFlow):
    """Philox as tf_keras 2.21 drives it."""

    name = "tf_keras"

    def __init__(self) -> None:
        super().__init__()
        self.reseed(None)

    def reseed(self, seed: int | None) -> None:
        super().reseed(seed)
        self._seeds = None if seed is None else Random(seed)
        self._op_seeds = None if seed is None else Random(seed)
        self._eager_ops: dict[tuple[int, int], RandomOp] = {}

    def default_seed(self) -> int:
        return seeds.make_default_seed() if self._seeds is None else self._seeds.randint(1, 10**9)

    def stream(self, seed: tuple[int, int]) -> philox.Stream:
        return philox.scrambled(seed)

    def limits(self, low: Any, high: Any, dtype: np.dtype) -> tuple[Any, Any]:
        return dtype.type(low), dtype.type(high)

    # -- masks -----------------------------------------------------------------

    def mask_generator(self, seed: int | None) -> LegacyGenerator:
        return LegacyGenerator(self, seed)

    def symbolic_call(self, generator: LegacyGenerator, draws: int) -> None:
        for _ in range(draws):
            generator.next_seed()

    def keep(
        self,
        generator: Any,
        shape: tuple[int, ...],
        rate: float,
        dtype: Any,
        time_major: bool = False,
        noise_shape: bool = False,
    ) -> np.ndarray:
        if not isinstance(generator, LegacyGenerator):
            return super().keep(generator, shape, rate, dtype, time_major)
        return self._run(self._op(generator), shape, rate, dtype)

    def lstm_masks(self, generator: LegacyGenerator, call: LSTMDropout) -> LSTMMasks:
        """Draw the masks of one LSTM call; tf_keras draws none for inference.

        Source: `tf_keras/src/layers/rnn/dropout_rnn_cell_mixin.py` and `lstm.py`, tf_keras 2.21.
        """
        if not call.training:
            return LSTMMasks(None, None)
        if call.fused and not call.recurrent_dropout:
            return LSTMMasks(self._all_steps_at_once(generator, call), None)
        generator = LegacyGenerator(self, None)  # the cell's, which the layer's seed does not reach
        parts = [(call.dropout, call.features), (call.recurrent_dropout, call.units)]
        ops = [[self._op(generator) for _ in range(4)] if rate else [] for rate, _ in parts]
        steps = 0
        running = program.current()
        if running is not None and not call.unroll:
            not_matched(
                "LSTM dropout inside tf_keras's loop",
                "Its masks are drawn once per time step by iterations that run at the same time, so that tf_keras "
                "itself draws others in each run. It repeats itself with unroll=True, and with dropout alone where "
                "activation, recurrent_activation and use_bias keep their defaults.",
            )
            loop, steps = running.next_loop(), call.steps
            ops = [[self._op_in(loop, generator) for _ in range(4)] if rate else [] for rate, _ in parts]
        masks = [
            tuple(self._scaled(op, call.batch, width, rate, call.dtype, steps) for op in group)
            if 0 < rate < 1
            else None
            for group, (rate, width) in zip(ops, parts, strict=True)
        ]
        inputs = masks[0][:1] if masks[0] and call.implementation == 2 and not call.recurrent_dropout else masks[0]
        return LSTMMasks(inputs, masks[1])

    def _all_steps_at_once(self, generator: LegacyGenerator, call: LSTMDropout) -> tuple[np.ndarray, ...] | None:
        """The default path multiplies the whole input by the first of four masks, before the loop."""
        ops = [self._op(generator) for _ in range(4)]
        if not 0 < call.dropout < 1:
            return None
        shape = (call.batch, call.steps, call.features)
        mask = self._run(ops[0], shape, call.dropout, call.dtype) * self.keep_factor(call.dropout, call.dtype)
        for op in ops[1:]:
            op.block += _SET_ASIDE * mask.size
        return (mask[:, ::-1] if call.go_backwards else mask,)

    def _scaled(self, op: RandomOp, batch: int, width: int, rate: float, dtype: str, steps: int) -> np.ndarray:
        factor = self.keep_factor(rate, dtype)
        if not steps:
            return self._run(op, (batch, width), rate, dtype) * factor
        return np.stack([self._run(op, (batch, width), rate, dtype) for _ in range(steps)], axis=1) * factor

    def _op(self, generator: LegacyGenerator) -> RandomOp:
        """Return the operation of this draw: of the program that runs, or an eager one."""
        running = program.current()
        if running is not None:
            return self._op_in(running, generator)
        seed = generator.next_seed()
        if seed is None and self._op_seeds is not None:
            seed = self._op_seeds.randint(0, 2**31 - 1)
        pair = self._make_seeds(seed)
        # Eager operations of equal seeds are one kernel, with one counter.
        return self._eager_ops.setdefault(pair, RandomOp(pair)) if seed is not None else RandomOp(pair)

    def _op_in(self, running: program.Program, generator: LegacyGenerator) -> RandomOp:
        if running.jit_compile:
            not_matched("tf_keras with jit_compile=True", "XLA draws stateful random numbers from a state of its own.")
        return running.next_op(self._make_seeds, generator.next_seed)

    def _make_seeds(self, op_seed: int | None) -> tuple[int, int]:
        if self.global_seed is None:
            return fresh_seeds() if op_seed is None else order_seeds(_UNSEEDED_GRAPH, op_seed)
        return fresh_seeds() if op_seed is None else order_seeds(self.global_seed, op_seed)

    def _run(self, op: RandomOp, shape: tuple[int, ...], rate: float, dtype: Any) -> np.ndarray:
        size = 1
        for dim in shape:
            size *= dim
        kind, block = (size, np.dtype(dtype).name), op.block
        op.block += _SET_ASIDE * size
        ahead = op.ahead
        if ahead is None or ahead[0] != kind or block not in ahead[1]:
            depth = max(1, min(2 * len(ahead[1]) if ahead and ahead[0] == kind else 1, _LOOK_AHEAD // max(size, 1)))
            starts = range(block, block + depth * _SET_ASIDE * max(size, 1), _SET_ASIDE * max(size, 1))
            ahead = op.ahead = (kind, starts, self._mantissas_of(op, starts, size, kind[1]))
        return self.kept(ahead[2][ahead[1].index(block)], rate).reshape(shape)

    def _mantissas_of(self, op: RandomOp, starts: range, size: int, dtype: str) -> np.ndarray:
        n_blocks = -(-size * (2 if dtype == "float64" else 1) // 4)
        numbers = np.add.outer(np.array(starts, np.uint64), np.arange(n_blocks, dtype=np.uint64))
        words = philox.unscrambled(op.seeds).blocks(numbers).reshape(len(starts), 4 * n_blocks)
        return philox.mantissas(words, dtype)[:, :size]

    # -- order -----------------------------------------------------------------

    def fit_order(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, epochs: int
    ) -> FitOrder:
        return TFKerasOrder(n, batch_size, shuffle, steps_per_epoch, self.global_seed, epochs)


class TFKerasOrder(TensorFlowOrder):
    """One shuffling operation lives through the fit, so that every pass has its own order.

    The stream of batches goes on from epoch to epoch and ends after `epochs` passes.

    Source: `tf_keras/src/engine/data_adapter.py` (`TensorLikeDataAdapter`), tf_keras 2.21.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        shuffle: bool | str,
        steps_per_epoch: int | None,
        global_seed: int | None,
        epochs: int,
    ) -> None:
        super().__init__(n, batch_size, shuffle, steps_per_epoch, global_seed)
        self.epochs = epochs
        self._stream = philox.unscrambled(self._seeds or fresh_seeds())
        self._position = 0
        self._current: tuple[int, np.ndarray | None] = (-1, None)
        if shuffle == "batch":
            not_matched(
                "shuffle='batch' under tf_keras",
                "tf_keras shuffles the rows of inputs and of targets apart from each other there.",
            )

    def reset(self) -> None:
        self._position = 0

    def epoch(self) -> Rows:
        per_pass = len(self.bounds)
        wanted = self.steps_per_epoch or per_pass
        last = min(self._position + wanted, self.epochs * per_pass)
        first_pass = self._position // max(per_pass, 1)
        orders: list[np.ndarray | None] = []
        bounds: list[tuple[int, int]] = []
        for step in range(self._position, last):
            number, batch = divmod(step, per_pass)
            if number - first_pass == len(orders):
                orders.append(self._order_of(number))
            offset = 0 if orders[0] is None else self.n * (number - first_pass)
            start, stop = self.bounds[batch]
            bounds.append((start + offset, stop + offset))
        ran_out = last < self._position + wanted
        self._position = last
        drawn = [order for order in orders if order is not None]
        if not drawn:
            return Rows(None, bounds, ran_out)
        return Rows(drawn[0] if len(drawn) == 1 else np.concatenate(drawn), bounds, ran_out)

    def end_epoch(self) -> None:
        pass

    def _order_of(self, number: int) -> np.ndarray | None:
        if not self.shuffle:
            return None
        if self._current[0] != number:
            self._current = (number, self._draw(number))
        return self._current[1]

    def _draw(self, number: int) -> np.ndarray:
        if self.shuffle != "batch":
            return shuffled(self._stream, self.n, number * (-(-(self.n - 1) // 4)))
        rng = np.random.default_rng([*self._stream.key, number])
        batches = [np.arange(start, stop) for start, stop in self.bounds if stop - start == self.batch_size]
        rest = [np.arange(start, stop) for start, stop in self.bounds if stop - start < self.batch_size]
        order = [batches[i] for i in rng.permutation(len(batches))] + rest
        return np.concatenate([rng.permutation(rows) for rows in order])
