"""Recurrent networks: stacks of cells, along a chain or over the rows of a lattice.

In one dimension a cell reads the state and the outcome of the site before. In two, sites are
visited row by row and a cell reads those of three sites: before, above, and above to the right.
The rows are joined to a helix, so that the site before the first of a row is the last of the row
above; to the right of the last site of a row is the first of the same row, its neighbour on a
torus, so that the seam along x is closed (ours).
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, PRNGKeyArray

from opentdvp.engine.ansatz.autoregressive import Autoregressive, Carry, Site
from opentdvp.engine.povm.tetrahedron import OUTCOMES

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": nn.tanh, "elu": nn.elu}


class Cell(nn.Module):
    """One recurrent layer: new state from a signal x and the states h_n of earlier sites.

    `vanilla`: h = f(W x + Σ_n U_n h_n + b). `multiplicative`: h = f(W x + Σ_n U_n^{a_n} h_n + b), a
    matrix for every outcome a_n there, as a matrix product state has (for one h_n, the recurrent
    network of Sutskever, Martens & Hinton 2011 without its factors). `gated` (the gated recurrent
    unit of Cho et al. 2014, for several h_n): h = z ∘ mean_n h_n + (1 − z) ∘ f(W x +
    r ∘ Σ_n U_n h_n + b), where update z and reset r are σ of affine functions of x and all h_n.
    """

    kind: str
    width: int
    activation: str
    signal_scale: float
    recurrent_scale: float

    @nn.compact
    def __call__(
        self,
        signal: Float[Array, "inputs *batch"],
        states: Float[Array, "n width *batch"],
        outcomes: Float[Array, "n 4 *batch"],
    ) -> Float[Array, "width *batch"]:
        """State of this layer at the next site; outcomes are one-hot."""
        activate = ACTIVATIONS[self.activation]
        scale = self.recurrent_scale / len(states) ** 0.5
        if self.kind == "multiplicative":
            # One state for every outcome, all but one of which are zero.
            states = (outcomes[:, :, None] * states[:, None]).reshape(-1, *states.shape[1:])
        if self.kind != "gated":
            return activate(jnp.add(*self._affine("", signal, states, scale)))
        update = nn.sigmoid(sum(self._affine("update_", signal, states, scale)))
        reset = nn.sigmoid(sum(self._affine("reset_", signal, states, scale)))
        from_signal, from_states = self._affine("", signal, states, scale)
        return update * states.mean(axis=0) + (1 - update) * activate(
            from_signal + reset * from_states
        )

    def _affine(self, name: str, signal: Array, states: Array, scale: float) -> tuple[Array, Array]:
        matrices, width = states.shape[:2]

        def recurrent(key: PRNGKeyArray) -> Array:
            make = nn.initializers.orthogonal(scale, column_axis=-1)
            keys = jax.random.split(key, matrices)
            return jnp.stack([make(one, (width, width), jnp.float64) for one in keys], axis=1)

        kernel = self.param(
            f"{name}signal_kernel",
            nn.initializers.normal(self.signal_scale),
            (width, len(signal)),
            jnp.float64,
        )
        recurrent_kernel = self.param(f"{name}recurrent_kernel", recurrent)
        bias = self.param(f"{name}bias", nn.initializers.zeros, (width,), jnp.float64)
        ones = (1,) * (signal.ndim - 1)
        from_signal = jnp.tensordot(kernel, signal, axes=1) + bias.reshape(-1, *ones)
        return from_signal, jnp.tensordot(recurrent_kernel, states, axes=2)


class Recurrent(Autoregressive):
    """Stacked cells and a softmax of the top one's state; the common part of both geometries.

    With the output `per_site`, every site has its own map from the state to the conditional: near
    the first site, where there is little to remember, and near the last, whose neighbour on the
    ring is the first, correlations look different from those in between.

    The output kernel starts at zero and the output bias at the logarithm of the one-site
    probabilities, so that the network is the product start state whatever its hidden weights are.
    Where sites that share a bias begin in different states, these logarithms are added to it.
    """

    width: int
    depth: int
    cell: str
    activation: str
    output: str
    recurrent_scale: float

    def setup(self) -> None:
        """Create the layers."""
        self.cells = [
            Cell(
                self.cell,
                self.width,
                self.activation,
                1.0 if layer == 0 else self.width**-0.5,
                self.recurrent_scale,
            )
            for layer in range(self.depth)
        ]
        sites = (math.prod(self.shape),) if self.output == "per_site" else ()
        self.output_kernel = self.param(
            "output_kernel", nn.initializers.zeros, (*sites, OUTCOMES, self.width), jnp.float64
        )
        start = jnp.log(jnp.array(self.start))
        self.adds_start = start.ndim > 1 and self.output == "shared"
        initial = jnp.zeros(OUTCOMES) if self.adds_start else start
        self.output_bias = self.param(
            "output_bias", lambda _: jnp.broadcast_to(initial, (*sites, OUTCOMES))
        )

    def _conditional(
        self, top: Float[Array, "width *batch"], site: Site
    ) -> Float[Array, "4 *batch"]:
        kernel, bias = self.output_kernel, self.output_bias
        if self.output == "per_site":
            kernel, bias = kernel[site], bias[site]
        if self.adds_start:
            bias = bias + self.log_start(site).astype(bias.dtype)
        bias = bias.reshape(-1, *(1,) * (top.ndim - 1))
        return nn.log_softmax(jnp.tensordot(kernel, top, axes=1) + bias, axis=0)


class ChainRecurrent(Recurrent):
    """Recurrent network along a chain, in the order of its sites (the paper's in 1D)."""

    @property
    def stationary(self) -> bool:
        """No cell knows where it is; output layers of each site's own do."""
        return self.output == "shared"

    def initial_carry(self, batch: tuple[int, ...], dtype: DTypeLike) -> Carry:
        """Zero state of every layer."""
        return tuple(jnp.zeros((self.width, *batch), dtype) for _ in range(self.depth))

    def __call__(
        self, carry: Carry, previous: Int[Array, "*batch"], site: Site
    ) -> tuple[Carry, Float[Array, "4 *batch"]]:
        """Advance all layers by one site."""
        signal = outcome = jax.nn.one_hot(previous, OUTCOMES, dtype=carry[0].dtype, axis=0)
        states = []
        for cell, state in zip(self.cells, carry, strict=True):
            signal = cell(signal, state[None], outcome[None])
            states.append(signal)
        return tuple(states), self._conditional(signal, site)


class RasterRecurrent(Recurrent):
    """Recurrent network over a square lattice, row by row.

    The hidden state is that of the last Lx sites: of the present row up to the site before, of the
    row above from there on.
    """

    @property
    def reach(self) -> int:
        """A site is read again one row later."""
        return self.shape[0]

    def initial_carry(self, batch: tuple[int, ...], dtype: DTypeLike) -> Carry:
        """No outcomes and zero states of every layer, for a row."""
        length = self.shape[0]
        states = (jnp.zeros((length, self.width, *batch), dtype) for _ in range(self.depth))
        return (jnp.zeros((length, OUTCOMES, *batch), dtype), *states)

    def __call__(
        self, carry: Carry, previous: Int[Array, "*batch"], site: Site
    ) -> tuple[Carry, Float[Array, "4 *batch"]]:
        """Advance all layers by one site."""
        length = self.shape[0]
        around = [(site + shift) % length for shift in (-1, 0, 1)]
        outcomes, *rows = carry
        read = jax.nn.one_hot(previous, OUTCOMES, dtype=outcomes.dtype, axis=0)
        outcomes = outcomes.at[around[0]].set(read)
        there = jnp.stack([outcomes[x] for x in around])
        signal = there.reshape(-1, *there.shape[2:])
        new_rows = []
        for cell, row in zip(self.cells, rows, strict=True):
            signal = cell(signal, jnp.stack([row[x] for x in around]), there)
            new_rows.append(row.at[around[1]].set(signal))
        return (outcomes, *new_rows), self._conditional(signal, site)
