"""How many steps a run will take, from a run of the same equations on the smallest lattice.

The steps follow what a single site and its neighbours do, in any network that can follow them, so
a copy with few sites and a Jastrow factor has about as many. The error of a step is measured
in the Fisher norm, whose square grows as the number of sites; so does that which is allowed.
"""

from functools import cache
from math import ceil, sqrt
from typing import Any, NamedTuple

from pydantic import ValidationError

from opentdvp.config import Deck, System, TdvpSolver
from opentdvp.config.lattice import Lattice
from opentdvp.engine.evolve import evolve
from opentdvp.errors import OpentdvpError
from opentdvp.records.result_code import ResultCode

#: Steps, in units of the time by the longest one, where no copy can be made: 1.0 to 2.8 in the
#: archived runs with enough samples.
_TYPICAL = 1.7
#: Right-hand sides of each of these steps.
_STAGES = {"heun": 6, "bogacki_shampine": 4}

#: Sites along an axis of a copy: of chains, of what is joined to a ring, and of other axes.
_CHAIN, _RING, _ROW = 4, 3, 2

#: Up to this number, all outcomes are visited.
_OUTCOMES = 4096
#: Strings of three letters follow what those of two do not; noise of few samples is worse for them.
_ENUMERATED: dict[str, Any] = {
    "network": {"weight": 3},
    "sampling": {"kind": "enumeration"},
    "regularization": {
        "method": "eigenvalues",
        "eigenvalue_cutoff": 1e-8,
        "signal_to_noise_cutoff": 0.0,
    },
    "precision": "double",
}
_SAMPLED: dict[str, Any] = {
    "network": {"weight": 3},
    "sampling": {
        "kind": "chains",
        "sweeps": 4,
        "solve": 2048,
        "held_out": 256,
        "observables": 256,
    },
    "regularization": {"method": "cholesky", "shift": 1e-3},
    "precision": "single",
}

_POVM_OUTCOMES = 4


class StepCount(NamedTuple):
    """Accepted steps, and the right-hand sides that they take."""

    steps: int
    evaluations: int


def expected_steps(deck: Deck) -> StepCount:
    """Steps of a TDVP run, from a copy of few sites if its system has one."""
    assert isinstance(deck.solver, TdvpSolver)
    copy = _copy(deck.system, deck.solver)
    if copy is not None:
        counted = _count(copy.canonical())
        if counted is not None:
            return counted
    integrator = deck.solver.integrator
    steps = ceil(_TYPICAL * deck.system.time.last / integrator.maximal_step)
    return StepCount(steps, _STAGES[integrator.method] * steps)


@cache
def _count(deck: str) -> StepCount | None:
    """Steps of a copy; None if it fails."""
    try:
        found = evolve(Deck.model_validate_json(deck))
    except OpentdvpError:
        return None
    if found.result is not ResultCode.SUCCESS:
        return None
    evaluations = found.diagnostics["evaluations"]
    return StepCount(len(evaluations), int(evaluations.sum()))


def _copy(system: System, solver: TdvpSolver) -> Deck | None:
    """The same on the smallest lattice; None if something in it needs more sites."""
    tree = system.model_dump(mode="json")
    tree["lattice"] = _smallest(system.lattice)
    tree["observables"] = {"magnetization": ["Z"]}
    tree["time"] = {"times": [system.time.last]}
    try:
        small = System.model_validate(tree)
        settings = _settings(system, small, solver)
        return Deck(system=small, solver=TdvpSolver.model_validate(settings))
    except ValidationError:
        return None


def _smallest(lattice: Lattice) -> dict[str, Any]:
    tree: dict[str, Any] = lattice.model_dump(mode="json")
    if lattice.size is not None:
        least = [_RING if closed else _ROW for closed in lattice.closed]
        if lattice.kind == "chain":
            least = [_CHAIN]
        tree["size"] = [min(n, m) for n, m in zip(lattice.size, least, strict=True)]
    return tree


def _settings(system: System, small: System, solver: TdvpSolver) -> dict[str, Any]:
    """A Jastrow factor, with the steps of the run."""
    enumerated = _POVM_OUTCOMES**small.lattice.n_sites <= _OUTCOMES
    how = _ENUMERATED if enumerated else _SAMPLED
    longest = max(small.lattice.extent)
    strings = {"kind": "jastrow", "range": longest, "pair_range": longest}
    integrator = solver.integrator.model_dump(mode="json")
    integrator["fisher_tolerance"] *= sqrt(small.lattice.n_sites / system.lattice.n_sites)
    others = {"orbit": None, "forgetting_bound": None, "drift_limit": 10.0}
    settings = solver.model_dump(mode="json") | others | how | {"integrator": integrator}
    return settings | {"network": strings | how["network"]}
