"""A TDVP run from its deck to its trajectory; reads as a table of contents."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from opentdvp.config import Deck, TdvpSolver
from opentdvp.engine import integrator
from opentdvp.engine.checkpoint import Records, State, columns
from opentdvp.engine.compiled import Engine, build_engine
from opentdvp.engine.observables import Estimate
from opentdvp.engine.tdvp import Solution
from opentdvp.provenance import provenance
from opentdvp.results import ResultCode
from opentdvp.trajectory import Observable, Trajectory

#: Streams of random numbers, so that none depends on how often another was used.
_INITIAL, _STEPS, _OUTPUTS, _HELD_OUT = range(4)

#: Probability drift below this rate per unit of time is rounding, whatever the scale of E.
_ROUNDING = 1e-8


@runtime_checkable
class Report(Protocol):
    """Told of every accepted step."""

    def __call__(self, time: float, **values: float) -> None:
        """Simulated time, and what else is worth seeing."""
        ...


class Run(NamedTuple):
    """What stays the same during a run."""

    engine: Engine
    solver: TdvpSolver
    times: np.ndarray
    key: jax.Array

    def random(self, stream: int, count: int) -> jax.Array:
        """Key number `count` of a stream."""
        return jax.random.fold_in(jax.random.fold_in(self.key, stream), count)


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
    return _trajectory(deck, run, state, result)


def prepare(deck: Deck) -> Run:
    """Compile the engine of a deck."""
    solver, time = deck.solver, deck.system.time
    if not isinstance(solver, TdvpSolver):
        raise TypeError(f"`deck.solver` must be a TdvpSolver, but is {type(solver).__name__}.")
    key = jax.random.key(solver.seed)
    engine = build_engine(deck.system, solver, jax.random.fold_in(key, _INITIAL))
    return Run(engine, solver, np.linspace(0, time.stop, time.points), key)


def start(run: Run) -> State:
    """The product start state with its observables."""
    theta = run.engine.theta
    first = _record(run.engine.measure(theta, run.random(_OUTPUTS, 0)))
    return State(0.0, run.solver.integrator.initial_step, np.asarray(theta), outputs=(first,))


def steps(run: Run, state: State) -> Iterator[State | ResultCode]:
    """States after accepted steps until the last time, or a code of what went wrong."""
    solution = _evaluate(run, state)
    while state.time < run.times[-1]:
        failure = _failure(solution, run.solver.drift_limit)
        if failure is not None:
            yield failure
            return
        advanced = _step(run, state, solution)
        if isinstance(advanced, ResultCode):
            yield advanced
            return
        state, solution = advanced
        yield state


def _evaluate(run: Run, state: State) -> Solution:
    key = run.random(_STEPS, len(state.diagnostics))
    return run.engine.derivative(jnp.asarray(state.theta), key)


def _failure(solution: Solution, drift_limit: float) -> ResultCode | None:
    """Whether a right-hand side can be trusted; <E> is the rate at which probability is lost."""
    if not bool(jnp.all(jnp.isfinite(solution.velocity))):
        return ResultCode.NOT_FINITE
    drift = abs(float(solution.diagnostics["mean_estimate"]))
    if drift > drift_limit * float(solution.diagnostics["estimate_deviation"]) + _ROUNDING:
        return ResultCode.PROBABILITY_DRIFT
    return None


def _step(run: Run, state: State, solution: Solution) -> tuple[State, Solution] | ResultCode:
    """Try steps until one is accepted, then record what happened on the way."""
    settings, theta = run.solver.integrator, jnp.asarray(state.theta)
    remaining = run.times[-1] - state.time
    wanted, evaluations = state.step_size, state.evaluations
    while True:
        size = min(wanted, settings.maximal_step, remaining)
        trial = integrator.heun_trial(
            _slope(run, len(state.diagnostics)),
            integrator.fisher_norm(solution.fisher),
            theta,
            solution.velocity,
            size,
            settings.fisher_tolerance,
        )
        evaluations += integrator.TRIAL_COST
        if trial.accepted(settings.fisher_tolerance):
            break
        wanted = trial.next_step
        if wanted < settings.minimal_step:
            finite = np.isfinite(trial.error)
            return ResultCode.STEP_SIZE_COLLAPSE if finite else ResultCode.NOT_FINITE
    # The last step lands on the last time exactly, and must not shorten the one to try next.
    time = float(run.times[-1]) if size == remaining else state.time + size
    advanced = replace(
        state,
        time=time,
        step_size=max(trial.next_step, wanted) if size < wanted else trial.next_step,
        theta=np.asarray(trial.end),
        evaluations=evaluations + 1,
        diagnostics=(*state.diagnostics, _diagnose(run, state, solution, trial, size, evaluations)),
    )
    following = _evaluate(run, advanced)
    outputs = _outputs(run, state, advanced, solution, following)
    return replace(advanced, outputs=(*state.outputs, *outputs)), following


def _slope(run: Run, step: int) -> integrator.Slope:
    """θ̇(θ) with the random numbers of one step, so that its stages differ by θ, not by noise."""
    key = run.random(_STEPS, step)
    return lambda theta: run.engine.derivative(theta, key).velocity


def _outputs(
    run: Run, old: State, new: State, first: Solution, last: Solution
) -> Iterator[dict[str, np.ndarray]]:
    """Observables at the output times within a step, from the parameters interpolated there."""
    size = new.time - old.time
    for index in range(len(old.outputs), len(run.times)):
        if run.times[index] > new.time:
            return
        theta = integrator.interpolate(
            (run.times[index] - old.time) / size,
            size,
            jnp.asarray(old.theta),
            jnp.asarray(new.theta),
            first.velocity,
            last.velocity,
        )
        yield _record(run.engine.measure(theta, run.random(_OUTPUTS, index)))


def _diagnose(
    run: Run,
    state: State,
    solution: Solution,
    trial: integrator.Trial,
    size: float,
    evaluations: int,
) -> dict[str, np.ndarray]:
    """Record of an accepted step: where it began, and what its first right-hand side was like."""
    step = len(state.diagnostics)
    held_out = run.engine.held_out_residual(
        jnp.asarray(state.theta), solution.velocity, run.random(_HELD_OUT, step)
    )
    values = {
        "time": state.time,
        "step_size": size,
        "step_error": trial.error,
        "residual_held_out": held_out,
        "evaluations": evaluations + 1 - state.evaluations,
        **solution.diagnostics,
    }
    return {name: np.asarray(value, dtype=float) for name, value in values.items()}


def _record(estimate: Estimate) -> dict[str, np.ndarray]:
    means = {name: np.asarray(mean) for name, (mean, _) in estimate.items()}
    errors = {f"{name}.stderr": np.asarray(error) for name, (_, error) in estimate.items()}
    return means | errors


def _progress(state: State) -> dict[str, float]:
    last = state.diagnostics[-1]
    return {"step": float(last["step_size"]), "residual": float(last["residual"])}


def _trajectory(deck: Deck, run: Run, state: State, result: ResultCode) -> Trajectory:
    """Everything recorded, in the form that all solvers share."""
    return Trajectory(
        times=run.times[: len(state.outputs)],
        observables=_observables(deck, state.outputs),
        diagnostics=columns(state.diagnostics),
        deck=deck.canonical(),
        provenance=provenance(f"{jax.devices()[0].device_kind} × {jax.device_count()}"),
        result=result,
    )


def _observables(deck: Deck, outputs: Records) -> dict[str, Observable]:
    table = columns(outputs)
    distances = deck.system.observables.correlators
    return {
        name: Observable(mean, table[f"{name}.stderr"], distances.get(name.removeprefix("C_"), ()))
        for name, mean in table.items()
        if not name.endswith(".stderr")
    }
