"""Observables from the moments that a run has kept, with errors from its three cuts."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from opentdvp.config import Deck, MomentsSolver
from opentdvp.errors import FileError, NumericalFailure
from opentdvp.protocol import Report, measuring
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.kept_states import Interval, intervals
from opentdvp.references.moments.evolutions import advance, packed, unpacked
from opentdvp.references.moments.problem import Problem, assemble, kept_size
from opentdvp.references.moments.solve import ERROR_IS


@measuring(kept_size)
def measure(deck: Deck, evolution: Trajectory, report: Report) -> Trajectory:
    """Observables from kept moments, and from steps of the solver between them."""
    assert isinstance(deck.solver, MomentsSolver)
    problem, start = assemble(deck, deck.solver)
    problem = problem._replace(keeps=False)
    outputs: list[dict[str, np.ndarray]] = []
    for interval in intervals(evolution, output_times(deck), tuple(problem.evolutions)):
        outputs.extend(_observed(problem, _state(start, evolution, interval), interval))
        report(interval.begin)
    found = make_trajectory(deck, tuple(outputs), (), "cpu", evolution.result)
    return replace(found, provenance=found.provenance | {"standard_error": ERROR_IS})


def _state(start: State, evolution: Trajectory, interval: Interval) -> State:
    """All evolutions at the beginning of an interval."""
    if interval.row is None:
        return start
    points = {}
    for name, point in unpacked(start).items():
        values = evolution.states[name][interval.row]
        if values.shape != point.values.shape:
            raise FileError(
                f"Argument FILE must keep {point.values.size} moments of `{name}`, but keeps "
                f"{values.size}; run it again."
            )
        points[name] = point._replace(time=interval.begin, values=values)
    return packed(points, start)


def _observed(
    problem: Problem, state: State, interval: Interval
) -> Iterator[dict[str, np.ndarray]]:
    """Observables at the times of an interval, from the state at its beginning."""
    if interval.here:
        state = problem.record(state)
    for found in advance(problem.evolutions, state, interval.later, problem.record):
        if isinstance(found, ResultCode):
            raise NumericalFailure(
                f"What was kept at time {interval.begin:g} must evolve to {interval.later[-1]:g}, "
                f"but stops: {found.remedy('moments')}"
            )
        state = found
    yield from state.outputs
