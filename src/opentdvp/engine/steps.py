"""Accepted steps of a run: trial steps, failures, diagnostics, observables on the way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np

from opentdvp.config import TdvpSolver
from opentdvp.engine.functions import Engine, Measurement, RightHandSide
from opentdvp.engine.principle import integrator
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import ADDED_AT, STATE
from opentdvp.records.result_code import ResultCode

#: Streams of random numbers, so that none depends on how often another was used.
INITIAL, STEPS, OUTPUTS, MONITOR, BURN_IN = range(5)

#: Largest step times the fastest rate over which observables are interpolated; a longer step ends
#: on the next output time, because slopes at its ends may say little about what is between them.
_INTERPOLATED = 2.0

#: Probability drift below this rate per unit of time is rounding, whatever the scale of E.
_ROUNDING = 1e-8


def random(key: jax.Array, stream: int, count: int) -> jax.Array:
    """Key number `count` of a stream of a run's key."""
    return jax.random.fold_in(jax.random.fold_in(key, stream), count)


class Run(NamedTuple):
    """What stays the same during a run."""

    engine: Engine
    solver: TdvpSolver
    times: np.ndarray
    key: jax.Array

    def random(self, stream: int, count: int) -> jax.Array:
        """Key number `count` of a stream."""
        return random(self.key, stream, count)


class Evaluation(NamedTuple):
    """The right-hand side at a state, and the ensemble it comes from.

    Attributes
    ----------
    sampler_state
        Of the sampler after the draw; the state of the run holds the one before it.
    added_at
        Likewise of strings that are added, after that; empty where none are.
    arrival
        θ̇ before any were added: the slope at the end of the step that led here.
    """

    solution: RightHandSide
    ensemble: Ensemble
    sampler_state: dict[str, np.ndarray]
    added_at: dict[str, np.ndarray]
    arrival: np.ndarray


class Attempt(NamedTuple):
    """An accepted trial step, its size, the one to try next, and the right-hand sides it cost."""

    trial: integrator.Trial
    size: float
    next_step: float
    evaluations: int


def steps(run: Run, state: State) -> Iterator[State | ResultCode]:
    """States after accepted steps until the last time, or a code of what went wrong."""
    here = _evaluate(run, state)
    while not isinstance(here, ResultCode) and state.time < run.times[-1]:
        advanced = _step(run, state, here)
        if isinstance(advanced, ResultCode):
            yield advanced
            return
        state, here = advanced
        yield state
    if isinstance(here, ResultCode):
        yield here


def _evaluate(run: Run, state: State) -> Evaluation | ResultCode:
    """The right-hand side at a state, if it can be trusted.

    <E> vanishes for a normalised ansatz: it is the rate at which probability would be lost.
    """
    theta, sampler_state = state.arrays["theta"], _sampler_state(state)
    key = run.random(STEPS, len(state.diagnostics))
    sampler_state, ensemble = run.engine.draw(theta, sampler_state, key)
    if not ensemble.equilibrated:
        return ResultCode.NOT_EQUILIBRATED
    ensemble = _restricted(run, ensemble, _added_at(state))
    solution = run.engine.derivative(theta, ensemble, run.engine.factors(state.time))
    reached = Evaluation(solution, ensemble, sampler_state, _added_at(state), solution.velocity)
    evaluation = _grown(run, state, reached)
    if not np.isfinite(evaluation.solution.velocity).all():
        return ResultCode.NOT_FINITE
    drift = abs(float(solution.diagnostics["mean_estimate"]))
    scale = float(solution.diagnostics["estimate_deviation"])
    if drift > run.solver.drift_limit * scale + _ROUNDING:
        return ResultCode.PROBABILITY_DRIFT
    return evaluation


def _grown(run: Run, state: State, here: Evaluation) -> Evaluation:
    """With the strings that the residual asks for, some after the other."""
    growing, theta = run.engine.growing, state.arrays["theta"]
    # After the last time there is nothing to follow.
    if growing is None or state.time >= run.times[-1]:
        return here
    factors = run.engine.factors(state.time)
    added_at = here.added_at[ADDED_AT]
    while growing.asks_for_more(added_at, float(here.solution.diagnostics["residual"])):
        gains = growing.gains(theta, here.ensemble, factors)
        if not gains.any():
            break
        added_at = growing.with_more(added_at, gains, state.time)
        ensemble = _restricted(run, here.ensemble, {ADDED_AT: added_at})
        solution = run.engine.derivative(theta, ensemble, factors)
        here = here._replace(solution=solution, ensemble=ensemble, added_at={ADDED_AT: added_at})
    return here


def _restricted(run: Run, ensemble: Ensemble, added_at: dict[str, np.ndarray]) -> Ensemble:
    """What the right-hand side is given: an ensemble that knows the strings that are there."""
    growing = run.engine.growing
    if growing is None:
        return ensemble
    return growing.restrict(ensemble, growing.numbers(added_at[ADDED_AT]))


def _sampler_state(state: State) -> dict[str, np.ndarray]:
    return {k: values for k, values in state.arrays.items() if k not in ("theta", ADDED_AT)}


def _added_at(state: State) -> dict[str, np.ndarray]:
    return {k: values for k, values in state.arrays.items() if k == ADDED_AT}


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
    following = _evaluate(run, advanced)
    if isinstance(following, ResultCode):
        return following
    outputs = _outputs(run, state, advanced, here, following)
    return replace(advanced, outputs=(*state.outputs, *outputs)), following


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
            _slope(run, state, here),
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


def _slope(run: Run, state: State, here: Evaluation) -> integrator.Slope:
    """θ̇ with the random numbers of one step, so that its stages differ by θ, not by noise."""
    engine = run.engine
    key = run.random(STEPS, len(state.diagnostics))

    def fixed(theta: np.ndarray, elapsed: float) -> np.ndarray:
        factors = engine.factors(state.time + elapsed)
        return engine.later(theta, here.ensemble, here.solution, factors)

    def redrawn(theta: np.ndarray, elapsed: float) -> np.ndarray:
        _, there = engine.draw(theta, _sampler_state(state), key)
        there = _restricted(run, there, here.added_at)
        return engine.derivative(theta, there, engine.factors(state.time + elapsed)).velocity

    return fixed if run.solver.fixed_samples else redrawn


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
        yield record(measured, theta, _added_at(new))


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
    measurement: Measurement, theta: np.ndarray, added_at: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Observables and parameters at one time in the form that checkpoints keep."""
    states = {f"{STATE}{name}": values for name, values in added_at.items()}
    return observed(measurement) | {f"{STATE}theta": theta} | states


def observed(measurement: Measurement) -> dict[str, np.ndarray]:
    """Observables alone in that form."""
    means = {name: np.asarray(mean) for name, (mean, _) in measurement.items()}
    errors = {f"{name}.stderr": np.asarray(error) for name, (_, error) in measurement.items()}
    return means | errors
