"""Numbers with error bars: float64 values that carry how far a correct program's rounding may lead from them.

`exact` makes an array of numbers that an engine holds exactly; NumPy functions, and with them the layers,
losses, optimizers and training loops of this library, carry the bars on. `evaluate` does it for a layer or
model, `bars` for whatever is done with one inside a block, `train` for a training run, and `compare` says
how many standard deviations an engine's numbers are off.
"""

from refkeras.precision.array import BarArray, exact
from refkeras.precision.comparing import ALARM, Comparison, compare
from refkeras.precision.edges import Edges, counting
from refkeras.precision.machine import MACHINES, Machine, Ulps, machine
from refkeras.precision.running import Bars, bars, evaluate, train

__all__ = [
    "ALARM",
    "MACHINES",
    "BarArray",
    "Bars",
    "Comparison",
    "Edges",
    "Machine",
    "Ulps",
    "bars",
    "compare",
    "counting",
    "evaluate",
    "exact",
    "machine",
    "train",
]
