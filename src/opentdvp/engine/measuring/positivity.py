"""Is the distribution that of a density matrix? Smallest eigenvalues of reduced density matrices.

ρ = Σ_b P^b D^b of a distribution P that the network can represent need not be positive. Reduced to
one or two sites and averaged over them, it is reconstructed from samples: an eigenvalue below zero
by several standard errors means that the dynamics has left the physical states.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from opentdvp.engine.measuring.observables import mean_and_error
from opentdvp.engine.povm.tetrahedron import Povm, frame
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.geometry.lattice import Lattice


def smallest_eigenvalues(
    ensemble: Ensemble, povm: Povm, lattice: Lattice
) -> dict[str, Float[Array, ""]]:
    """Smallest eigenvalues of the site-averaged one-site and neighbour-averaged two-site ρ.

    Without bonds, neighbours are those in the order of the sites.

    Returns
    -------
    `eigenvalue_one_site`, `eigenvalue_two_sites`, and with `_error` the standard error of <v|ρ|v>
    for the eigenvector v. The smallest eigenvalue of a noisy matrix lies below that of its mean, by
    about the error.
    """
    sites = np.arange(lattice.n_sites)[:, None]
    result = {}
    # A graph may have no bonds.
    bonds = np.array(lattice.bonds or lattice.pairs(1))
    for name, places in (("one_site", sites), ("two_sites", bonds)):
        value, error = _smallest_eigenvalue(ensemble, frame(povm.dual, places.shape[1]), places)
        result[f"eigenvalue_{name}"] = value
        result[f"eigenvalue_{name}_error"] = error
    return result


def _smallest_eigenvalue(
    ensemble: Ensemble, dual: np.ndarray, places: np.ndarray
) -> tuple[Array, Array]:
    """Of the average over `places` (places, sites of one) of the reduced density matrix."""
    outcomes = jnp.zeros((len(ensemble.outcomes), len(places)), ensemble.outcomes.dtype)
    for column in places.T:
        outcomes = 4 * outcomes + ensemble.outcomes[:, column]
    share = ensemble.weights / len(places)
    probabilities = jnp.bincount(outcomes.ravel(), jnp.repeat(share, len(places)), length=len(dual))
    _, vectors = jnp.linalg.eigh(jnp.tensordot(probabilities, jnp.array(dual), axes=1))
    vector = vectors[:, 0]
    of_outcome = jnp.einsum("i,aij,j->a", vector.conj(), jnp.array(dual), vector).real
    return mean_and_error(of_outcome[outcomes].mean(axis=1), ensemble)
