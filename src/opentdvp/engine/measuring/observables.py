"""Site-averaged observables with standard errors, from an ensemble of outcomes.

A Pauli matrix on site i has the weight Ω_i(a) = 3 s^{a_i}, so <σ_i> = <Ω_i>, and products of Paulis
on different sites are products of weights. Every estimate is a smooth function of means; its
standard error is the standard deviation of its influence function over √M.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from opentdvp.config import Observables
from opentdvp.engine.povm.tetrahedron import Povm
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.physics.model import Lattice

Estimate = dict[str, tuple[Array, Array]]


def measure(ensemble: Ensemble, povm: Povm, lattice: Lattice, observables: Observables) -> Estimate:
    """Mean and standard error of every configured observable.

    Magnetisations are scalars named X, Y, Z. Correlators are named C_XX and so on, with one entry
    per distance: C_AB(d) = mean over sites i of <A_i B_{i+d}> − <A_i><B_{i+d}>, i + d along x.
    The standard error is zero if the ensemble is an enumeration.
    """
    # Sites first: all that is done with sites then goes over contiguous samples.
    outcomes = ensemble.outcomes.T
    weights = {axis: jnp.array(povm.weights(axis))[outcomes] for axis in "XYZ"}
    estimates: Estimate = {}
    for axis in observables.magnetization:
        estimates[axis] = mean_and_error(weights[axis].mean(axis=0), ensemble)
    for pair, distances in observables.correlators.items():
        first, second = weights[pair[0]], weights[pair[1]]
        columns = [
            _connected(first, second, np.array(lattice.pairs(distance)), ensemble)
            for distance in distances
        ]
        means, errors = zip(*columns, strict=True)
        estimates[f"C_{pair}"] = (jnp.stack(means), jnp.stack(errors))
    return estimates


def _connected(
    first: Float[Array, "sites samples"],
    second: Float[Array, "sites samples"],
    pairs: np.ndarray,
    ensemble: Ensemble,
) -> tuple[Array, Array]:
    a, b = first[pairs[:, 0]], second[pairs[:, 1]]
    mean_a, mean_b = (values @ ensemble.weights for values in (a, b))
    # <(A − <A>)(B − <B>)>: the derivatives by the means vanish, so this is its own influence.
    product = (a - mean_a[:, None]) * (b - mean_b[:, None])
    return mean_and_error(product.mean(axis=0), ensemble)


def mean_and_error(values: Float[Array, " samples"], ensemble: Ensemble) -> tuple[Array, Array]:
    """Weighted mean, and its standard error (zero for an enumeration)."""
    mean = ensemble.weights @ values
    if ensemble.counts is None:
        return mean, jnp.zeros_like(mean)
    if ensemble.chain is None:
        variance = jnp.sum((values - mean) ** 2) / (len(values) - 1)
        return mean, jnp.sqrt(variance / len(values))
    # Chains are independent of each other, whatever connects the rows of one.
    parts = jax.ops.segment_sum(ensemble.weights * (values - mean), ensemble.chain, len(values))
    chains = 1 + ensemble.chain.max()
    return mean, jnp.sqrt(jnp.sum(parts**2) * chains / (chains - 1))
