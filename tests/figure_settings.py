"""Settings that the tests of figures and of their captions share."""

from solvers import direct, tdvp

from opentdvp.config import DynamicsFigure
from opentdvp.config.comparison import Tolerance
from opentdvp.config.figures import PlottedCorrelators

DYNAMICS = DynamicsFigure(
    kind="dynamics",
    comparison="ring",
    time_label="γt",
    magnetization=("X", "Y", "Z"),
    correlators=PlottedCorrelators(pairs=("XX", "YY", "ZZ"), distance=2),
)
TOLERANCE = Tolerance(magnetization=0.05, correlators=0.02)
SAMPLED = tdvp(width=8, depth=2, sampling=direct(4096, 1024, 20000), fisher_tolerance=0.01)
