"""The configuration grammar: what can be simulated, how, and what is compared and drawn."""

from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.load import load
from opentdvp.config.solver import (
    DirectSampling,
    Enumeration,
    ExactSolver,
    RecurrentNetwork,
    ReducedExactSolver,
    Solver,
    TdvpSolver,
)
from opentdvp.config.study import Deck, DynamicsFigure, Study
from opentdvp.config.system import Lattice, Observables, System

__all__ = [
    "Comparison",
    "Deck",
    "DirectSampling",
    "DynamicsFigure",
    "Enumeration",
    "ExactSolver",
    "Lattice",
    "Observables",
    "RecurrentNetwork",
    "ReducedExactSolver",
    "Run",
    "Solver",
    "Study",
    "System",
    "TdvpSolver",
    "load",
]
