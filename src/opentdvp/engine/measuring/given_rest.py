"""Means of one site's outcome given those of all others: the noise of its draw is not in them.

<σ_i> = <M_i> and <σ_i τ_j> = <M_i τ_j> with M_i = <σ_i | all other outcomes>, because the mean of a
conditional mean is the mean (Rao-Blackwell). The weight of a drawn outcome is up to 3, that of M_i
seldom more than 1.
"""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.interface import Ansatz, EnergyAnsatz, Parameters
from opentdvp.engine.povm.tetrahedron import OUTCOMES

#: Probabilities of a site's outcomes given all others: [outcome, site, sample] of (sites, samples).
GivenRest: TypeAlias = Callable[[Int[Array, "sites samples"]], Float[Array, "4 sites samples"]]

_NO_PAIRS = np.zeros((0, 2), dtype=np.int32)


def given_rest(ansatz: Ansatz, parameters: Parameters) -> GivenRest | None:
    """Of an ansatz that knows what a changed outcome changes, else None."""
    if not isinstance(ansatz, EnergyAnsatz):
        return None

    def probabilities(outcomes: Int[Array, "sites samples"]) -> Float[Array, "4 sites samples"]:
        of_shift, _ = ansatz.changes(parameters, outcomes, _NO_PAIRS, _NO_PAIRS)
        # The outcome b differs from a by the shift a ^ b.
        shifts = jnp.arange(OUTCOMES)[:, None, None] ^ outcomes
        return jax.nn.softmax(jnp.take_along_axis(of_shift, shifts, axis=0), axis=0)

    return probabilities
