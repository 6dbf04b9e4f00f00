"""Solver settings for tests: small, quick, with what a test cares about as arguments."""

from typing import Any

import jax

from opentdvp.config import (
    Deck,
    DephasingSolver,
    ExactSolver,
    MomentsSolver,
    ReducedExactSolver,
    Solver,
    System,
    TdvpSolver,
    TensorNetworkSolver,
    WaveFunctionSolver,
)
from opentdvp.engine.ansatz.symmetries import Symmetries
from opentdvp.engine.assembly import assemble
from opentdvp.records.trajectory import Trajectory
from opentdvp.running.solvers import method_of

ENUMERATION: dict[str, Any] = {"kind": "enumeration"}


def direct(
    solve: int = 500, held_out: int = 100, observables: int = 1000, sequence: str = "random"
) -> dict[str, Any]:
    """Settings of direct sampling."""
    counts = {"solve": solve, "held_out": held_out, "observables": observables}
    return {"kind": "direct", "sequence": sequence, **counts}


def tdvp(
    width: int = 5,
    depth: int = 1,
    activation: str = "tanh",
    kind: str = "recurrent",
    cell: str = "vanilla",
    output: str = "shared",
    recurrent_scale: float = 0.7,
    orbit: str | int | None = "all",
    sampling: dict[str, Any] | None = None,
    eigenvalue_cutoff: float = 1e-8,
    signal_to_noise_cutoff: float = 0.0,
    fisher_tolerance: float = 1e-3,
    maximal_step: float = 0.1,
    method: str = "heun",
    samples: str = "redrawn",
    **settings: Any,
) -> TdvpSolver:
    """A TDVP solver that enumerates all outcomes unless told otherwise."""
    size = {"width": width, "depth": depth, "activation": activation, "output": output}
    network = {"kind": kind, "cell": cell, "recurrent_scale": recurrent_scale, **size}
    integrator = {"method": method, "samples": samples, "initial_step": 1e-3, "minimal_step": 1e-7}
    steps = {"fisher_tolerance": fisher_tolerance, "maximal_step": maximal_step}
    cutoffs = {
        "method": "eigenvalues",
        "eigenvalue_cutoff": eigenvalue_cutoff,
        "signal_to_noise_cutoff": signal_to_noise_cutoff,
    }
    defaults = {
        "method": "tdvp",
        "seed": 0,
        "povm": "cubic",
        "network": network,
        "orbit": orbit,
        "sampling": sampling or ENUMERATION,
        "regularization": cutoffs,
        "integrator": {**integrator, **steps},
        "precision": "double",
        "forgetting_bound": 0.0,
        "drift_limit": 0.5,
        "chunk": 64,
    }
    return TdvpSolver.model_validate({**defaults, **settings})


def chains(
    solve: int = 500,
    held_out: int = 100,
    observables: int = 1000,
    sweeps: int = 4,
    **settings: Any,
) -> dict[str, Any]:
    """Settings of sampling by Markov chains."""
    counts = {"solve": solve, "held_out": held_out, "observables": observables}
    return {"kind": "chains", "sweeps": sweeps, **counts, **settings}


def jastrow(weight: int, reach: int, pair_range: int, **settings: Any) -> TdvpSolver:
    """A solver with a Jastrow factor; settings as for `tdvp`."""
    network = {"kind": "jastrow", "weight": weight, "range": reach, "pair_range": pair_range}
    return _energy(network, settings)


def convolution(kernels: list[int], channels: int = 3, **settings: Any) -> TdvpSolver:
    """A solver with a convolution."""
    return _energy({"kind": "convolution", **_layers(kernels, channels)}, settings)


def hybrid(
    kernels: list[int],
    weight: int,
    reach: int,
    pair_range: int,
    channels: int = 2,
    **settings: Any,
) -> TdvpSolver:
    """A solver with strings and a convolution."""
    strings = {"weight": weight, "range": reach, "pair_range": pair_range}
    return _energy({"kind": "hybrid", **strings, **_layers(kernels, channels)}, settings)


def _layers(kernels: list[int], channels: int) -> dict[str, Any]:
    scales = {"activation": "tanh", "hidden_scale": 1.0}
    return {"kernels": kernels, "channels": channels, **scales}


def _energy(network: dict[str, Any], settings: dict[str, Any]) -> TdvpSolver:
    return tdvp(**{"network": network, "orbit": None, "forgetting_bound": None} | settings)


def exact() -> ExactSolver:
    """An exact solver, tight."""
    return ExactSolver(method="exact", relative_tolerance=1e-9, absolute_tolerance=1e-11)


def reduced(tolerance: float = 1e-8) -> ReducedExactSolver:
    """A reduced exact solver."""
    settings = {"relative_tolerance": tolerance, "absolute_tolerance": tolerance / 100}
    return ReducedExactSolver(method="exact_reduced", **settings)


def wave_functions(trajectories: int = 100, batch: int = 50, seed: int = 7) -> WaveFunctionSolver:
    """Monte Carlo wave functions."""
    return WaveFunctionSolver(
        method="mcwf",
        seed=seed,
        trajectories=trajectories,
        batch=batch,
        relative_tolerance=1e-6,
        absolute_tolerance=1e-8,
    )


def kicks(
    trajectories: int = 100, batch: int = 50, seed: int = 7, time_step: float = 0.1
) -> DephasingSolver:
    """Trajectories with random Z kicks."""
    return DephasingSolver(
        method="dephasing_kicks",
        seed=seed,
        trajectories=trajectories,
        batch=batch,
        time_step=time_step,
    )


def tensor_network(
    method: Any = "mpo",
    chain: Any = "finite",
    bond_dimension: int = 64,
    time_step: float = 0.05,
    order: Any = 4,
) -> TensorNetworkSolver:
    """A matrix product that drops next to nothing but beyond its bond dimension."""
    return TensorNetworkSolver(
        method=method,
        chain=chain,
        bond_dimension=bond_dimension,
        singular_value_cutoff=1e-12,
        time_step=time_step,
        order=order,
    )


def moments(
    weight: int, range: int, pair_range: int | None = None, tolerance: float = 1e-8
) -> MomentsSolver:
    """Centred moments with a cut, tight."""
    return MomentsSolver(
        method="moments",
        weight=weight,
        range=range,
        pair_range=pair_range,
        relative_tolerance=tolerance,
        absolute_tolerance=tolerance,
    )


def quiet(time: float, **values: float) -> None:
    """Report nothing."""


def solved(system: System, solver: Solver, **options: Any) -> Trajectory:
    """The trajectory of a system by any solver."""
    deck = Deck(system=system, solver=solver)
    return method_of(deck)(deck, **options)


def symmetries_of(system: System, orbit: str | int) -> Symmetries:
    """The group that a solver with this orbit averages over."""
    solver = tdvp(orbit=orbit, sampling=direct())
    return assemble(system, solver, jax.random.key(0)).problem.ansatz.symmetries
