"""Energy networks: log P(a) = Σ_i log p⁰(a_i) + Σ_i f(letters around site i) − log Z.

f is a flax module that reads a patch of the lattice; it sees no borders and no numbers of sites, so
the sum is invariant under translations. Everything else in the engine uses it through what stands
here, so a new network is one new file (docs/own_network.md).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from opentdvp.engine.ansatz.interface import Parameters

#: Letters of an outcome: √3 times the components of its direction.
LETTERS = 3


class EnergyNetwork(nn.Module, kw_only=True):
    """What a network must offer, in the layout of flax: samples first, features last.

    Attributes
    ----------
    shape
        Lengths of the lattice, (Lx,) or (Lx, Ly); the engine gives it.
    """

    shape: tuple[int, ...] = ()

    @property
    def reach(self) -> int:
        """How many sites along each axis f reads around its own."""
        raise NotImplementedError

    def __call__(self, letters: Float[Array, "batch *patch 3"]) -> Float[Array, "batch *inner"]:
        """f of all sites of a patch that are `reach` away from its ends.

        With fresh parameters it must be zero: that is the product start state. On a square the axes
        of a patch are those of rows: y, then x.
        """
        raise NotImplementedError


def fresh_parameters(network: EnergyNetwork, key: PRNGKeyArray) -> Parameters:
    """Random hidden weights, in double precision; f is zero."""
    box = (2 * network.reach + 1,) * len(network.shape)
    parameters = network.init(key, jnp.zeros((1, *box, LETTERS)))
    # Layers of flax have parameters of single precision.
    return jax.tree.map(lambda values: values.astype(jnp.float64), parameters)
