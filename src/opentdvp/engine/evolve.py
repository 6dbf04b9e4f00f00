"""A TDVP run from its deck to its trajectory; reads as a table of contents."""

import logging
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import jax

from opentdvp.config import Deck, TdvpSolver
from opentdvp.engine.build import build_engine
from opentdvp.engine.devices import announce_memory
from opentdvp.engine.steps import INITIAL, Run, record, steps
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import make_trajectory, output_times
from opentdvp.records.result_code import ResultCode
from opentdvp.records.trajectory import Trajectory

#: Largest first step times the fastest rate. At a product state the Fisher matrix is blind to most
#: parameters, so that the error of the first step is found only if the step is short.
_FIRST_CHANGE = 0.005

logger = logging.getLogger(__name__)


@runtime_checkable
class Report(Protocol):
    """Told of every accepted step."""

    def __call__(self, time: float, **values: float) -> None:
        """Simulated time, and what else is worth seeing."""
        ...


def evolve(
    deck: Deck,
    report: Report,
    resume_from: State | None = None,
    keep: Callable[[State], None] = lambda state: None,
) -> Trajectory:
    """Integrate S θ̇ = F from the product start state to the last time (paper, eq. 5).

    Parameters
    ----------
    deck
        System and TDVP solver.
    report
        Called after every accepted step with time, step size and residual.
    resume_from
        State to go on from; the result equals that of the uninterrupted run bit for bit.
    keep
        Called with the state after every accepted step, to write checkpoints.

    Returns
    -------
    Trajectory
        Up to the last time, or to where its result code says that it had to stop.

    Raises
    ------
    ConfigError
        If the solver does not fit the system.
    """
    run = prepare(deck)
    state = start(run) if resume_from is None else resume_from
    result = ResultCode.SUCCESS
    for advanced in steps(run, state):
        if isinstance(advanced, ResultCode):
            result = advanced
            break
        state = advanced
        keep(state)
        report(state.time, **_progress(state))
    device = f"{jax.devices()[0].device_kind} × {jax.device_count()}"
    return make_trajectory(deck, state.outputs, state.diagnostics, device, result)


def prepare(deck: Deck) -> Run:
    """Compile the engine of a deck."""
    solver = deck.solver
    if not isinstance(solver, TdvpSolver):
        raise TypeError(f"`deck.solver` must be a TdvpSolver, but is {type(solver).__name__}.")
    key = jax.random.key(solver.seed)
    logger.info("compiling…")
    engine = build_engine(deck.system, solver, jax.random.fold_in(key, INITIAL))
    announce_memory(engine.memory)
    return Run(engine, solver, output_times(deck), key)


def start(run: Run) -> State:
    """The product start state with its observables."""
    engine = run.engine
    step = run.solver.integrator.initial_step
    if engine.fastest_rate > 0:
        step = min(step, _FIRST_CHANGE / engine.fastest_rate)
    arrays = {"theta": engine.theta, **engine.sampler_state}
    return State(0.0, step, arrays, outputs=(record(engine.start, engine.theta),))


def _progress(state: State) -> dict[str, float]:
    last = state.diagnostics[-1]
    return {"step": float(last["step_size"]), "residual": float(last["residual"])}
