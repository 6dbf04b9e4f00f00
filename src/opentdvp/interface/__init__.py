"""What `import opentdvp as od` offers; no solver is imported before it is used."""

from opentdvp.interface.comparing import Comparison, compare
from opentdvp.interface.measuring import measure
from opentdvp.interface.plotting import plot
from opentdvp.interface.results import Result, read
from opentdvp.interface.solvers import (
    DephasingKicks,
    Exact,
    ExactReduced,
    Mcwf,
    Moments,
    Mpo,
    Mps,
    Tdvp,
)
from opentdvp.interface.solving import solve
from opentdvp.interface.studies import Study, load
from opentdvp.interface.systems import Jump, System

__all__ = [
    "Comparison",
    "DephasingKicks",
    "Exact",
    "ExactReduced",
    "Jump",
    "Mcwf",
    "Moments",
    "Mpo",
    "Mps",
    "Result",
    "Study",
    "System",
    "Tdvp",
    "compare",
    "load",
    "measure",
    "plot",
    "read",
    "solve",
]
