"""From a deck to the few compiled functions that a run calls."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.config import System, TdvpSolver
from opentdvp.engine import observables, tdvp
from opentdvp.engine.ansatz import build_network, initial_parameters
from opentdvp.engine.lindblad import build_generator
from opentdvp.engine.orbit import OrbitAnsatz, build_orbit, make_ansatz
from opentdvp.engine.povm import Povm, build_povm, outcome_probabilities
from opentdvp.engine.sampler import Sampler, build_sampler
from opentdvp.errors import ConfigError
from opentdvp.models import Model, build_model


class Engine(NamedTuple):
    """Pure compiled functions of parameters and key; nothing else is shared between calls.

    Attributes
    ----------
    theta
        Parameters of the product start state.
    derivative
        (θ, key) → right-hand side with its Fisher matrix and diagnostics.
    held_out_residual
        (θ, θ̇, key) → residual on samples that the solve has not seen.
    measure
        (θ, key) → observables with standard errors.
    """

    theta: Float[Array, " P"]
    derivative: Callable[[Array, PRNGKeyArray], tdvp.Solution]
    held_out_residual: Callable[[Array, Array, PRNGKeyArray], Array]
    measure: Callable[[Array, PRNGKeyArray], observables.Estimate]


class _Parts(NamedTuple):
    model: Model
    povm: Povm
    ansatz: OrbitAnsatz
    theta: Array
    sampler: Sampler


def check(system: System, solver: TdvpSolver) -> None:
    """Raise `ConfigError` if the solver cannot run the system."""
    _assemble(system, solver, jax.random.key(0))


def build_engine(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Engine:
    """Assemble and compile; `key` decides the initial hidden weights.

    Raises
    ------
    ConfigError
        If orbit, sampling or POVM do not fit the system.
    """
    model, povm, ansatz, theta, sampler = _assemble(system, solver, key)
    generator = build_generator(model, povm)

    def measure(theta: Array, key: PRNGKeyArray) -> observables.Estimate:
        ensemble = sampler.observables(ansatz, theta, key)
        return observables.measure(ensemble, povm, model.lattice, system.observables)

    settings = (ansatz, generator, sampler, solver)
    return Engine(
        theta=theta,
        derivative=jax.jit(partial(tdvp.derivative, *settings)),
        held_out_residual=jax.jit(partial(tdvp.held_out_residual, *settings)),
        measure=jax.jit(measure),
    )


def _assemble(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> _Parts:
    model = build_model(system)
    povm = build_povm(solver.povm)
    start = outcome_probabilities(povm, model.bloch)
    if start.min() < 1e-12:
        raise ConfigError(
            f"`povm` must give every outcome of the start state a positive probability, but "
            f"{solver.povm} gives {start.min():.1g}; use the other orientation."
        )
    permutations = build_orbit(solver.orbit, model)
    sampler = build_sampler(solver.sampling, np.asarray(permutations))
    network = build_network(solver.network, start)
    ansatz, theta = make_ansatz(network, permutations, initial_parameters(network, key))
    return _Parts(model, povm, ansatz, theta, sampler)
