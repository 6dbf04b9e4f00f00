"""From a deck to the parts of its engine: ansatz, sampler and estimator, as it names them."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.config import DirectSampling, Enumeration, System, TdvpSolver
from opentdvp.config.networks import (
    ENERGIES,
    ConvolutionNetwork,
    CustomNetwork,
    Growth,
    HybridNetwork,
    JastrowNetwork,
    Network,
)
from opentdvp.config.solver import ChainSampling
from opentdvp.engine.ansatz.autoregressive import Autoregressive, initial_parameters
from opentdvp.engine.ansatz.configured import build_network, check_start
from opentdvp.engine.ansatz.energy.ansatz import HybridAnsatz
from opentdvp.engine.ansatz.energy.build import build_convolution, build_own
from opentdvp.engine.ansatz.energy.network import EnergyNetwork
from opentdvp.engine.ansatz.interface import Ansatz, EnergyAnsatz
from opentdvp.engine.ansatz.jastrow.ansatz import JastrowAnsatz
from opentdvp.engine.ansatz.jastrow.build import build_jastrow, first_strings
from opentdvp.engine.ansatz.orbit import OrbitAnsatz, make_ansatz
from opentdvp.engine.ansatz.symmetries import build_orbit
from opentdvp.engine.devices import cached_chunk, require_devices
from opentdvp.engine.estimates.of_orbit import OrbitEstimator
from opentdvp.engine.estimates.of_table import TableEstimator
from opentdvp.engine.estimates.of_terms import TermEstimator
from opentdvp.engine.povm.generator import Generator, build_generator
from opentdvp.engine.povm.tetrahedron import Povm, build_povm, start_probabilities
from opentdvp.engine.principle.right_hand_side import Problem
from opentdvp.engine.sampling.chains import ChainSampler
from opentdvp.engine.sampling.direct import DirectSampler
from opentdvp.engine.sampling.enumeration import enumerate_outcomes
from opentdvp.engine.sampling.neighbours import Neighbours
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model, build_model

#: Samples of the solve that must be expected to have the rarest outcome of the start on a site.
_SAMPLES_SEEN = 3

#: Smallest probability of an outcome of the start when all are enumerated.
_SMALLEST_ENUMERATED = 1e-5


class Parts(NamedTuple):
    """What an engine is made of, before compilation; `theta` is the product start state.

    Where strings are added during the run, `growth` is how, and which are there at the start.
    """

    model: Model
    povm: Povm
    generator: Generator
    problem: Problem
    theta: Float[Array, " P"]
    growth: tuple[Growth, Float[np.ndarray, " P"]] | None = None


def check(system: System, solver: TdvpSolver) -> None:
    """Raise `ConfigError` if the solver cannot run the system."""
    require_devices()
    key = jax.random.key(0)
    if isinstance(solver.network, CustomNetwork):
        ansatz = assemble(system, solver, key).problem.ansatz
        assert isinstance(ansatz, OrbitAnsatz | HybridAnsatz)
        check_start(ansatz.network, jax.random.key(solver.seed), solver.network.name)
    else:
        # Traced only: to draw the parameters takes longer than everything else here.
        jax.eval_shape(lambda key: assemble(system, solver, key).theta, key)


def _require_seen(start: Float[np.ndarray, "sites 4"], solver: TdvpSolver) -> None:
    """Refuse a start state of which a solve does not see every outcome on every site.

    What flows into outcomes that no sample has would be lost, without a sign of it.
    """
    if isinstance(solver.sampling, DirectSampling | ChainSampling):
        smallest, remedy = _SAMPLES_SEEN / solver.sampling.solve, " or more samples"
    else:
        smallest, remedy = _SMALLEST_ENUMERATED, ""
    if start.min() < smallest:
        raise ConfigError(
            f"`povm` must give every outcome of the start state a probability of at least "
            f"{smallest:.1g}, but {solver.povm} gives {start.min():.1g}; use the other "
            f"orientation{remedy}."
        )


def _require_enumeration(model: Model, solver: TdvpSolver) -> None:
    """Refuse samples of one site: their estimators change outcomes on pairs of sites."""
    if model.n_sites == 1 and not isinstance(solver.sampling, Enumeration):
        raise ConfigError(
            "`sampling.kind` must be enumeration on a lattice of one site, but is "
            f"{solver.sampling.kind}."
        )


def assemble(system: System, solver: TdvpSolver, key: PRNGKeyArray) -> Parts:
    """The parts of a system's engine; raises `ConfigError` if they do not fit."""
    model = build_model(system)
    _require_enumeration(model, solver)
    povm = build_povm(solver.povm)
    start = start_probabilities(povm, model.bloch)
    _require_seen(start, solver)
    generator = build_generator(model, povm)
    network = _network(solver, start, model)
    if isinstance(network, Autoregressive):
        symmetries = build_orbit(solver.orbit, model, generator, start)
        ansatz, theta = make_ansatz(network, symmetries, initial_parameters(network, key))
        problem = orbit_problem(ansatz, generator, solver)
    else:
        energy = _energy(solver.network, network, (model, povm, generator), key)
        problem, theta = energy_problem(energy, generator, povm, start, solver), energy.theta
    return Parts(model, povm, generator, problem, theta, _growth(solver.network, problem.ansatz))


def _growth(settings: Network, ansatz: Ansatz) -> tuple[Growth, Float[np.ndarray, " P"]] | None:
    """How strings are added, if they are."""
    if not isinstance(settings, JastrowNetwork) or settings.growth is None:
        return None
    assert isinstance(ansatz, JastrowAnsatz)
    return settings.growth, first_strings(settings.growth, ansatz)


def _network(
    solver: TdvpSolver, start: np.ndarray, model: Model
) -> Autoregressive | EnergyNetwork | None:
    """The flax module of a network that has one, with settings that fit its family."""
    if isinstance(solver.network, ENERGIES):
        return None
    network = build_network(solver.network, start, model.lattice.shape)
    try:
        solver.require_family(isinstance(network, EnergyNetwork))
    except ValueError as error:
        raise ConfigError(f"{error}.") from error
    return network


def _energy(
    settings: Network,
    own: EnergyNetwork | None,
    system: tuple[Model, Povm, Generator],
    key: PRNGKeyArray,
) -> JastrowAnsatz | HybridAnsatz:
    """The energy ansatz that settings name, or a user's own network is."""
    if own is not None:
        return build_own(own, *system, key)
    if isinstance(settings, JastrowNetwork):
        return build_jastrow(settings, *system)
    assert isinstance(settings, ConvolutionNetwork | HybridNetwork)
    return build_convolution(settings, *system, key)


def orbit_problem(ansatz: OrbitAnsatz, generator: Generator, solver: TdvpSolver) -> Problem:
    """The variational problem of a network that is averaged over its orbit."""
    if not isinstance(solver.sampling, DirectSampling):
        return _enumerated(ansatz, generator, solver)
    _require_small_groups(generator, 2, solver)
    sampler = DirectSampler(ansatz, solver.sampling, solver.fixed_samples, solver.chunk)
    bound = solver.forgetting_bound or 0.0
    return Problem(ansatz, sampler, OrbitEstimator(ansatz, generator, bound, solver.chunk), solver)


def energy_problem(
    ansatz: EnergyAnsatz,
    generator: Generator,
    povm: Povm,
    start: np.ndarray,
    solver: TdvpSolver,
) -> Problem:
    """The variational problem of an energy ansatz."""
    chunk = cached_chunk(solver.chunk, ansatz.bytes_of_sample)
    solver = solver.model_copy(update={"chunk": chunk})
    if not isinstance(solver.sampling, ChainSampling):
        return _enumerated(ansatz, generator, solver)
    _require_small_groups(generator, ansatz.largest_group, solver)
    sampler = ChainSampler(
        ansatz,
        solver.sampling,
        start,
        povm.directions,
        solver.chunk,
        Neighbours(ansatz, generator.groups),
    )
    return Problem(ansatz, sampler, TermEstimator(ansatz, generator, solver.chunk), solver)


def _require_small_groups(generator: Generator, largest: int, solver: TdvpSolver) -> None:
    """Refuse terms on more sites than local estimates of samples know."""
    size = max(groups.sites.shape[1] for groups in generator.groups)
    if size > largest:
        raise ConfigError(
            f"`couplings` and `terms` must act on at most {largest} sites for samples of the "
            f"network {solver.network.kind}, but one acts on {size}; use the network jastrow, the "
            "sampling enumeration, or the method exact, exact_reduced or moments."
        )


def _enumerated(ansatz: Ansatz, generator: Generator, solver: TdvpSolver) -> Problem:
    enumerator = enumerate_outcomes(ansatz, solver.chunk)
    return Problem(ansatz, enumerator, TableEstimator(enumerator, generator), solver)
