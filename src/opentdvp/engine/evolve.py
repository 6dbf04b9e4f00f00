"""A TDVP run from its deck to its trajectory; reads as a table of contents."""

import logging

import jax

from opentdvp.config import Deck, TdvpSolver
from opentdvp.engine.assembly import check
from opentdvp.engine.build import build_engine
from opentdvp.engine.compilation_cache import keeping_compiled
from opentdvp.engine.devices import announce_memory
from opentdvp.engine.evaluations import INITIAL, Run
from opentdvp.engine.steps import record, steps
from opentdvp.protocol import Task, method
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import ADDED_AT, make_trajectory, output_times
from opentdvp.records.trajectory import Trajectory

#: Largest first step times the fastest rate. At a product state the Fisher matrix is blind to most
#: parameters, so that the error of the first step is found only if the step is short.
_FIRST_CHANGE = 0.005

#: Samples for each parameter, fewer than which are warned of.
_LEAST_SAMPLES = 3

logger = logging.getLogger(__name__)


@method(TdvpSolver, check)
@keeping_compiled()
def evolve(task: Task[TdvpSolver]) -> Trajectory:
    """Integrate S θ̇ = F (paper, eq. 5); the report has step size and residual of every step."""
    run = prepare(task.deck)
    begin = start(run) if task.resume_from is None else task.resume_from
    state, result = task.follow(steps(run, begin), begin, _progress)
    device = f"{jax.devices()[0].device_kind} × {jax.device_count()}"
    return make_trajectory(task.deck, state.outputs, state.diagnostics, device, result)


def prepare(deck: Deck) -> Run:
    """Compile the engine of a deck."""
    solver = evolve.settings(deck)
    key = jax.random.key(solver.seed)
    logger.info("compiling…")
    engine = build_engine(deck.system, solver, jax.random.fold_in(key, INITIAL))
    announce_memory(engine.memory)
    _warn_of_few_samples(solver, len(engine.theta))
    return Run(engine, solver, output_times(deck), key)


def _warn_of_few_samples(solver: TdvpSolver, parameters: int) -> None:
    """Say that a solve has too few samples for its parameters, if it has."""
    sampling, growth = solver.sampling, getattr(solver.network, "growth", None)
    if growth is not None:
        parameters = min(parameters, growth.strings)
    if sampling.kind != "enumeration" and sampling.solve < _LEAST_SAMPLES * parameters:
        logger.warning(
            "%d parameters are fitted to %d samples. With fewer than %d for each, noise may make "
            "steps very short: take more samples (`sampling.solve`) or a smaller network "
            "(`weight`, `range`, `width`).",
            parameters,
            sampling.solve,
            _LEAST_SAMPLES,
        )


def start(run: Run) -> State:
    """The product start state, with its observables if they are wanted at time 0."""
    engine = run.engine
    step = run.solver.integrator.initial_step
    if engine.fastest_rate > 0:
        step = min(step, _FIRST_CHANGE / engine.fastest_rate)
    added_at = {} if engine.growing is None else {ADDED_AT: engine.growing.first}
    arrays = {"theta": engine.theta, **engine.sampler_state, **added_at}
    first = record(engine.start, engine.theta, added_at)
    return State(0.0, step, arrays, outputs=() if run.times[0] > 0 else (first,))


def _progress(state: State) -> dict[str, float]:
    last = state.diagnostics[-1]
    return {"step": float(last["step_size"]), "residual": float(last["residual"])}
