"""Observables from the tensors that a run has kept, with errors from its three evolutions."""

from collections.abc import Iterator

import numpy as np

from opentdvp.config import Deck, TensorNetworkSolver
from opentdvp.errors import FileError, NumericalFailure
from opentdvp.protocol import Report, measuring
from opentdvp.records.checkpoint import Records, columns
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.kept_states import Interval, intervals
from opentdvp.references.tensors.errors import with_errors
from opentdvp.references.tensors.evolution import Tensors, evolve, product_tensors
from opentdvp.references.tensors.problem import (
    EVOLUTIONS,
    Problem,
    assemble,
    evolutions,
    kept_size,
)
from opentdvp.references.tensors.rows import BONDS, Row, from_row


@measuring(kept_size)
def measure(deck: Deck, evolution: Trajectory, report: Report) -> Trajectory:
    """Observables from kept tensors, and from steps of the solver between them."""
    assert isinstance(deck.solver, TensorNetworkSolver)
    problem = assemble(deck, deck.solver)
    needed = tuple(name + end for name in EVOLUTIONS for end in ("", BONDS))
    by_evolution: list[list[dict[str, np.ndarray]]] = [[] for _ in EVOLUTIONS]
    for interval in intervals(evolution, output_times(deck), needed):
        for number, outputs in enumerate(by_evolution):
            tensors = _tensors(problem, evolution, interval, EVOLUTIONS[number])
            outputs.extend(_observed(problem, deck.solver, interval, number, tensors))
        report(interval.begin)
    coarse, half, asked = (tuple(outputs) for outputs in by_evolution)
    nothing: Records = ({},) * len(asked)
    found, _ = with_errors(asked, nothing, columns(coarse), columns(half))
    return make_trajectory(deck, found, (), "cpu", evolution.result)


def _tensors(problem: Problem, evolution: Trajectory, interval: Interval, name: str) -> Tensors:
    """One evolution at the beginning of an interval."""
    if interval.row is None:
        return product_tensors(problem.chain)
    numbers = evolution.states[name][interval.row]
    bonds = evolution.states[name + BONDS][interval.row].astype(int)
    try:
        return from_row(problem.chain, Row(numbers, bonds))
    except (ValueError, IndexError) as error:
        raise FileError(
            f"Argument FILE must keep the tensors of its chain as `{name}`, but keeps others; run "
            "it again."
        ) from error


def _observed(
    problem: Problem,
    solver: TensorNetworkSolver,
    interval: Interval,
    number: int,
    tensors: Tensors,
) -> Iterator[dict[str, np.ndarray]]:
    """Observables of one evolution at the times of an interval."""
    if interval.here:
        yield problem.measure(interval.begin, tensors).observables
    if not interval.later:
        return
    times = np.array(interval.later)
    chain = problem.chain
    accuracy, steps = evolutions(solver, chain.drives, times, interval.begin)[number]
    stepping = evolve(chain, tensors, accuracy, steps)
    for time in interval.later:
        try:
            advanced, _ = next(stepping)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            raise NumericalFailure(
                f"What was kept at time {interval.begin:g} must evolve to {time:g}, but does not: "
                f"{error}"
            ) from error
        yield problem.measure(time, advanced).observables
