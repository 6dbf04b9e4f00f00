"""From a deck to the few compiled functions that a run calls."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.config import System, TdvpSolver
from opentdvp.engine import observables, tdvp
from opentdvp.engine.ansatz import initial_parameters
from opentdvp.engine.devices import all_devices
from opentdvp.engine.enumeration import Enumerator
from opentdvp.engine.lindblad import build_generator
from opentdvp.engine.networks import build_network
from opentdvp.engine.orbit import build_orbit, make_ansatz
from opentdvp.engine.positivity import smallest_eigenvalues
from opentdvp.engine.povm import Povm, build_povm, outcome_probabilities
from opentdvp.engine.sampler import build_sampler
from opentdvp.errors import ConfigError
from opentdvp.models import Model, build_model

Vector = Float[np.ndarray, " P"]

#: Observables with standard errors.
Measurement = dict[str, tuple[np.ndarray, np.ndarray]]


class RightHandSide(NamedTuple):
    """`tdvp.Solution` in NumPy."""

    velocity: Vector
    fisher: Float[np.ndarray, "P P"]
    diagnostics: dict[str, np.ndarray]


class Engine(NamedTuple):
    """Pure functions of parameters and key, compiled for all devices; arrays are NumPy's.

    Attributes
    ----------
    theta
        Parameters of the product start state.
    derivative
        (θ, θ of the samples, key) → right-hand side with its Fisher matrix and diagnostics.
    monitor
        (θ, θ̇, key) → residual on samples that the solve has not seen, and positivity.
    measure
        (θ, key) → observables with standard errors.
    """

    theta: Vector
    derivative: Callable[[Vector, Vector, PRNGKeyArray], RightHandSide]
    monitor: Callable[[Vector, Vector, PRNGKeyArray], dict[str, np.ndarray]]
    measure: Callable[[Vector, PRNGKeyArray], Measurement]


class Parts(NamedTuple):
    """What an engine is made of, before compilation; `theta` is the product start state."""

    model: Model
    povm: Povm
    problem: tdvp.Problem
    theta: Float[Array, " P"]


def check(system: System, solver: TdvpSolver) -> None:
    """Raise `ConfigError` if the solver cannot run the system."""
    # Traced only: to draw the parameters takes longer than everything else here.
    jax.eval_shape(lambda key: assemble(system, solver, key).theta, jax.random.key(0))


def build_engine(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Engine:
    """Assemble and compile; `key` decides the initial hidden weights.

    Raises
    ------
    ConfigError
        If network, orbit, sampling or POVM do not fit the system.
    """
    model, povm, problem, theta = assemble(system, solver, key)
    ansatz, sampler = problem.ansatz, problem.sampler

    def monitor(theta: Array, velocity: Array, key: PRNGKeyArray) -> dict[str, Array]:
        residual_key, sample_key = jax.random.split(key)
        ensemble = sampler.monitored(ansatz, theta, sample_key)
        residual = tdvp.held_out_residual(problem, theta, velocity, residual_key)
        positivity = smallest_eigenvalues(ensemble, povm, model.lattice)
        return {"residual_held_out": residual, **positivity}

    def measure(theta: Array, key: PRNGKeyArray) -> observables.Estimate:
        ensemble = sampler.observables(ansatz, theta, key)
        return observables.measure(ensemble, povm, model.lattice, system.observables)

    derivative = _compiled(partial(tdvp.derivative, problem))
    if isinstance(sampler, Enumerator):
        derivative = _remembering(derivative)
    return Engine(
        theta=np.asarray(theta),
        derivative=lambda *point: RightHandSide(*derivative(*point)),
        monitor=_compiled(monitor),
        measure=_compiled(measure),
    )


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of arrays and a key, compiled; every process gets the whole result in NumPy.

    A key travels as plain numbers, because an array of one process is not one of all.
    """

    def of_key_data(*arguments: Array) -> Any:
        return function(*arguments[:-1], jax.random.wrap_key_data(arguments[-1]))

    everywhere = NamedSharding(all_devices(), PartitionSpec())
    compiled = jax.jit(of_key_data, out_shardings=everywhere)

    def on_host(*arguments: Any) -> Any:
        key_data = np.asarray(jax.random.key_data(arguments[-1]))
        return jax.tree.map(np.asarray, compiled(*arguments[:-1], key_data))

    return on_host


def _remembering(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """`derivative` without random numbers: the end of a step is the start of the next one."""
    last: list[tuple[Vector, Any]] = []

    def at(theta: Vector, origin: Vector, key: PRNGKeyArray) -> Any:
        if not (last and np.array_equal(last[0][0], theta)):
            last[:] = [(theta, derivative(theta, origin, key))]
        return last[0][1]

    return at


def assemble(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Parts:
    """The parts of a system's engine; raises `ConfigError` if they do not fit."""
    model = build_model(system)
    povm = build_povm(solver.povm)
    start = outcome_probabilities(povm, model.bloch)
    if start.min() < 1e-12:
        raise ConfigError(
            f"`povm` must give every outcome of the start state a positive probability, but "
            f"{solver.povm} gives {start.min():.1g}; use the other orientation."
        )
    generator = build_generator(model, povm)
    symmetries = build_orbit(solver.orbit, model, generator, start)
    sampler = build_sampler(solver, symmetries)
    network = build_network(solver.network, start, model.lattice.shape)
    ansatz, theta = make_ansatz(network, symmetries, initial_parameters(network, key))
    problem = tdvp.Problem(ansatz, generator, sampler, solver)
    return Parts(model, povm, problem, theta)
