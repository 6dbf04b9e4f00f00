"""What a matrix product run will take: time steps with full bonds, times their number."""

import time

from opentdvp.config import Deck, TensorNetworkSolver
from opentdvp.protocol import Forecast
from opentdvp.records.from_solver import output_times
from opentdvp.references.tensors.evolution import Accuracy, evolve, product_tensors
from opentdvp.references.tensors.problem import Problem, assemble, evolutions
from opentdvp.references.time_steps import Steps

#: Time steps, so large that bonds become as large as they may be within a few of them.
_LARGE, _FEW = 0.5, 8


def forecast(deck: Deck) -> Forecast:
    """All steps of the three evolutions, as long as one with bonds as large as they may be."""
    assert isinstance(deck.solver, TensorNetworkSolver)
    problem, times = assemble(deck, deck.solver), output_times(deck)
    seconds, count = 0.0, 0
    measured = _measuring(problem)
    known: dict[int, float] = {}
    for accuracy, stretches in evolutions(deck.solver, problem.chain.drives, times):
        bond = accuracy.bond_dimension
        if bond not in known:
            known[bond] = _step(problem, accuracy)
        count = sum(steps.number for stretch in stretches for steps in stretch)
        seconds += count * known[bond] + len(times) * measured
    return Forecast(count, seconds)


def _step(problem: Problem, accuracy: Accuracy) -> float:
    """Seconds of one time step from bonds that no longer grow."""
    everything = accuracy._replace(singular_value_cutoff=0.0)
    growing = [(Steps(k * _LARGE, _LARGE, 1),) for k in range(_FEW)]
    stepping = evolve(problem.chain, product_tensors(problem.chain), everything, growing)
    bonds, seconds = 1, 0.0
    while True:
        began = time.monotonic()
        tensors, _ = next(stepping)
        seconds, before = time.monotonic() - began, bonds
        bonds = max(len(values) for values in tensors.values)
        if bonds == before:
            return seconds


def _measuring(problem: Problem) -> float:
    """Seconds of the observables of one time."""
    began = time.monotonic()
    problem.measure(0.0, product_tensors(problem.chain))
    return time.monotonic() - began
