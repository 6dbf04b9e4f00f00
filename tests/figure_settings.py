"""Settings and material that the tests of figures and of their captions share."""

import pandas as pd
from solvers import direct, tdvp

from opentdvp.config import Comparison, DynamicsFigure, Panel, Run
from opentdvp.config.comparison import Tolerance
from opentdvp.config.panels import PlottedCorrelators
from opentdvp.figures.sources import Material
from opentdvp.judging import compare
from opentdvp.records.trajectory import Trajectory

NET, REF = Run(system="six", solver="net"), Run(system="ten", solver="ref")
TOLERANCE = Tolerance(magnetization=0.05, correlators=0.02)
COMPARISON = Comparison(candidate=NET, reference=REF, tolerance=TOLERANCE)
DYNAMICS = DynamicsFigure(
    kind="dynamics",
    time_label="γt",
    panels=(
        Panel(comparisons=("ring",), magnetization=("X", "Y", "Z")),
        Panel(
            comparisons=("ring",),
            correlators=PlottedCorrelators(pairs=("XX", "YY", "ZZ"), distance=2),
        ),
    ),
)
SAMPLED = tdvp(width=8, depth=2, sampling=direct(4096, 1024, 20000), fisher_tolerance=0.01)


def material(
    candidate: Trajectory, reference: Trajectory, points: pd.DataFrame | None = None
) -> Material:
    """What `DYNAMICS` shows."""
    table = compare(candidate, reference, TOLERANCE) if points is None else points
    return Material({NET: candidate, REF: reference}, {"ring": COMPARISON}, {"ring": table})
