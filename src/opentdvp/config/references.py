"""Reference solvers as data."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opentdvp.config.base import (
    SMALLEST,
    NonNegative,
    Positive,
    PositiveInt,
    Seed,
    Several,
    StrictModel,
)

#: Looser than this a solver would no longer be a reference.
SmallTolerance = Annotated[float, Field(ge=SMALLEST, le=1e-4, strict=True, allow_inf_nan=False)]

#: The same for steps whose error is estimated from differences: rounding is not far below.
IntegratorTolerance = Annotated[float, Field(ge=1e-13, le=1e-4, strict=True, allow_inf_nan=False)]


class ExactSolver(StrictModel):
    """Exact Lindblad evolution with QuTiP."""

    method: Literal["exact"]
    relative_tolerance: SmallTolerance
    absolute_tolerance: SmallTolerance


class ReducedExactSolver(StrictModel):
    """Exact Lindblad evolution of expectation values of Pauli strings, one per symmetry orbit."""

    method: Literal["exact_reduced"]
    relative_tolerance: SmallTolerance
    absolute_tolerance: SmallTolerance


class StochasticSolver(StrictModel):
    """Independent trajectories of pure states; each has a random stream of its own.

    Batches of them are jobs of the pipeline, which does not change any trajectory.
    """

    seed: Seed
    trajectories: Several
    batch: PositiveInt

    @property
    def batches(self) -> int:
        """Number of batches; the last may be smaller."""
        return -(-self.trajectories // self.batch)

    def numbers(self, batch: int) -> range:
        """The trajectories of a batch."""
        first = batch * self.batch
        return range(first, min(first + self.batch, self.trajectories))


class WaveFunctionSolver(StochasticSolver):
    """Monte Carlo wave functions with QuTiP."""

    method: Literal["mcwf"]
    relative_tolerance: SmallTolerance
    absolute_tolerance: SmallTolerance


class DephasingSolver(StochasticSolver):
    """Random Z kicks between Trotter steps: for dephasing of Ising models in any field."""

    method: Literal["dephasing_kicks"]
    time_step: Positive


class TensorNetworkSolver(StrictModel):
    """Time-evolving block decimation of a chain with TeNPy.

    `mps` evolves the amplitudes of a closed system, `mpo` the density matrix of any. The chain is
    `finite`, as configured, or `infinite`, in place of a ring. The same evolution with half the
    bond dimension, and that with twice the time step, give the errors.
    """

    method: Literal["mps", "mpo"]
    chain: Literal["finite", "infinite"]
    bond_dimension: Several
    singular_value_cutoff: NonNegative
    time_step: Positive
    order: Literal[2, 4]


class MomentsSolver(StrictModel):
    """Centred moments of all strings of at most some weight and range, the others set to zero.

    `range` is that of the shortest window of a chain, or of the side of the smallest box of the
    grid of sites, that holds a string (on a graph of the order of the sites: best all of them);
    pairs may have a larger one of their own. The same with one weight less, and with one range
    less, give the errors.
    """

    method: Literal["moments"]
    weight: Several
    range: Several
    pair_range: Several | None = None
    relative_tolerance: IntegratorTolerance
    absolute_tolerance: IntegratorTolerance

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        if self.pair_range is not None and self.pair_range <= self.range:
            raise ValueError(
                f"`pair_range` must be larger than range {self.range}, but is {self.pair_range} "
                "(leave it out where pairs have the same)"
            )
        return self
