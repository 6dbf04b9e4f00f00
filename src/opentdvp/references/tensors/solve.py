"""Matrix product references: a closed chain, or the density matrix of an open one.

Every run is three: one with half the bond dimension and twice the time step, one with half the bond
dimension, and the one that is asked for. Their differences are its errors.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from opentdvp.config import Observables, System, TensorNetworkSolver
from opentdvp.config.strengths import Drive
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.observables.derived import Derived
from opentdvp.protocol import Task, method
from opentdvp.records.checkpoint import Records, State, columns
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory
from opentdvp.references.tensors.averages import Measurement, measure
from opentdvp.references.tensors.environments import build_environments
from opentdvp.references.tensors.evolution import (
    Accuracy,
    Tensors,
    evolve,
    product_tensors,
    tensors_from,
)
from opentdvp.references.tensors.layout import find_layout
from opentdvp.references.tensors.space import (
    Chain,
    Space,
    amplitudes,
    build_chain,
    pauli_expectations,
)
from opentdvp.references.tensors.strings import string_expectations
from opentdvp.references.time_steps import Steps, stretches

#: Largest estimated memory of a run.
MAXIMAL_GIB = 12

#: Time steps to the next output, equal between milestones.
Stretch = tuple[Steps, ...]

# Beginning of the names of arrays that hold the observables of finished evolutions.
_FINISHED = "finished/"

# Copies of the largest matrix that a decomposition needs.
_COPIES = 8


def _check(system: System, solver: TensorNetworkSolver) -> None:
    model = build_model(system)
    if solver.method == "mps" and model.jumps:
        raise ConfigError("`jumps` must be empty for the method mps, but is not; use mpo.")
    layout, starts = find_layout(model, solver.chain), _space(model, solver).starts
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
    deck, solver = task.deck, task.settings
    model, times = build_model(deck.system), output_times(deck)
    chain = build_chain(find_layout(model, solver.chain), _space(model, solver))
    run = _Run(
        chain=chain,
        measure=_measurement(chain, model, deck.system.observables),
        times=times,
        evolutions=_evolutions(solver, chain.drives, times),
    )
    begin = _begin(run, {}) if task.resume_from is None else task.resume_from
    state, result = _evolve(run, task, begin)
    outputs, diagnostics = _with_errors(state)
    return make_trajectory(deck, outputs, diagnostics, "cpu", result)


class _Run(NamedTuple):
    """What stays the same during a run."""

    chain: Chain
    measure: Callable[[float, Tensors], Measurement]
    times: np.ndarray
    evolutions: tuple[tuple[Accuracy, list[Stretch]], ...]


def _measurement(
    chain: Chain, model: Model, observables: Observables
) -> Callable[[float, Tensors], Measurement]:
    """Every configured observable of tensors at a time."""
    derived = Derived(observables, model)

    def measured(time: float, tensors: Tensors) -> Measurement:
        averages, trace = measure(chain, tensors, model.lattice, observables)
        environments = build_environments(chain, tensors)
        values = string_expectations(chain, environments, derived.strings, model.n_sites)
        return Measurement(averages | derived.means(time, values), trace)

    return measured


def _space(model: Model, solver: TensorNetworkSolver) -> Space:
    return amplitudes(model) if solver.method == "mps" else pauli_expectations(model)


def _evolutions(
    solver: TensorNetworkSolver, drives: tuple[Drive, ...], times: np.ndarray
) -> tuple[tuple[Accuracy, list[Stretch]], ...]:
    """Accuracy, and steps to each output: the coarsest first, the one asked for last."""
    coarse = stretches(drives, times, 2 * solver.time_step)
    fine = [tuple(steps.halved() for steps in stretch) for stretch in coarse]
    half = (solver.bond_dimension + 1) // 2
    settings = ((half, coarse), (half, fine), (solver.bond_dimension, fine))
    cutoff, order = solver.singular_value_cutoff, solver.order
    return tuple((Accuracy(b, cutoff, order), steps) for b, steps in settings)


def _begin(run: _Run, finished: Mapping[str, np.ndarray]) -> State:
    """The start of the next evolution; `finished` holds the observables of those before."""
    tensors = product_tensors(run.chain)
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
        stepping = evolve(run.chain, tensors_from(state.arrays), accuracy, steps[reached:])
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
        state = _begin(run, _flat([*_finished(state), columns(state.outputs)]))


def _record(run: _Run, state: State, time: float, tensors: Tensors, discarded: float) -> State:
    """The state with new tensors, and what is measured of them."""
    observables, trace = run.measure(time, tensors)
    before = float(state.diagnostics[-1]["discarded_weight"]) if state.diagnostics else 0.0
    record = {
        "time": time,
        "bond_dimension": _bond_dimension(tensors),
        "discarded_weight": before + discarded,
        "trace_error": abs(trace - 1),
    }
    return State(
        time=time,
        step_size=0.0,
        arrays={k: v for k, v in state.arrays.items() if k.startswith(_FINISHED)}
        | tensors.arrays(),
        outputs=(*state.outputs, observables),
        diagnostics=(*state.diagnostics, {k: np.array(v) for k, v in record.items()}),
    )


def _bond_dimension(tensors: Tensors) -> int:
    return max(len(values) for values in tensors.values)


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


def _with_errors(state: State) -> tuple[Records, Records]:
    """Observables with errors, and diagnostics; without errors if the last evolution lacks."""
    finished = _finished(state)
    if len(finished) < 2:
        return state.outputs, state.diagnostics
    coarse, half = finished
    outputs, diagnostics = [], []
    for k, (found, record) in enumerate(zip(state.outputs, state.diagnostics, strict=True)):
        by_bond = {name: np.abs(mean - half[name][k]) for name, mean in found.items()}
        by_step = {name: np.abs(half[name][k] - coarse[name][k]) for name in found}
        errors = {f"{name}.stderr": by_bond[name] + by_step[name] for name in found}
        outputs.append({**found, **errors})
        largest = {
            "bond_dimension_error": np.max([np.max(e) for e in by_bond.values()]),
            "time_step_error": np.max([np.max(e) for e in by_step.values()]),
        }
        diagnostics.append({**record, **largest})
    return tuple(outputs), tuple(diagnostics)
