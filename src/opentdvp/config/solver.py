"""Solvers as data. Whatever decides accuracy has no default: it is stated in every run."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, FiniteFloat

from opentdvp.config.base import NonNegative, Positive, PositiveInt, StrictModel

#: Looser than this the exact solver would no longer be a reference.
SmallTolerance = Annotated[FiniteFloat, Field(gt=0, le=1e-4)]


class ExactSolver(StrictModel):
    """Exact Lindblad evolution with QuTiP."""

    method: Literal["exact"]
    relative_tolerance: SmallTolerance
    absolute_tolerance: SmallTolerance


class RecurrentNetwork(StrictModel):
    """A stack of vanilla recurrent layers, sites visited in lattice order."""

    kind: Literal["recurrent"]
    width: PositiveInt
    depth: PositiveInt
    activation: Literal["tanh", "elu"]
    recurrent_scale: Positive


def _check_orbit(value: object) -> object:
    step = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value in ("none", "all") or step:
        return value
    raise ValueError(f"`orbit` must be none, all, or a step of at least 1, but is {value!r}")


#: Translations averaged over: none, all, or every k-th along each axis.
Orbit = Annotated[Literal["none", "all"] | int, BeforeValidator(_check_orbit)]


class DirectSampling(StrictModel):
    """Independent samples: for the solve, held out from it, and for the observables."""

    kind: Literal["direct"]
    solve: Annotated[int, Field(ge=2)]
    held_out: Annotated[int, Field(ge=2)]
    observables: Annotated[int, Field(ge=2)]


class Enumeration(StrictModel):
    """All 4ᴺ outcomes with their probabilities instead of samples; for small N."""

    kind: Literal["enumeration"]


class Regularization(StrictModel):
    """Soft cutoffs of the Fisher matrix's spectrum (Schmitt & Heyl, PRL 125, 100503)."""

    eigenvalue_cutoff: NonNegative
    signal_to_noise_cutoff: NonNegative


class AdaptiveHeun(StrictModel):
    """Heun's method with step doubling; the error of a step is measured in the Fisher norm."""

    method: Literal["heun"]
    fisher_tolerance: Positive
    initial_step: Positive
    minimal_step: Positive
    maximal_step: Positive


class TdvpSolver(StrictModel):
    """Neural-network TDVP in POVM form (paper, eqs. 4 and 5)."""

    method: Literal["tdvp"]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    povm: Literal["cubic", "z_aligned"]
    network: RecurrentNetwork
    orbit: Orbit
    sampling: Annotated[DirectSampling | Enumeration, Field(discriminator="kind")]
    regularization: Regularization
    integrator: AdaptiveHeun
    estimator_precision: Literal["single", "double"]
    drift_limit: Positive
    chunk: PositiveInt


Solver = Annotated[ExactSolver | TdvpSolver, Field(discriminator="method")]
