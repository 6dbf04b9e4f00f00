"""Site-averaged observables, from the expectation values of any reference."""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

from opentdvp.config import Observables
from opentdvp.geometry.lattice import Lattice

Sites = Int[np.ndarray, " pairs"]

#: <A_i B_j> for the letters AB and arrays of sites i and j.
Correlation = Callable[[str, Sites, Sites], Float[np.ndarray, "*times pairs"]]


def site_averages(
    means: Mapping[str, Float[np.ndarray, "*times sites"]],
    correlation: Correlation,
    lattice: Lattice,
    observables: Observables,
) -> dict[str, np.ndarray]:
    """Every configured observable.

    Magnetisations are scalars named X, Y, Z. Correlators are named C_XX and so on, with one entry
    per distance: C_AB(d) = mean over sites i of <A_i B_{i+d}> − <A_i><B_{i+d}>, i + d along x.

    Parameters
    ----------
    means
        <A_i> of every site for A in X, Y, Z. Axes before that of the sites, such as one of times,
        come first in the result too.
    correlation
        Called once per pair of letters and distance.
    """
    found = {
        axis: np.array(means[axis].mean(axis=-1)) for axis in map(str, observables.magnetization)
    }
    for letters, distances in observables.correlators.items():
        first, second = means[letters[0]], means[letters[1]]
        ends = [np.array(lattice.pairs(distance)).T for distance in distances]
        connected = [correlation(letters, i, j) - first[..., i] * second[..., j] for i, j in ends]
        found[f"C_{letters}"] = np.stack([c.mean(axis=-1) for c in connected], axis=-1)
    return found
