"""Matrix product references: a closed chain, or the density matrix of an open one.

Every run is three: one with half the bond dimension and twice the time step, one with half the bond
dimension, and the one that is asked for. Their differences are its errors.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opentdvp.config import System, TensorNetworkSolver
from opentdvp.errors import ConfigError
from opentdvp.physics.model import build_model
from opentdvp.protocol import Task, method
from opentdvp.records.checkpoint import State, columns
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.tensors.errors import with_errors
from opentdvp.references.tensors.evolution import (
    Accuracy,
    Tensors,
    evolve,
    product_tensors,
    tensors_from,
)
from opentdvp.references.tensors.layout import find_layout
from opentdvp.references.tensors.problem import (
    EVOLUTIONS,
    Problem,
    Stretch,
    assemble,
    evolutions,
    space_of,
)
from opentdvp.references.tensors.rows import BONDS, Row, stacked, to_row

#: Largest estimated memory of a run.
MAXIMAL_GIB = 12

# Beginnings of the names of arrays that hold the observables of finished evolutions, and the
# tensors of all of them at every output time.
_FINISHED, _KEPT = "finished/", "kept/"

# Copies of the largest matrix that a decomposition needs.
_COPIES = 8


def _check(system: System, solver: TensorNetworkSolver) -> None:
    model = build_model(system)
    if solver.method == "mps" and model.jumps:
        raise ConfigError("`jumps` must be empty for the method mps, but is not; use mpo.")
    layout, starts = find_layout(model, solver.chain), space_of(model, solver).starts
    size = solver.bond_dimension * starts.shape[1] ** max(map(len, layout.tensors))
    memory = _COPIES * size**2 * starts.itemsize / 2**30
    if memory > MAXIMAL_GIB:
        raise ConfigError(
            f"`bond_dimension` must leave a problem of at most {MAXIMAL_GIB} GiB, but is "
            f"{solver.bond_dimension}, with matrices of {size} × {size} about {memory:.3g} GiB."
        )


@method(TensorNetworkSolver, _check)
def solve(task: Task[TensorNetworkSolver]) -> Trajectory:
    """Evolve the chain three times, each from the product start state to the last time.

    The standard error is not statistical: it is the sum of the changes by halving the bond
    dimension and by doubling the time step (at half the bond dimension). Diagnostics, per output
    time: the largest of each of these changes, the bond dimension, the weight discarded so far, and
    by how much the trace differs from 1. If a number is not finite, the trajectory ends there.
    The report has the share of the work that is done, in units of the last time.
    """
    deck, times = task.deck, output_times(task.deck)
    problem = assemble(deck, task.settings)
    run = _Run(problem, times, evolutions(task.settings, problem.chain.drives, times))
    begin = _begin(run, {}) if task.resume_from is None else task.resume_from
    state, result = _evolve(run, task, begin)
    finished = _finished(state)
    outputs, diagnostics = state.outputs, state.diagnostics
    if len(finished) == len(EVOLUTIONS) - 1:
        outputs, diagnostics = with_errors(outputs, diagnostics, *finished)
    found = make_trajectory(deck, outputs, diagnostics, "cpu", result)
    return replace(found, states=_kept(state) if result is ResultCode.SUCCESS else {})


class _Run(NamedTuple):
    """What stays the same during a run."""

    problem: Problem
    times: np.ndarray
    evolutions: tuple[tuple[Accuracy, list[Stretch]], ...]


def _begin(run: _Run, finished: Mapping[str, np.ndarray]) -> State:
    """The start of the next evolution; `finished` is what there is of those before."""
    tensors = product_tensors(run.problem.chain)
    state = State(0.0, 0.0, {**finished, **tensors.arrays()})
    return state if run.times[0] > 0 else _record(run, state, 0.0, tensors, 0.0)


def _evolve(run: _Run, task: Task[TensorNetworkSolver], state: State) -> tuple[State, ResultCode]:
    # Half the bond dimension takes about an eighth of the time.
    costs = np.cumsum([0, 1, 2, 16]) / 19
    stop = float(run.times[-1])
    while True:
        done = len(_finished(state))
        accuracy, steps = run.evolutions[done]
        reached = len(state.outputs)
        stepping = evolve(run.problem.chain, tensors_from(state.arrays), accuracy, steps[reached:])
        for time in run.times[reached:].tolist():
            try:
                tensors, discarded = next(stepping)
            except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                return state, ResultCode.INTEGRATOR_FAILURE
            if not all(np.isfinite(tensor).all() for tensor in tensors.tensors):
                return state, ResultCode.NOT_FINITE
            state = _record(run, state, time, tensors, discarded)
            task.keep(state)
            share = float(np.interp(done + time / stop, range(len(costs)), costs))
            task.report(stop * share, bond_dimension=_bond_dimension(tensors))
        if done + 1 == len(run.evolutions):
            return state, ResultCode.SUCCESS
        finished = _flat([*_finished(state), columns(state.outputs)])
        state = _begin(run, finished | _named(state, _KEPT))


def _record(run: _Run, state: State, time: float, tensors: Tensors, discarded: float) -> State:
    """The state with new tensors, and what is measured of them."""
    observables, trace = run.problem.measure(time, tensors)
    before = float(state.diagnostics[-1]["discarded_weight"]) if state.diagnostics else 0.0
    record = {
        "time": time,
        "bond_dimension": _bond_dimension(tensors),
        "discarded_weight": before + discarded,
        "trace_error": abs(trace - 1),
    }
    kept = {}
    if run.problem.keeps:
        place = f"{_KEPT}{len(_finished(state))}/{len(state.outputs)}/"
        row = to_row(run.problem.chain, tensors)._asdict()
        kept = {place + name: values for name, values in row.items()}
    before_it = _named(state, _FINISHED) | _named(state, _KEPT)
    return State(
        time=time,
        step_size=0.0,
        arrays=before_it | kept | tensors.arrays(),
        outputs=(*state.outputs, observables),
        diagnostics=(*state.diagnostics, {k: np.array(v) for k, v in record.items()}),
    )


def _bond_dimension(tensors: Tensors) -> int:
    return max(len(values) for values in tensors.values)


def _named(state: State, prefix: str) -> dict[str, np.ndarray]:
    return {name: values for name, values in state.arrays.items() if name.startswith(prefix)}


def _kept(state: State) -> dict[str, np.ndarray]:
    """Tensors of all evolutions at all output times; nothing if a part of the run kept none."""
    arrays = state.arrays
    states: dict[str, np.ndarray] = {}
    for number, name in enumerate(EVOLUTIONS):
        places = [f"{_KEPT}{number}/{k}/" for k in range(len(state.outputs))]
        if any(place + "numbers" not in arrays for place in places):
            return {}
        table = stacked([Row(arrays[p + "numbers"], arrays[p + "bonds"]) for p in places])
        states |= {name: table.numbers, name + BONDS: table.bonds}
    return states


def _flat(tables: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {f"{_FINISHED}{k}/{name}": t[name] for k, t in enumerate(tables) for name in t}


def _finished(state: State) -> list[dict[str, np.ndarray]]:
    """Observables of the finished evolutions, times first."""
    tables: dict[int, dict[str, np.ndarray]] = {}
    for key, column in state.arrays.items():
        if key.startswith(_FINISHED):
            number, name = key.removeprefix(_FINISHED).split("/")
            tables.setdefault(int(number), {})[name] = column
    return [tables[number] for number in sorted(tables)]
