"""A convolutional energy network whose kernels have the symmetries of the lattice."""

import flax.linen as nn
import jax
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
            kernel = self._kernel(layer, length, np.array(classes), hidden.shape[-1])
            bias_init = nn.initializers.normal(self.hidden_scale)
            bias = self.param(f"bias_{layer}", bias_init, (self.channels,))
            convolved = jax.lax.conv_general_dilated(
                hidden,
                kernel.astype(hidden.dtype),
                (1,) * len(self.shape),
                "VALID",
                dimension_numbers=_LAYOUTS[len(self.shape)],
            )
            hidden = activate(convolved + bias)
        output = self.param("output", nn.initializers.zeros, (self.channels,))
        return hidden @ output

    def _kernel(
        self, layer: int, length: int, classes: np.ndarray, features: int
    ) -> Float[Array, "*box features channels"]:
        scale = self.hidden_scale / (len(classes) * features) ** 0.5
        shape = (classes.max() + 1, features, self.channels)
        matrices = self.param(f"kernel_{layer}", nn.initializers.normal(scale), shape)
        box = (length,) * len(self.shape)
        return jnp.asarray(matrices)[classes].reshape(*box, features, self.channels)


#: Of signals, kernels and results, by the number of axes.
_LAYOUTS = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC")}
