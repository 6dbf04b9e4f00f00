"""Accepted steps of a run: trial steps, failures, diagnostics, observables on the way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from opentdvp.config import TdvpSolver
from opentdvp.engine import integrator
from opentdvp.engine.checkpoint import State
from opentdvp.engine.compiled import Engine
from opentdvp.engine.observables import Estimate
from opentdvp.engine.tdvp import Solution
from opentdvp.results import ResultCode

#: Streams of random numbers, so that none depends on how often another was used.
INITIAL, STEPS, OUTPUTS, HELD_OUT = range(4)

#: Probability drift below this rate per unit of time is rounding, whatever the scale of E.
_ROUNDING = 1e-8


class Run(NamedTuple):
    """What stays the same during a run."""

    engine: Engine
    solver: TdvpSolver
    times: np.ndarray
    key: jax.Array

    def random(self, stream: int, count: int) -> jax.Array:
        """Key number `count` of a stream."""
        return jax.random.fold_in(jax.random.fold_in(self.key, stream), count)


class Attempt(NamedTuple):
    """An accepted trial step, its size, and the right-hand sides it cost."""

    trial: integrator.Trial
    size: float
    evaluations: int


def steps(run: Run, state: State) -> Iterator[State | ResultCode]:
    """States after accepted steps until the last time, or a code of what went wrong."""
    solution = _evaluate(run, state)
    while not isinstance(solution, ResultCode) and state.time < run.times[-1]:
        advanced = _step(run, state, solution)
        if isinstance(advanced, ResultCode):
            yield advanced
            return
        state, solution = advanced
        yield state
    if isinstance(solution, ResultCode):
        yield solution


def _evaluate(run: Run, state: State) -> Solution | ResultCode:
    """The right-hand side at a state, if it can be trusted.

    <E> vanishes for a normalised ansatz: it is the rate at which probability would be lost.
    """
    key = run.random(STEPS, len(state.diagnostics))
    solution = run.engine.derivative(jnp.asarray(state.theta), key)
    if not bool(jnp.all(jnp.isfinite(solution.velocity))):
        return ResultCode.NOT_FINITE
    drift = abs(float(solution.diagnostics["mean_estimate"]))
    scale = float(solution.diagnostics["estimate_deviation"])
    if drift > run.solver.drift_limit * scale + _ROUNDING:
        return ResultCode.PROBABILITY_DRIFT
    return solution


def _step(run: Run, state: State, solution: Solution) -> tuple[State, Solution] | ResultCode:
    """One accepted step, with its diagnostics and the observables at the output times within."""
    attempt = _try(run, state, solution)
    if isinstance(attempt, ResultCode):
        return attempt
    # The last step lands on the last time exactly.
    at_end = attempt.size == run.times[-1] - state.time
    advanced = replace(
        state,
        time=float(run.times[-1]) if at_end else state.time + attempt.size,
        step_size=attempt.trial.next_step,
        theta=np.asarray(attempt.trial.end),
        diagnostics=(*state.diagnostics, _diagnose(run, state, solution, attempt)),
    )
    following = _evaluate(run, advanced)
    if isinstance(following, ResultCode):
        return following
    outputs = _outputs(run, state, advanced, solution, following)
    return replace(advanced, outputs=(*state.outputs, *outputs)), following


def _try(run: Run, state: State, solution: Solution) -> Attempt | ResultCode:
    """Shorten the step until its error is small enough."""
    settings = run.solver.integrator
    wanted, evaluations = state.step_size, 1
    while True:
        size = min(wanted, settings.maximal_step, run.times[-1] - state.time)
        trial = integrator.heun_trial(
            _slope(run, len(state.diagnostics)),
            integrator.fisher_norm(solution.fisher),
            jnp.asarray(state.theta),
            solution.velocity,
            size,
            settings.fisher_tolerance,
        )
        evaluations += integrator.TRIAL_COST
        if trial.accepted(settings.fisher_tolerance):
            return Attempt(trial, size, evaluations)
        wanted = trial.next_step
        if wanted < settings.minimal_step:
            finite = np.isfinite(trial.error)
            return ResultCode.STEP_SIZE_COLLAPSE if finite else ResultCode.NOT_FINITE


def _slope(run: Run, step: int) -> integrator.Slope:
    """θ̇(θ) with the random numbers of one step, so that its stages differ by θ, not by noise."""
    key = run.random(STEPS, step)
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
        yield record(run.engine.measure(theta, run.random(OUTPUTS, index)))


def _diagnose(
    run: Run, state: State, solution: Solution, attempt: Attempt
) -> dict[str, np.ndarray]:
    """Record of an accepted step: where it began, and what its first right-hand side was like."""
    step = len(state.diagnostics)
    held_out = run.engine.held_out_residual(
        jnp.asarray(state.theta), solution.velocity, run.random(HELD_OUT, step)
    )
    values = {
        "time": state.time,
        "step_size": attempt.size,
        "step_error": attempt.trial.error,
        "residual_held_out": held_out,
        "evaluations": attempt.evaluations,
        **solution.diagnostics,
    }
    return {name: np.asarray(value, dtype=float) for name, value in values.items()}


def record(estimate: Estimate) -> dict[str, np.ndarray]:
    """Observables at one time in the form that checkpoints keep."""
    means = {name: np.asarray(mean) for name, (mean, _) in estimate.items()}
    errors = {f"{name}.stderr": np.asarray(error) for name, (_, error) in estimate.items()}
    return means | errors
