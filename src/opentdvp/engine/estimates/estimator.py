"""What an estimator is: how the outcomes of an ensemble change, whatever the ansatz."""

from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Array, Float, Int, Num

from opentdvp.engine.ansatz.interface import Parameters

#: What the drives of a generator are multiplied by at some time; None where there are none.
Factors: TypeAlias = Float[Array | np.ndarray, " drives"] | None


class Estimate(NamedTuple):
    """Local estimates of an ensemble.

    Attributes
    ----------
    value
        E(a) = Σ_b L^{ab} P(b)/P(a) (paper, eq. 5) of every outcome.
    diagnostics
        By name, how they were approximated, an entry per outcome; the largest one is recorded.
    """

    value: Float[Array, " rows"]
    diagnostics: dict[str, Num[Array, " rows"]]


@runtime_checkable
class Estimator(Protocol):
    """Local estimates of an ansatz under a generator; a pure function."""

    def __call__(
        self,
        parameters: Parameters,
        outcomes: Int[Array, "rows sites"],
        needed: Int[Array, ""] | None = None,
        factors: Factors = None,
    ) -> Estimate:
        """Of outcomes that a sampler has given; those behind the first `needed` may be anything.

        The factors are those of the generator's drives.
        """
        ...
