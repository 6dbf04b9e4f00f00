"""Which solver there is for each method; only the one that is chosen is imported."""

import pkgutil
from typing import Any

from opentdvp.config import Deck
from opentdvp.errors import ConfigError
from opentdvp.protocol import Measuring, Method
from opentdvp.records.memory import keep_freed_memory
from opentdvp.records.trajectory import Trajectory

#: By the key `method` of a solver's settings, its module and its name there.
SOLVERS = {
    "tdvp": "opentdvp.engine.evolve:evolve",
    "exact": "opentdvp.references.exact.full:solve",
    "exact_reduced": "opentdvp.references.exact.reduced:solve",
    "mcwf": "opentdvp.references.trajectories.batches:solve",
    "dephasing_kicks": "opentdvp.references.trajectories.batches:solve",
    "mps": "opentdvp.references.tensors.solve:solve",
    "mpo": "opentdvp.references.tensors.solve:solve",
    "moments": "opentdvp.references.moments.solve:solve",
}

#: Likewise what measures the states that a run has kept; averages over trajectories have none.
MEASURING = {
    "tdvp": "opentdvp.engine.measure:measure",
    "exact": "opentdvp.references.exact.kept:measure",
    "exact_reduced": "opentdvp.references.exact.kept:measure",
    "mps": "opentdvp.references.tensors.kept:measure",
    "mpo": "opentdvp.references.tensors.kept:measure",
    "moments": "opentdvp.references.moments.kept:measure",
}


def method_of(deck: Deck) -> Method[Any, Trajectory]:
    """The solver that a deck asks for; nothing is checked yet."""
    found: Method[Any, Trajectory] = pkgutil.resolve_name(SOLVERS[deck.solver.method])
    return found


def have_process(deck: Deck) -> None:
    """Set this process up for a run that has it to itself."""
    if deck.solver.method == "tdvp":
        keep_freed_memory()


def check(deck: Deck) -> None:
    """Raise `ConfigError` if the solver of a deck cannot solve its system, or be measured."""
    method_of(deck).check(deck)
    if deck.measured_from is not None:
        measuring_of(deck).check(deck)


def measuring_of(deck: Deck) -> Measuring:
    """What measures kept states of a deck's method.

    Raises
    ------
    ConfigError
        If runs of the method keep none.
    """
    method = deck.solver.method
    if method not in MEASURING:
        raise ConfigError(
            f"`solver.method` must be one whose runs keep states ({', '.join(MEASURING)}), but is "
            f"{method}; solve the system anew with the observables that you want."
        )
    found: Measuring = pkgutil.resolve_name(MEASURING[method])
    return found
