"""From a deck to the few compiled functions that a run calls."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.config import DirectSampling, System, TdvpSolver
from opentdvp.config.solver import CustomNetwork
from opentdvp.engine.ansatz.autoregressive import initial_parameters
from opentdvp.engine.ansatz.configured import build_network, check_start
from opentdvp.engine.ansatz.orbit import OrbitAnsatz, build_orbit, make_ansatz
from opentdvp.engine.devices import all_devices, require_devices
from opentdvp.engine.estimates.estimator import Estimator
from opentdvp.engine.estimates.of_orbit import OrbitEstimator
from opentdvp.engine.estimates.of_table import TableEstimator
from opentdvp.engine.measuring import observables
from opentdvp.engine.measuring.positivity import smallest_eigenvalues
from opentdvp.engine.povm.generator import Generator, build_generator
from opentdvp.engine.povm.tetrahedron import Povm, build_povm, outcome_probabilities
from opentdvp.engine.principle import right_hand_side
from opentdvp.engine.principle.integrator import Norm, fisher_norm, row_norm
from opentdvp.engine.sampling.direct import build_sampler
from opentdvp.engine.sampling.ensemble import Sampler
from opentdvp.engine.sampling.enumeration import Enumerator
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model, build_model
from opentdvp.physics.spin import AXES

#: Samples of the solve that must be expected to have the rarest outcome of the start on a site.
_SAMPLES_SEEN = 3

#: Smallest probability of an outcome of the start when all are enumerated.
_SMALLEST_ENUMERATED = 1e-5

Vector = Float[np.ndarray, " P"]

#: Observables with standard errors.
Measurement = dict[str, tuple[np.ndarray, np.ndarray]]


class RightHandSide(NamedTuple):
    """A `Solution` in NumPy but for the matrix, which few right-hand sides are asked for."""

    velocity: Vector
    fisher: Array | np.ndarray | None
    rows: Array | np.ndarray | None
    diagnostics: dict[str, np.ndarray]

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
    start
        Observables of the product start state, known without samples.
    fastest_rate
        Largest entry of the generator of a pair of sites.
    memory
        Bytes that the largest of the functions needs on a device while it runs.
    derivative
        (θ, θ of the samples, key) → right-hand side with its Fisher matrix and diagnostics.
    monitor
        (θ, θ̇, key) → residual on samples that the solve has not seen, and positivity.
    measure
        (θ, key) → observables with standard errors.
    """

    theta: Vector
    start: Measurement
    fastest_rate: float
    memory: int
    derivative: Callable[[Vector, Vector, PRNGKeyArray], RightHandSide]
    monitor: Callable[[Vector, Vector, PRNGKeyArray], dict[str, np.ndarray]]
    measure: Callable[[Vector, PRNGKeyArray], Measurement]


class Parts(NamedTuple):
    """What an engine is made of, before compilation; `theta` is the product start state."""

    model: Model
    povm: Povm
    generator: Generator
    problem: right_hand_side.Problem
    theta: Float[Array, " P"]


def check(system: System, solver: TdvpSolver) -> None:
    """Raise `ConfigError` if the solver cannot run the system."""
    require_devices()
    key = jax.random.key(0)
    if isinstance(solver.network, CustomNetwork):
        network = assemble(system, solver, key).problem.ansatz.network
        check_start(network, jax.random.key(solver.seed), solver.network.name)
    else:
        # Traced only: to draw the parameters takes longer than everything else here.
        jax.eval_shape(lambda key: assemble(system, solver, key).theta, key)


def build_engine(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Engine:
    """Assemble and compile; `key` decides the initial hidden weights.

    Raises
    ------
    ConfigError
        If network, orbit, sampling or POVM do not fit the system.
    """
    model, povm, generator, problem, theta = assemble(system, solver, key)
    ansatz, sampler = problem.ansatz, problem.sampler

    def monitor(theta: Array, velocity: Array, key: PRNGKeyArray) -> dict[str, Array]:
        residual_key, sample_key = jax.random.split(key)
        ensemble = sampler.monitored(ansatz, theta, sample_key)
        residual = right_hand_side.held_out_residual(problem, theta, velocity, residual_key)
        positivity = smallest_eigenvalues(ensemble, povm, model.lattice)
        return {"residual_held_out": residual, **positivity}

    def measure(theta: Array, key: PRNGKeyArray) -> observables.Estimate:
        ensemble = sampler.observables(ansatz, theta, key)
        return observables.measure(ensemble, povm, model.lattice, system.observables)

    point = (np.asarray(theta), np.asarray(theta))
    derivative, *others = (
        _compiled(partial(right_hand_side.derivative, problem), *point),
        _compiled(monitor, *point),
        _compiled(measure, *point[:1]),
    )

    def solved(*point: Any) -> RightHandSide:
        solution = derivative.function(*point)
        velocity, diagnostics = _on_host((solution.velocity, solution.diagnostics))
        return RightHandSide(velocity, solution.fisher, solution.rows, diagnostics)

    return Engine(
        theta=point[0],
        start=_start_values(system),
        fastest_rate=float(np.abs(generator.matrices).max(initial=0)),
        memory=max(part.memory for part in (derivative, *others)),
        derivative=solved if sampler.is_random else _remembering(solved),
        monitor=lambda *point: _on_host(others[0].function(*point)),
        measure=lambda *point: _on_host(others[1].function(*point)),
    )


def _start_values(system: System) -> Measurement:
    """Observables of the product start state: nothing is correlated, and nothing uncertain."""
    bloch = dict(zip(AXES, system.start.bloch, strict=True))
    values = {str(axis): np.asarray(bloch[axis]) for axis in system.observables.magnetization}
    for pair, distances in system.observables.correlators.items():
        values[f"C_{pair}"] = np.zeros(len(distances))
    return {name: (value, np.zeros_like(value)) for name, value in values.items()}


class _Compiled(NamedTuple):
    """A compiled function, and the bytes that it needs on a device while it runs."""

    function: Callable[..., Any]
    memory: int


def _compiled(function: Callable[..., Any], *arguments: np.ndarray) -> _Compiled:
    """`function` of such arrays and a key, compiled; every process gets the whole result.

    A key travels as plain numbers, because an array of one process is not one of all.
    """

    def of_key_data(*arguments: Array) -> Any:
        return function(*arguments[:-1], jax.random.wrap_key_data(arguments[-1]))

    everywhere = NamedSharding(all_devices(), PartitionSpec())
    traced = jax.jit(of_key_data, out_shardings=everywhere)
    compiled = traced.lower(*arguments, _key_data(jax.random.key(0))).compile()
    return _Compiled(
        lambda *arguments: compiled(*arguments[:-1], _key_data(arguments[-1])),
        _needed(compiled.memory_analysis()),
    )


def _needed(analysis: Any) -> int:
    """Bytes of a compiled function's results and of what it computes on the way."""
    # Some devices know nothing of it.
    if analysis is None:
        return 0
    return int(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)


def _key_data(key: PRNGKeyArray) -> np.ndarray:
    return np.asarray(jax.random.key_data(key))


def _on_host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def _remembering(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """`derivative` without random numbers: the end of a step is the start of the next one."""
    last: list[tuple[Vector, Any]] = []

    def at(theta: Vector, origin: Vector, key: PRNGKeyArray) -> Any:
        if not (last and np.array_equal(last[0][0], theta)):
            last[:] = [(theta, derivative(theta, origin, key))]
        return last[0][1]

    return at


def _require_seen(start: np.ndarray, solver: TdvpSolver) -> None:
    """Refuse a start state of which a solve does not see every outcome on every site.

    What flows into outcomes that no sample has would be lost, without a sign of it.
    """
    if isinstance(solver.sampling, DirectSampling):
        smallest, remedy = _SAMPLES_SEEN / solver.sampling.solve, " or more samples"
    else:
        smallest, remedy = _SMALLEST_ENUMERATED, ""
    if start.min() < smallest:
        raise ConfigError(
            f"`povm` must give every outcome of the start state a probability of at least "
            f"{smallest:.1g}, but {solver.povm} gives {start.min():.1g}; use the other "
            f"orientation{remedy}."
        )


def assemble(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Parts:
    """The parts of a system's engine; raises `ConfigError` if they do not fit."""
    model = build_model(system)
    povm = build_povm(solver.povm)
    start = outcome_probabilities(povm, model.bloch)
    _require_seen(start, solver)
    generator = build_generator(model, povm)
    symmetries = build_orbit(solver.orbit, model, generator, start)
    sampler = build_sampler(solver, symmetries)
    network = build_network(solver.network, start, model.lattice.shape)
    ansatz, theta = make_ansatz(network, symmetries, initial_parameters(network, key))
    estimator = build_estimator(ansatz, sampler, generator, solver)
    problem = right_hand_side.Problem(ansatz, sampler, estimator, solver)
    return Parts(model, povm, generator, problem, theta)


def build_estimator(
    ansatz: OrbitAnsatz, sampler: Sampler, generator: Generator, solver: TdvpSolver
) -> Estimator:
    """The estimator that fits ansatz and sampler."""
    if isinstance(sampler, Enumerator):
        return TableEstimator(sampler, ansatz, generator)
    return OrbitEstimator(ansatz, generator, solver.forgetting_bound, solver.chunk)
