"""The terms of an energy network as a table: where each reads few sites, that is all there is."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from opentdvp.engine.ansatz.energy.energy import Energy
from opentdvp.engine.ansatz.interface import Parameters
from opentdvp.engine.ansatz.jastrow.windows import Windows
from opentdvp.engine.povm.tetrahedron import OUTCOMES

#: Most sites of a window that is tabulated: 4⁹ = 262 144 outcomes.
_MOST_SITES = 9

#: Outcomes that are evaluated together.
_TOGETHER = 4096


def table_windows(energy: Energy) -> Windows | None:
    """What the terms read, if that is little enough for a table."""
    around = energy.surroundings
    windows = around.windows.reshape(1, around.n_sites, -1)
    fits = windows.shape[2] <= _MOST_SITES and not around.overlaps
    return Windows(windows, around.n_sites) if fits else None


def tabulate(energy: Energy, windows: Windows, parameters: Parameters) -> Float[Array, "..."]:
    """f_i for all outcomes of a window, averaged over images, and zeros for no window."""
    around = energy.surroundings
    places = OUTCOMES ** np.arange(windows.size)
    box, together = around.windows.shape[1:], min(windows.entries, _TOGETHER)

    def of_numbers(first: Array) -> Array:
        numbers = first + jnp.arange(together)[:, None]
        return energy.of_windows(parameters, (numbers // places % OUTCOMES).reshape(-1, *box))

    # Block by block, and so that it is computed when it runs, not when it is compiled.
    values = jax.lax.map(of_numbers, jnp.arange(0, windows.entries, together)).ravel()
    digits = np.arange(windows.entries)[:, None] // places % OUTCOMES
    total = jnp.zeros_like(values)
    for permutation, shift in zip(around.permutations, around.shifts, strict=True):
        # The network of this image whose term reads the sites of the first window.
        read = permutation[around.windows[np.argsort(permutation)[0]].ravel()]
        order = [int(np.flatnonzero(windows.flat[0] == site)[0]) for site in read]
        total += values[(digits[:, order] ^ shift) @ places]
    return jnp.concatenate([total / len(around.shifts), jnp.zeros_like(total)])
