"""An ansatz at random parameters, far from the product state, and its full distribution."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from opentdvp.config import System, TdvpSolver
from opentdvp.engine.ansatz.autoregressive import initial_parameters
from opentdvp.engine.ansatz.configured import build_network
from opentdvp.engine.ansatz.orbit import OrbitAnsatz, make_ansatz
from opentdvp.engine.ansatz.symmetries import build_orbit
from opentdvp.engine.assembly import orbit_problem
from opentdvp.engine.estimates.of_orbit import OrbitEstimator
from opentdvp.engine.povm.generator import Generator, build_generator
from opentdvp.engine.povm.tetrahedron import Povm, build_povm, start_probabilities
from opentdvp.engine.principle.right_hand_side import Problem, Solution, derivative
from opentdvp.engine.sampling.ensemble import Purpose
from opentdvp.physics.model import Model, build_model


class Setting(NamedTuple):
    model: Model
    povm: Povm
    generator: Generator
    ansatz: OrbitAnsatz
    theta: jax.Array

    @property
    def parameters(self) -> Any:
        """Parameters of the network, as a tree."""
        return self.ansatz.unravel(self.theta)

    def problem(self, solver: TdvpSolver) -> Problem:
        """All that a right-hand side with these settings needs."""
        return orbit_problem(self.ansatz, self.generator, solver)

    def solution(self, solver: TdvpSolver) -> Callable[[jax.Array], Solution]:
        """Right-hand sides at these parameters, by key; compiled once."""
        problem = self.problem(solver)

        def by_key(key: jax.Array) -> Solution:
            _, ensemble = problem.sampler.draw(Purpose.SOLVE, self.theta, {}, key)
            return derivative(problem, self.theta, ensemble)

        return jax.jit(by_key)

    def estimator(self, solver: TdvpSolver) -> Callable[..., Any]:
        """Local estimates of the network for any outcomes, compiled, whatever the sampling."""
        bound, chunk = solver.forgetting_bound, solver.chunk
        estimator = OrbitEstimator(self.ansatz, self.generator, bound, chunk)
        parameters = self.problem(solver).parameters(self.theta)
        return partial(jax.jit(estimator), parameters)

    def compiled(self, function: Callable[..., Any], solver: TdvpSolver) -> Callable[..., Any]:
        """A function of (problem, theta, …) at these two, compiled as a whole as in a run.

        Step by step, as JAX does it otherwise, takes longer.
        """
        return partial(jax.jit(partial(function, self.problem(solver))), self.theta)

    @property
    def outcomes(self) -> jax.Array:
        """All 4ᴺ outcomes, in the order of a distribution of shape (4,)·N."""
        sites = self.model.n_sites
        return jnp.array(np.indices((4,) * sites).reshape(sites, -1).T, dtype=jnp.int32)

    @property
    def distribution(self) -> np.ndarray:
        """P of shape (4,)·N."""
        log_probability = jax.jit(self.ansatz.log_probability)(self.parameters, self.outcomes)
        return np.exp(np.asarray(log_probability)).reshape((4,) * self.model.n_sites)


@pytest.fixture
def setting() -> Callable[..., Setting]:
    def build(system: System, solver: TdvpSolver, scale: float = 0.5, seed: int = 3) -> Setting:
        model, povm = build_model(system), build_povm(solver.povm)
        start, generator = start_probabilities(povm, model.bloch), build_generator(model, povm)
        network = build_network(solver.network, start, model.lattice.shape)
        key = jax.random.key(seed)
        parameters = initial_parameters(network, key)
        orbit = build_orbit(solver.orbit, model, generator, start)
        ansatz, theta = make_ansatz(network, orbit, parameters)
        theta = theta + scale * jax.random.normal(key, theta.shape)
        return Setting(model, povm, generator, ansatz, theta)

    return build
