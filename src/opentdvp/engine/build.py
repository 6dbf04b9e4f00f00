"""From a deck to the few compiled functions that a run calls."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.config import System, TdvpSolver
from opentdvp.engine.assembly import Parts, assemble
from opentdvp.engine.compiled import Compiled, compiled, key_data, of_key_data, on_host, shapes_of
from opentdvp.engine.measuring import observables
from opentdvp.engine.measuring.given_rest import given_rest
from opentdvp.engine.measuring.positivity import smallest_eigenvalues
from opentdvp.engine.principle import right_hand_side
from opentdvp.engine.principle.integrator import Norm, fisher_norm, row_norm
from opentdvp.engine.principle.normal_equations import Damped
from opentdvp.engine.sampling.ensemble import Ensemble, Purpose, SamplerState
from opentdvp.physics.spin import AXES

#: The stream of random numbers of the sampler's first state; that of the weights is the key itself.
_SAMPLER = 1

Vector = Float[np.ndarray, " P"]

#: Observables with standard errors.
Measurement = dict[str, tuple[np.ndarray, np.ndarray]]


class RightHandSide(NamedTuple):
    """A `Solution` in NumPy but for the matrix, which few right-hand sides are asked for."""

    velocity: Vector
    fisher: Array | np.ndarray | None
    rows: Array | np.ndarray | None
    diagnostics: dict[str, np.ndarray]
    damped: Damped | None = None

    @property
    def norm(self) -> Norm:
        """The Fisher norm, in which a step from here is measured."""
        if self.fisher is None:
            return row_norm(np.asarray(self.rows))
        return fisher_norm(np.asarray(self.fisher))


class Engine(NamedTuple):
    """Pure functions of parameters and key, compiled for all devices; arrays are NumPy's.

    Attributes
    ----------
    theta
        Parameters of the product start state.
    sampler_state
        What the sampler remembers at the product start state.
    start
        Observables of the product start state, known without samples.
    fastest_rate
        Largest entry of the generator of a pair of sites.
    memory
        Bytes that the largest of the functions needs on a device while it runs.
    draw
        (θ, sampler state, key) → sampler state, and an ensemble for the solve, on the devices.
    derivative
        (θ, ensemble) → right-hand side with its Fisher matrix and diagnostics.
    later
        (θ, ensemble, right-hand side at the start of the step) → θ̇ at a later stage of it.
    monitor
        (θ, θ̇, sampler state, key) → residual on samples that the solve has not seen, positivity.
    measure
        (θ, sampler state, key) → observables with standard errors.
    """

    theta: Vector
    sampler_state: dict[str, np.ndarray]
    start: Measurement
    fastest_rate: float
    memory: int
    draw: Callable[..., tuple[dict[str, np.ndarray], Ensemble]]
    derivative: Callable[[Vector, Ensemble], RightHandSide]
    later: Callable[[Vector, Ensemble, RightHandSide], Vector]
    monitor: Callable[..., dict[str, np.ndarray]]
    measure: Callable[..., Measurement]


def build_engine(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Engine:
    """Assemble and compile; `key` decides the initial hidden weights and the sampler's state.

    Raises
    ------
    ConfigError
        If network, orbit, sampling or POVM do not fit the system.
    """
    parts = assemble(system, solver, key)
    sampler = parts.problem.sampler
    theta = np.asarray(parts.theta)
    state = on_host(sampler.init(jax.random.fold_in(key, _SAMPLER)))
    drawn = partial(sampler.draw, Purpose.SOLVE)
    at = (theta, state, key_data(key))
    draw = compiled(of_key_data(drawn), *at)
    ensemble = shapes_of(drawn, theta, state, key)[1]
    derivative = compiled(partial(right_hand_side.derivative, parts.problem), theta, ensemble)
    later = _later(parts, theta, ensemble)
    monitor = compiled(of_key_data(_monitor(parts)), theta, *at)
    measure = compiled(of_key_data(_measure(parts, system)), *at)

    def draw_one(theta: Vector, state: dict[str, np.ndarray], key: PRNGKeyArray) -> Any:
        state, ensemble = draw.function(theta, state, key_data(key))
        return on_host(state), ensemble

    def solved(theta: Vector, ensemble: Ensemble) -> RightHandSide:
        solution = derivative.function(theta, ensemble)
        velocity, diagnostics = on_host((solution.velocity, solution.diagnostics))
        return RightHandSide(velocity, solution.fisher, solution.rows, diagnostics, solution.damped)

    solved_once = solved if sampler.is_random else _remembering(solved)

    def velocity_later(theta: Vector, ensemble: Ensemble, first: RightHandSide) -> Vector:
        if later is None:
            return solved_once(theta, ensemble).velocity
        return np.asarray(later.function(theta, ensemble, first.velocity, first.damped))

    return Engine(
        theta=theta,
        sampler_state=state,
        start=_start_values(system),
        fastest_rate=float(np.abs(parts.generator.matrices).max(initial=0)),
        memory=max(part.memory for part in (draw, derivative, later, monitor, measure) if part),
        draw=draw_one,
        derivative=solved_once,
        later=velocity_later,
        monitor=lambda *point: on_host(monitor.function(*point[:-1], key_data(point[-1]))),
        measure=lambda *point: on_host(measure.function(*point[:-1], key_data(point[-1]))),
    )


def _monitor(parts: Parts) -> Callable[..., dict[str, Array]]:
    """What every step is watched by: samples that the solve has not seen, and positivity."""
    problem, sampler = parts.problem, parts.problem.sampler

    def monitor(
        theta: Array, velocity: Array, state: SamplerState, key: PRNGKeyArray
    ) -> dict[str, Array]:
        residual_key, sample_key = jax.random.split(key)
        _, unseen = sampler.draw(Purpose.HELD_OUT, theta, state, residual_key)
        residual = right_hand_side.held_out_residual(problem, theta, velocity, unseen)
        _, ensemble = sampler.draw(Purpose.MONITOR, theta, state, sample_key)
        positivity = smallest_eigenvalues(ensemble, parts.povm, parts.model.lattice)
        return {"residual_held_out": residual, **positivity}

    return monitor


def _measure(parts: Parts, system: System) -> Callable[..., observables.Estimate]:
    """The observables of a system."""

    def measure(theta: Array, state: SamplerState, key: PRNGKeyArray) -> observables.Estimate:
        _, ensemble = parts.problem.sampler.draw(Purpose.OBSERVABLES, theta, state, key)
        rest = None
        if ensemble.counts is not None:
            rest = given_rest(parts.problem.ansatz, parts.problem.parameters(theta))
        return observables.measure(
            ensemble, parts.povm, parts.model.lattice, system.observables, rest
        )

    return measure


def _start_values(system: System) -> Measurement:
    """Observables of the product start state: nothing is correlated, and nothing uncertain."""
    bloch = dict(zip(AXES, system.start.bloch, strict=True))
    values = {str(axis): np.asarray(bloch[axis]) for axis in system.observables.magnetization}
    for pair, distances in system.observables.correlators.items():
        values[f"C_{pair}"] = np.zeros(len(distances))
    return {name: (value, np.zeros_like(value)) for name, value in values.items()}


def _later(parts: Parts, theta: Vector, ensemble: Any) -> Compiled | None:
    """θ̇ at the later stages of a step from the factor at its start, where that pays.

    An enumeration remembers the last stage, which is the start of the next step.
    """
    problem = parts.problem
    factored = problem.settings.regularization.method == "cholesky"
    if not (problem.sampler.is_random and problem.settings.fixed_samples and factored):
        return None
    damped = shapes_of(partial(right_hand_side.derivative, problem), theta, ensemble).damped
    return compiled(
        partial(right_hand_side.later_velocity, problem), theta, ensemble, theta, damped
    )


def _remembering(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """`derivative` without random numbers: the end of a step is the start of the next one."""
    last: list[tuple[Vector, Any]] = []

    def at(theta: Vector, ensemble: Ensemble) -> Any:
        if not (last and np.array_equal(last[0][0], theta)):
            last[:] = [(theta, derivative(theta, ensemble))]
        return last[0][1]

    return at
