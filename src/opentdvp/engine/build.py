"""From a deck to the few compiled functions that a run calls."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from opentdvp.config import System, TdvpSolver
from opentdvp.engine.assembly import Parts, assemble
from opentdvp.engine.compiled import Compiled, compiled, key_data, of_key_data, on_host, shapes_of
from opentdvp.engine.estimates.estimator import Factors
from opentdvp.engine.functions import Engine, RightHandSide, Vector
from opentdvp.engine.growing import Growing, compile_growing
from opentdvp.engine.measuring.positivity import smallest_eigenvalues
from opentdvp.engine.observing import compile_measuring, first_point
from opentdvp.engine.principle import right_hand_side
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState


def build_engine(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Engine:
    """Assemble and compile; `key` decides the initial hidden weights and the sampler's state.

    Raises
    ------
    ConfigError
        If network, orbit, sampling or POVM do not fit the system.
    """
    parts = assemble(system, solver, key)
    drives, sampler = parts.model.drives, parts.problem.sampler
    # Of any time: what is compiled is the same for all.
    factors = np.zeros(len(drives)) if drives else None
    at = first_point(parts, key)
    theta, state, _ = at
    drawn = of_key_data(_draw(parts))
    draw = compiled(drawn, *at)
    growing, ensemble = _growing(parts, shapes_of(drawn, *at)[1], factors)
    point = (theta, ensemble, factors)
    derivative = compiled(partial(right_hand_side.derivative, parts.problem), *point)
    later = _later(parts, *point)
    monitor = compiled(of_key_data(_monitor(parts)), factors, theta, *at)
    measuring = compile_measuring(parts, system, at)

    solved = _solved(derivative, remembered=not sampler.is_random)
    functions = (draw, derivative, later, monitor, measuring, growing)
    return Engine(
        theta=theta,
        sampler_state=state,
        start=measuring.start,
        fastest_rate=_fastest_rate(parts),
        memory=max(function.memory for function in functions if function),
        draw=_drawn(draw),
        derivative=solved,
        later=_solved_later(later, solved),
        monitor=_monitored(monitor),
        measure=measuring.measure,
        growing=growing,
        drives=drives,
    )


def _fastest_rate(parts: Parts) -> float:
    """Largest entry of the generator of a group of sites, with the largest factors of drives."""
    bounds = [max(map(abs, drive.bounds)) for drive in parts.model.drives]
    constant, *driven = (part.largest for part in parts.generator.parts)
    return constant + sum(b * largest for b, largest in zip(bounds, driven, strict=True))


def _drawn(draw: Compiled) -> Callable[..., tuple[dict[str, np.ndarray], Ensemble]]:
    """The sampler's state on the host, the ensemble on the devices."""

    def draw_one(theta: Vector, state: dict[str, np.ndarray], key: PRNGKeyArray) -> Any:
        state, ensemble = draw.function(theta, state, key_data(key))
        return on_host(state), ensemble

    return draw_one


def _solved(derivative: Compiled, remembered: bool) -> Callable[..., RightHandSide]:
    """Right-hand sides; the last one is remembered where its ensemble depends on θ alone."""

    def solve(theta: Vector, ensemble: Ensemble, factors: Factors = None) -> RightHandSide:
        solution = derivative.function(theta, ensemble, factors)
        velocity, diagnostics, parameters = on_host(
            (solution.velocity, solution.diagnostics, ensemble.parameters)
        )
        return RightHandSide(
            velocity, solution.fisher, solution.rows, diagnostics, solution.damped, parameters
        )

    return _remembering(solve) if remembered else solve


def _solved_later(
    later: Compiled | None, solved: Callable[..., RightHandSide]
) -> Callable[..., Vector]:
    """θ̇ at a later stage, from the first one of the step where that helps."""

    def velocity(
        theta: Vector, ensemble: Ensemble, first: RightHandSide, factors: Factors = None
    ) -> Vector:
        if later is None:
            return solved(theta, ensemble, factors).velocity
        return np.asarray(later.function(theta, ensemble, first.velocity, first.damped, factors))

    return velocity


def _monitored(monitor: Compiled) -> Callable[..., dict[str, np.ndarray]]:
    """What every step is watched by, on the host."""

    def look(
        theta: Vector, velocity: Vector, state: Any, key: PRNGKeyArray, factors: Factors = None
    ) -> Any:
        return on_host(monitor.function(factors, theta, velocity, state, key_data(key)))

    return look


def _draw(parts: Parts) -> Callable[..., tuple[SamplerState, Ensemble]]:
    """Ensembles of the solve, without log-derivatives of strings that a run may never have."""

    def draw(theta: Array, state: SamplerState, key: PRNGKeyArray) -> Any:
        state, ensemble = parts.problem.sampler.draw(Purpose.SOLVE, theta, state, key)
        if parts.growth is not None:
            ensemble = ensemble._replace(log_derivatives=None)
        return state, ensemble

    return draw


def _growing(parts: Parts, drawn: Ensemble, factors: Factors) -> tuple[Growing | None, Ensemble]:
    """How strings are added, if they are, and what the right-hand side is given then."""
    if parts.growth is None:
        return None, drawn
    return compile_growing(*parts.growth, parts.problem, drawn, factors)


def _monitor(parts: Parts) -> Callable[..., dict[str, Array]]:
    """What every step is watched by: samples that the solve has not seen, and positivity."""
    problem, sampler = parts.problem, parts.problem.sampler

    def monitor(
        factors: Factors, theta: Array, velocity: Array, state: SamplerState, key: PRNGKeyArray
    ) -> dict[str, Array]:
        residual_key, sample_key = jax.random.split(key)
        _, unseen = sampler.draw(Purpose.HELD_OUT, theta, state, residual_key)
        residual = right_hand_side.held_out_residual(problem, theta, velocity, unseen, factors)
        _, ensemble = sampler.draw(Purpose.MONITOR, theta, state, sample_key)
        positivity = smallest_eigenvalues(ensemble, parts.povm, parts.model.lattice)
        return {"residual_held_out": residual, **positivity}

    return monitor


def _later(parts: Parts, theta: Vector, ensemble: Any, factors: Factors) -> Compiled | None:
    """θ̇ at the later stages of a step from the factor at its start, where that pays.

    An enumeration remembers the last stage, which is the start of the next step.
    """
    problem = parts.problem
    factored = problem.settings.regularization.method == "cholesky"
    if not (problem.sampler.is_random and problem.settings.fixed_samples and factored):
        return None
    solution = shapes_of(partial(right_hand_side.derivative, problem), theta, ensemble, factors)
    stage = (theta, ensemble, theta, solution.damped, factors)
    return compiled(partial(right_hand_side.later_velocity, problem), *stage)


def _remembering(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """`derivative` without random numbers: the end of a step is the start of the next one."""
    last: list[tuple[tuple[Vector, np.ndarray], Any]] = []

    def at(theta: Vector, ensemble: Ensemble, factors: Factors = None) -> Any:
        if last and all(map(np.array_equal, last[0][0], (theta, np.asarray(factors)))):
            known = last[0][1]
            # Of other strings it is another one.
            if np.array_equal(known.parameters, np.asarray(ensemble.parameters)):
                return known
        last[:] = [((theta, np.asarray(factors)), derivative(theta, ensemble, factors))]
        return last[0][1]

    return at
