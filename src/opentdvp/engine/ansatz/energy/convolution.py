"""A convolutional energy network whose kernels have the symmetries of the lattice."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from opentdvp.engine.ansatz.energy.network import EnergyNetwork
from opentdvp.engine.ansatz.recurrent import ACTIVATIONS


class Convolution(EnergyNetwork):
    """f = Σ_c v_c h_c with h = act(b + K ∗ h') of every layer; the first h' are the letters.

    K has one matrix from features to features for each class of displacements that the point group
    of the model connects, so f does not change under it. v is zero at the start; entries of b and
    K are normal with such a deviation that signals have that of `hidden_scale`.

    Attributes
    ----------
    classes
        For each layer and displacement within its kernel (rows, then columns), its class.
    """

    kernels: tuple[int, ...]
    channels: int
    activation: str
    hidden_scale: float
    classes: tuple[tuple[int, ...], ...]

    @property
    def reach(self) -> int:
        """Half the kernels together."""
        return sum(length // 2 for length in self.kernels)

    @nn.compact
    def __call__(self, letters: Float[Array, "batch *patch 3"]) -> Float[Array, "batch *inner"]:
        """f at the inner sites."""
        hidden, activate = letters, ACTIVATIONS[self.activation]
        for layer, (length, classes) in enumerate(zip(self.kernels, self.classes, strict=True)):
            seen = _of_classes(hidden, length, classes)
            scale = self.hidden_scale / (len(classes) * hidden.shape[-1]) ** 0.5
            shape = (max(classes) + 1, hidden.shape[-1], self.channels)
            kernel = self.param(f"kernel_{layer}", nn.initializers.normal(scale), shape)
            bias_init = nn.initializers.normal(self.hidden_scale)
            bias = self.param(f"bias_{layer}", bias_init, (self.channels,))
            hidden = activate(seen @ kernel.reshape(-1, self.channels) + bias)
        output = self.param("output", nn.initializers.zeros, (self.channels,))
        return hidden @ output


def _of_classes(
    hidden: Float[Array, "batch *patch features"], length: int, classes: tuple[int, ...]
) -> Float[Array, "batch *inner sums"]:
    """Features added up over the displacements of each class, class after class.

    Only then are they multiplied by matrices, of which there are fewer than displacements.
    """
    patch = hidden.shape[1:-1]
    inner = [extent - length + 1 for extent in patch]
    sums: dict[int, Array] = {}
    for displacement, number in zip(np.ndindex((length,) * len(patch)), classes, strict=True):
        part = tuple(slice(d, d + n) for d, n in zip(displacement, inner, strict=True))
        here = hidden[:, *part]
        sums[number] = sums[number] + here if number in sums else here
    return jnp.concatenate([sums[number] for number in sorted(sums)], axis=-1)
