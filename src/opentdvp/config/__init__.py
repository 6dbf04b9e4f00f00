"""The configuration grammar: what can be simulated, how, and what is compared and drawn."""

from opentdvp.config.archive import Archive
from opentdvp.config.comparison import Comparison, Run
from opentdvp.config.deck import Deck
from opentdvp.config.derived_figures import CostsFigure, Front, FrontFigure, ScanFigure
from opentdvp.config.figure_parts import SeveralRuns
from opentdvp.config.figures import (
    AnyFigure,
    DiagnosticsFigure,
    DynamicsFigure,
    HeatMapFigure,
    ProfileFigure,
    RunsFigure,
    SchemeFigure,
)
from opentdvp.config.lattice import Lattice
from opentdvp.config.load import load
from opentdvp.config.networks import RecurrentNetwork
from opentdvp.config.observables import Observables
from opentdvp.config.panels import Inset, Panel
from opentdvp.config.published import Published
from opentdvp.config.references import (
    DephasingSolver,
    ExactSolver,
    MomentsSolver,
    ReducedExactSolver,
    StochasticSolver,
    TensorNetworkSolver,
    WaveFunctionSolver,
)
from opentdvp.config.solver import (
    DirectSampling,
    Enumeration,
    Solver,
    TdvpSolver,
)
from opentdvp.config.study import Study
from opentdvp.config.system import System

__all__ = [
    "AnyFigure",
    "Archive",
    "Comparison",
    "CostsFigure",
    "Deck",
    "DephasingSolver",
    "DiagnosticsFigure",
    "DirectSampling",
    "DynamicsFigure",
    "Enumeration",
    "ExactSolver",
    "Front",
    "FrontFigure",
    "HeatMapFigure",
    "Inset",
    "Lattice",
    "MomentsSolver",
    "Observables",
    "Panel",
    "ProfileFigure",
    "Published",
    "RecurrentNetwork",
    "ReducedExactSolver",
    "Run",
    "RunsFigure",
    "ScanFigure",
    "SchemeFigure",
    "SeveralRuns",
    "Solver",
    "StochasticSolver",
    "Study",
    "System",
    "TdvpSolver",
    "TensorNetworkSolver",
    "WaveFunctionSolver",
    "load",
]
