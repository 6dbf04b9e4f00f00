"""Site-averaged observables with standard errors, from an ensemble of outcomes.

A Pauli matrix on site i has the weight Ω_i(a) = 3 s^{a_i}, so <σ_i> = <Ω_i>, and products of Paulis
on different sites are products of weights. Every estimate is a smooth function of means; its
standard error is the standard deviation of its influence function over √M.
Where the ansatz knows the outcomes of a site given all others, their mean takes the place of
the weight of the one that was drawn (`given_rest`).
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from opentdvp.config import Observables
from opentdvp.engine.devices import for_samples
from opentdvp.engine.measuring.given_rest import GivenRest
from opentdvp.engine.povm.tetrahedron import OUTCOMES, Povm
from opentdvp.engine.sampling.ensemble import Ensemble
from opentdvp.geometry.lattice import Lattice

#: Samples whose weights are together in memory: what is made of all sites fits the cache.
_TOGETHER = 256

Estimate = dict[str, tuple[Array, Array]]


def measure(
    ensemble: Ensemble,
    povm: Povm,
    lattice: Lattice,
    observables: Observables,
    given_rest: GivenRest | None = None,
) -> Estimate:
    """Mean and standard error of every configured observable.

    Magnetisations are scalars named X, Y, Z. Correlators are named C_XX and so on, with one entry
    per distance: C_AB(d) = mean over sites i of <A_i B_{i+d}> − <A_i><B_{i+d}>, i + d along x.
    The standard error is zero if the ensemble is an enumeration.
    """
    axes = "".join([*observables.magnetization, *observables.correlators])
    tables = {axis: jnp.array(povm.weights(axis)) for axis in sorted(set(axes))}
    shares = _shares(ensemble)
    means = {axis: shares @ table for axis, table in tables.items()}

    def of_chunk(outcomes: Array) -> dict[str, Array]:
        # Sites first: all that is done with sites then goes over contiguous samples. They may
        # come in bytes, which the number of a window's outcome does not fit.
        outcomes = outcomes.T.astype(jnp.int32)
        drawn = {axis: table[outcomes] for axis, table in tables.items()}
        expected = drawn if given_rest is None else _expected(given_rest(outcomes), tables)
        found: dict[str, Array] = {
            axis: expected[axis].mean(axis=0) for axis in observables.magnetization
        }
        drawn = {axis: drawn[axis] - means[axis][:, None] for axis in tables}
        expected = {axis: expected[axis] - means[axis][:, None] for axis in tables}
        for pair, distances in observables.correlators.items():
            columns = [
                _product((drawn, expected), pair, lattice.pairs(distance)) for distance in distances
            ]
            found[f"C_{pair}"] = jnp.stack(columns, axis=1)
        return found

    values = for_samples(of_chunk, ensemble.outcomes, _TOGETHER)
    return {name: mean_and_error(column, ensemble) for name, column in values.items()}


def _shares(ensemble: Ensemble) -> Float[Array, "sites 4"]:
    """The weight of each outcome on each site."""

    def of_site(outcomes: Array) -> Array:
        chosen = (outcomes == outcome for outcome in range(OUTCOMES))
        return jnp.stack([jnp.sum(jnp.where(these, ensemble.weights, 0)) for these in chosen])

    return jax.lax.map(of_site, ensemble.outcomes.T)


def _expected(
    probabilities: Float[Array, "4 sites samples"], tables: dict[str, Float[Array, "4"]]
) -> dict[str, Float[Array, "sites samples"]]:
    """The mean weight of every site given all others."""
    return {axis: jnp.tensordot(table, probabilities, 1) for axis, table in tables.items()}


def _product(
    values: tuple[dict[str, Float[Array, "sites samples"]], ...],
    pair: str,
    pairs: Sequence[tuple[int, int]],
) -> Float[Array, " samples"]:
    """(A_i − <A_i>)(B_j − <B_j>), averaged over pairs: the influence of a sample on <A B>ᶜ.

    One of the two factors is drawn, the other one expected, and both ways are averaged. The
    derivatives of <A B>ᶜ by the means vanish.
    """
    i, j = np.array(pairs).T
    drawn, expected = values
    first, second = pair[0], pair[1]
    there = drawn[first][i] * expected[second][j]
    back = expected[first][i] * drawn[second][j]
    return ((there + back) / 2).mean(axis=0)


def mean_and_error(values: Float[Array, "samples ..."], ensemble: Ensemble) -> tuple[Array, Array]:
    """Weighted mean, and its standard error (zero for an enumeration)."""
    mean = ensemble.weights @ values
    if ensemble.counts is None:
        return mean, jnp.zeros_like(mean)
    if ensemble.chain is None:
        variance = jnp.sum((values - mean) ** 2, axis=0) / (len(values) - 1)
        return mean, jnp.sqrt(variance / len(values))
    # Chains are independent of each other, whatever connects the rows of one.
    weights = ensemble.weights.reshape(-1, *(1,) * (values.ndim - 1))
    parts = jax.ops.segment_sum(weights * (values - mean), ensemble.chain, len(values))
    chains = 1 + ensemble.chain.max()
    return mean, jnp.sqrt(jnp.sum(parts**2, axis=0) * chains / (chains - 1))
