"""Solvers as data. Whatever decides accuracy has no default: it is stated in every run."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from opentdvp.config.base import (
    NonNegative,
    Positive,
    PositiveInt,
    Seed,
    Several,
    Share,
    StrictModel,
    is_missing,
    one_of,
)
from opentdvp.config.networks import ENERGIES, CustomNetwork, Network
from opentdvp.config.references import (
    DephasingSolver,
    ExactSolver,
    MomentsSolver,
    ReducedExactSolver,
    TensorNetworkSolver,
    WaveFunctionSolver,
)

OrbitName = Literal["none", "all", "half_turns", "space_group", "full"]


def _check_orbit(value: object) -> object:
    step = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    names = get_args(OrbitName)
    if value in names or step:
        return value
    raise ValueError(one_of(value, [*names, "a step of at least 1"]))


#: Averaged over: nothing, all translations, or every k-th along each axis; `half_turns`: all
#: translations and the half turns of all spins that leave system and start state as they are
#: (ours); `space_group`: translations and point group; `full`: half turns too.
Orbit = Annotated[OrbitName | int, BeforeValidator(_check_orbit)]


class DirectSampling(StrictModel):
    """Independent samples: for the solve, held out from it, and for the observables.

    Those of the solve may be spread evenly over the distribution by a Sobol sequence (ours).
    """

    kind: Literal["direct"]
    solve: Several
    held_out: Several
    observables: Several
    sequence: Literal["random", "sobol"]

    @model_validator(mode="after")
    def _check_balance(self) -> Self:
        if self.sequence == "sobol" and self.solve & (self.solve - 1):
            raise ValueError(
                f"`solve` must be a power of two for a Sobol sequence, but is {self.solve}"
            )
        return self


class ChainSampling(StrictModel):
    """Markov chains of a Jastrow factor (ours): for the solve, and held out from it.

    They begin as samples of the product start state and go on from step to step, by so many
    `sweeps` over all sites each time. Observables are measured on at least so many samples, several
    of each chain. Of the samples of the solve and those held out, a share may be `moved` to
    outcomes that the generator connects them with, and have weights for it: it keeps rare
    outcomes from outweighing all others.
    """

    kind: Literal["chains"]
    solve: Several
    held_out: Several
    observables: Several
    sweeps: PositiveInt
    moved: Annotated[Share | None, Field(exclude_if=is_missing)] = None


class Enumeration(StrictModel):
    """All 4ᴺ outcomes with their probabilities instead of samples; for small N."""

    kind: Literal["enumeration"]


class Cutoffs(StrictModel):
    """Soft cutoffs of the Fisher matrix's spectrum (Schmitt & Heyl, PRL 125, 100503)."""

    method: Literal["eigenvalues"]
    eigenvalue_cutoff: NonNegative
    signal_to_noise_cutoff: NonNegative


class DiagonalShift(StrictModel):
    """A shift of the diagonal by this multiple of the Fisher matrix's largest eigenvalue.

    Or of each entry's own value, the variance of the parameter's log-derivative: it damps what few
    samples determine, however the parameters are scaled (ours; Marquardt's damping). `cholesky`
    solves in the space of parameters, `sample_space` in that of samples, which is smaller where
    there are more parameters than samples.
    """

    method: Literal["cholesky", "sample_space"]
    shift: Positive
    relative_to: Annotated[
        Literal["largest_eigenvalue", "variances"] | None, Field(exclude_if=is_missing)
    ] = None


Regularization = Annotated[Cutoffs | DiagonalShift, Field(discriminator="method")]


class Integrator(StrictModel):
    """Adaptive Runge-Kutta steps; the error of a step is measured in the Fisher norm.

    `heun` is of second order, its error found by step doubling (the paper's), `bogacki_shampine`
    of third, with an embedded error. With the samples `fixed`, all stages of a step use those of
    its start, reweighted; otherwise they are `redrawn` with the same random numbers.
    """

    method: Literal["heun", "bogacki_shampine"]
    samples: Literal["fixed", "redrawn"]
    fisher_tolerance: Positive
    initial_step: Positive
    minimal_step: Positive
    maximal_step: Positive

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.minimal_step <= self.initial_step <= self.maximal_step:
            raise ValueError(
                f"`initial_step` must be between minimal_step {self.minimal_step:g} and "
                f"maximal_step {self.maximal_step:g}, but is {self.initial_step:g}"
            )
        return self


class TdvpSolver(StrictModel):
    """Neural-network TDVP in POVM form (paper, eqs. 4 and 5)."""

    method: Literal["tdvp"]
    seed: Seed
    povm: Literal["cubic", "z_aligned"]
    network: Network
    orbit: Orbit | None = None
    sampling: Annotated[DirectSampling | ChainSampling | Enumeration, Field(discriminator="kind")]
    regularization: Regularization
    integrator: Integrator
    precision: Literal["single", "double"]
    forgetting_bound: NonNegative | None = None
    drift_limit: Positive
    chunk: PositiveInt

    @property
    def fixed_samples(self) -> bool:
        """Whether all stages of a step use the samples of its start, reweighted."""
        return self.integrator.samples == "fixed"

    @model_validator(mode="after")
    def _check_family(self) -> Self:
        """A user's own network is known to be of one family or the other once it is loaded."""
        if not isinstance(self.network, CustomNetwork):
            self.require_family(isinstance(self.network, ENERGIES))
        return self

    def require_family(self, symmetric: bool) -> None:
        """Raise `ValueError` if orbit, forgetting bound or sampling do not fit the network.

        Parameters
        ----------
        symmetric
            Whether it is one that has all symmetries without images and is sampled by chains;
            otherwise it visits the sites one by one.
        """
        for name in ("orbit", "forgetting_bound"):
            if (getattr(self, name) is None) != symmetric:
                wrong = "must be left out" if symmetric else "is required"
                raise ValueError(f"`{name}` {wrong} for the network {self.network.kind}")
        if isinstance(self.sampling, DirectSampling if symmetric else ChainSampling):
            allowed = "chains" if symmetric else "direct"
            raise ValueError(
                f"`sampling.kind` must be {allowed} or enumeration for the network "
                f"{self.network.kind}, but is {self.sampling.kind}"
            )


Solver = Annotated[
    ExactSolver
    | ReducedExactSolver
    | WaveFunctionSolver
    | DephasingSolver
    | TensorNetworkSolver
    | MomentsSolver
    | TdvpSolver,
    Field(discriminator="method"),
]
