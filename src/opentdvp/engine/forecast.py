"""What a TDVP run will take: its functions timed once each, times how often they are called."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from opentdvp.config import Deck
from opentdvp.engine.compilation_cache import keeping_compiled
from opentdvp.engine.evaluations import (
    MONITOR,
    OUTPUTS,
    STEPS,
    Run,
    added_at_of,
    restricted,
    sampler_state_of,
)
from opentdvp.engine.evolve import prepare, start
from opentdvp.engine.small_copies import expected_steps
from opentdvp.protocol import Forecast
from opentdvp.records.checkpoint import State


class _Seconds(NamedTuple):
    """Of the first right-hand side of a step, a later one, the monitor, and the observables."""

    first: float
    later: float
    monitor: float
    output: float


@keeping_compiled()
def forecast(deck: Deck) -> Forecast:
    """Steps of a small copy, each as long as right-hand sides at the product start state take."""
    count = expected_steps(deck)
    began = time.monotonic()
    run = prepare(deck)
    compilation = time.monotonic() - began
    seconds = _timed(run, start(run))
    later = count.evaluations - count.steps
    total = count.steps * (seconds.first + seconds.monitor) + later * seconds.later
    return Forecast(count.steps, compilation + total + len(run.times) * seconds.output)


def _timed(run: Run, state: State) -> _Seconds:
    """Each function once; strings that may be added are in its arrays from the start."""
    engine, theta = run.engine, state.arrays["theta"]
    before, factors = sampler_state_of(state), engine.factors(0.0)

    def drawn() -> Any:
        sampler_state, ensemble = engine.draw(theta, before, run.random(STEPS, 0))
        return sampler_state, restricted(run, ensemble, added_at_of(state))

    draw, (sampler_state, ensemble) = _clocked(drawn)
    solve, solution = _clocked(lambda: engine.derivative(theta, ensemble, factors))
    if run.solver.forgetting_bound is not None:
        # Sites are correlated later, and changed outcomes are followed further.
        theta = theta + run.solver.integrator.maximal_step * solution.velocity
        draw, (sampler_state, ensemble) = _clocked(drawn)
        solve, solution = _clocked(lambda: engine.derivative(theta, ensemble, factors))
    later = draw + solve
    if run.solver.fixed_samples:
        later, _ = _clocked(lambda: engine.later(theta, ensemble, solution, factors))
    key = run.random(MONITOR, 0)
    monitor, _ = _clocked(
        lambda: engine.monitor(theta, solution.velocity, sampler_state, key, factors)
    )
    output, _ = _clocked(
        lambda: engine.measure(theta, sampler_state, run.random(OUTPUTS, 0), run.times[-1])
    )
    return _Seconds(draw + solve, later, monitor, output)


def _clocked(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    result = jax.block_until_ready(call())
    return time.monotonic() - began, result
