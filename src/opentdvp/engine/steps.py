"""Accepted steps of a run: trial steps, failures, diagnostics, observables on the way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from opentdvp.engine.evaluations import (
    MONITOR,
    OUTPUTS,
    Evaluation,
    Run,
    added_at_of,
    evaluate,
    slope,
)
from opentdvp.engine.functions import Measurement, Vector
from opentdvp.engine.principle import integrator
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import STATE, STEP_SLOPES, STEP_THETA
from opentdvp.records.result_code import ResultCode

#: Largest step times the fastest rate over which observables are interpolated; a longer step ends
#: on the next output time, because slopes at its ends may say little about what is between them.
_INTERPOLATED = 2.0


class Attempt(NamedTuple):
    """An accepted trial step, its size, the one to try next, and the right-hand sides it cost."""

    trial: integrator.Trial
    size: float
    next_step: float
    evaluations: int


def steps(run: Run, state: State) -> Iterator[State | ResultCode]:
    """States after accepted steps until the last time, or a code of what went wrong."""
    here = evaluate(run, state)
    while not isinstance(here, ResultCode) and state.time < run.times[-1]:
        advanced = _step(run, state, here)
        if isinstance(advanced, ResultCode):
            yield advanced
            return
        state, here = advanced
        yield state
    if isinstance(here, ResultCode):
        yield here


def _step(run: Run, state: State, here: Evaluation) -> tuple[State, Evaluation] | ResultCode:
    """One accepted step, with its diagnostics and the observables at the output times within."""
    attempt = _try(run, state, here)
    if isinstance(attempt, ResultCode):
        return attempt
    # A step to an output time or a milestone lands on it exactly.
    ahead = np.append(run.times[len(state.outputs) :], run.engine.milestones)
    landed = ahead[ahead - state.time == attempt.size]
    advanced = replace(
        state,
        time=float(landed[0]) if len(landed) else state.time + attempt.size,
        step_size=attempt.next_step,
        arrays={"theta": attempt.trial.end, **here.sampler_state, **here.added_at},
        diagnostics=(*state.diagnostics, _diagnose(run, state, here, attempt)),
    )
    following = evaluate(run, advanced)
    if isinstance(following, ResultCode):
        return following
    outputs = _outputs(run, state, advanced, here, following)
    path = _path(state, here, following)
    diagnostics = (*state.diagnostics, advanced.diagnostics[-1] | path)
    advanced = replace(advanced, diagnostics=diagnostics, outputs=(*state.outputs, *outputs))
    return advanced, following


def _path(state: State, first: Evaluation, last: Evaluation) -> dict[str, np.ndarray]:
    """What θ did in a step: where it began, and the slopes at both ends.

    Half the digits of the slopes are enough for what is between the ends.
    """
    slopes = np.stack([first.solution.velocity, last.arrival]).astype(np.float32)
    path = {STEP_THETA: state.arrays["theta"], STEP_SLOPES: slopes}
    return {STATE + name: values for name, values in path.items()}


def _try(run: Run, state: State, here: Evaluation) -> Attempt | ResultCode:
    """Shorten the step until its error is small enough."""
    settings = run.solver.integrator
    wanted, evaluations = state.step_size, 1
    while True:
        longest = min(wanted, settings.maximal_step)
        size = min(longest, _next_stop(run, state.time) - state.time)
        if size * run.engine.fastest_rate > _INTERPOLATED:
            size = min(size, run.times[len(state.outputs)] - state.time)
        trial = integrator.TRIALS[settings.method](
            slope(run, state, here),
            here.solution.norm,
            state.arrays["theta"],
            here.solution.velocity,
            size,
            settings.fisher_tolerance,
        )
        evaluations += trial.evaluations
        if trial.accepted(settings.fisher_tolerance):
            # The step after one that was cut short is not shorter because of that.
            longer = longest if size < longest else 0.0
            return Attempt(trial, size, max(trial.next_step, longer), evaluations)
        wanted = trial.next_step
        if wanted < settings.minimal_step:
            finite = np.isfinite(trial.error)
            return ResultCode.STEP_SIZE_COLLAPSE if finite else ResultCode.NOT_FINITE


def _next_stop(run: Run, time: float) -> float:
    """The last time, or one before that no step goes over."""
    return min((run.times[-1], *(t for t in run.engine.milestones if t > time)))


def _outputs(
    run: Run, old: State, new: State, first: Evaluation, last: Evaluation
) -> Iterator[dict[str, np.ndarray]]:
    """Observables at the output times within a step, from the parameters interpolated there."""
    size = new.time - old.time
    for index in range(len(old.outputs), len(run.times)):
        if run.times[index] > new.time:
            return
        theta = integrator.interpolate(
            (run.times[index] - old.time) / size,
            size,
            old.arrays["theta"],
            new.arrays["theta"],
            first.solution.velocity,
            last.arrival,
        )
        key = run.random(OUTPUTS, index)
        measured = run.engine.measure(theta, last.sampler_state, key, run.times[index])
        yield record(measured, theta, added_at_of(new))


def _diagnose(run: Run, state: State, here: Evaluation, attempt: Attempt) -> dict[str, np.ndarray]:
    """Record of an accepted step: where it began, and what its first right-hand side was like."""
    step = len(state.diagnostics)
    seen = run.engine.monitor(
        state.arrays["theta"],
        here.solution.velocity,
        here.sampler_state,
        run.random(MONITOR, step),
        run.engine.factors(state.time),
    )
    values = {
        "time": state.time,
        "step_size": attempt.size,
        "step_error": attempt.trial.error,
        "evaluations": attempt.evaluations,
        **here.solution.diagnostics,
        **seen,
    }
    return {name: np.asarray(value, dtype=float) for name, value in values.items()}


def record(
    measurement: Measurement, theta: Vector, added_at: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Observables and parameters at one time in the form that checkpoints keep."""
    states = {"theta": theta, **added_at}
    return observed(measurement) | {STATE + name: values for name, values in states.items()}


def observed(measurement: Measurement) -> dict[str, np.ndarray]:
    """Observables alone in that form."""
    means = {name: np.asarray(mean) for name, (mean, _) in measurement.items()}
    errors = {f"{name}.stderr": np.asarray(error) for name, (_, error) in measurement.items()}
    return means | errors
