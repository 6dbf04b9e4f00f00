"""The right-hand side at a state of a run: draw, solve, add strings, judge."""

from typing import NamedTuple

import jax
import numpy as np

from opentdvp.config import TdvpSolver
from opentdvp.engine.functions import Engine, RightHandSide
from opentdvp.engine.principle import integrator
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.records.checkpoint import State
from opentdvp.records.from_solver import ADDED_AT
from opentdvp.records.result_code import ResultCode

#: Streams of random numbers, so that none depends on how often another was used.
INITIAL, STEPS, OUTPUTS, MONITOR, BURN_IN, FINER = range(6)

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


def evaluate(run: Run, state: State) -> Evaluation | ResultCode:
    """The right-hand side at a state, if it can be trusted.

    <E> vanishes for a normalised ansatz: it is the rate at which probability would be lost.
    """
    theta, sampler_state = state.arrays["theta"], sampler_state_of(state)
    key = run.random(STEPS, len(state.diagnostics))
    sampler_state, ensemble = run.engine.draw(theta, sampler_state, key)
    if not ensemble.equilibrated:
        return ResultCode.NOT_EQUILIBRATED
    ensemble = restricted(run, ensemble, added_at_of(state))
    solution = run.engine.derivative(theta, ensemble, run.engine.factors(state.time))
    reached = Evaluation(solution, ensemble, sampler_state, added_at_of(state), solution.velocity)
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
        ensemble = restricted(run, here.ensemble, {ADDED_AT: added_at})
        solution = run.engine.derivative(theta, ensemble, factors)
        here = here._replace(solution=solution, ensemble=ensemble, added_at={ADDED_AT: added_at})
    return here


def restricted(run: Run, ensemble: Ensemble, added_at: dict[str, np.ndarray]) -> Ensemble:
    """What the right-hand side is given: an ensemble that knows the strings that are there."""
    growing = run.engine.growing
    if growing is None:
        return ensemble
    return growing.restrict(ensemble, growing.numbers(added_at[ADDED_AT]))


def sampler_state_of(state: State) -> dict[str, np.ndarray]:
    """Of the sampler before the draw at a state."""
    return {k: values for k, values in state.arrays.items() if k not in ("theta", ADDED_AT)}


def added_at_of(state: State) -> dict[str, np.ndarray]:
    """Since when strings are there, by name; empty where none are added."""
    return {k: values for k, values in state.arrays.items() if k == ADDED_AT}


def slope(run: Run, state: State, here: Evaluation) -> integrator.Slope:
    """θ̇ with the random numbers of one step, so that its stages differ by θ, not by noise."""
    engine = run.engine
    key = run.random(STEPS, len(state.diagnostics))

    def fixed(theta: np.ndarray, elapsed: float) -> np.ndarray:
        factors = engine.factors(state.time + elapsed)
        return engine.later(theta, here.ensemble, here.solution, factors)

    def redrawn(theta: np.ndarray, elapsed: float) -> np.ndarray:
        _, there = engine.draw(theta, sampler_state_of(state), key)
        there = restricted(run, there, here.added_at)
        return engine.derivative(theta, there, engine.factors(state.time + elapsed)).velocity

    return fixed if run.solver.fixed_samples else redrawn
