"""Pairs of sites too far apart for a common window: a sum of products, not a table.

With the letters χ(a_i) of every site, log P has the term ½ Σ_ij χ(a_i)·K_ij χ(a_j). All partners of
a site act on it by one vector, its field h_i = Σ_j K_ij χ(a_j), which is a product of matrices for
many outcomes at once. A table would be read once for each partner.
"""

from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.jastrow.strings import LETTERS
from opentdvp.engine.ansatz.jastrow.windows import Windows
from opentdvp.engine.povm.tetrahedron import OUTCOMES

_AXES = LETTERS - 1


def couplings_of(
    windows: Windows,
    values: Float[Array, " entries"],
    classes: Int[np.ndarray, " entries"],
    numbers: Int[np.ndarray, " entries"],
) -> Float[Array, "sites 3 most 3"]:
    """K_ij of every site and its partners, from the values of strings of two letters.

    A string is one of all windows of a class; its letters are the digits of its number.
    """
    count = len(windows.sites)
    first, second = numbers % LETTERS - 1, numbers // LETTERS - 1
    # The last class is that of no window.
    of_class = jnp.zeros((count + 1, _AXES, _AXES), values.dtype)
    of_class = of_class.at[classes, first, second].add(values)
    by_place = jnp.stack([of_class, jnp.swapaxes(of_class, 1, 2)])
    around, places = windows.around
    class_of = windows.offsets // windows.entries
    return jnp.moveaxis(by_place[places, class_of[around]], 1, 2)


def _partners(windows: Windows) -> Int[np.ndarray, "sites most"]:
    """The other site of each window of two around a site; any site where there is none."""
    around, places = windows.around
    return np.append(windows.flat, [[0, 0]], axis=0)[around, 1 - places]


class FarPairs(NamedTuple):
    """The term of far pairs of log P, at some outcomes.

    Attributes
    ----------
    partners
        Of every site. One stands there twice if it is its own image by half of the lattice.
    couplings
        K of every site and its partners, side by side; zero where there is none.
    letters
        χ of the four outcomes.
    state
        χ(a_i) of every site.
    """

    partners: Int[np.ndarray, "sites most"]
    couplings: Float[Array, "sites 3 most*3"]
    letters: Float[Array, "4 3"]
    state: Float[Array, "sites 3 batch"]

    def total(self) -> Float[Array, " batch"]:
        """Of log P."""
        return jnp.sum(self.state * self._field_of_partners(), axis=(0, 1)) / 2

    def of_choices(
        self, state: Float[Array, "sites 3 batch"], site: Array, old: Array
    ) -> tuple[Float[Array, "4 batch"], Any]:
        """log P for each outcome of a site, but for what is the same for all."""
        close = state[jnp.array(self.partners)[site]]
        field = self.couplings[site] @ close.reshape(-1, close.shape[-1])
        return self.letters @ field, None

    def put(self, state: Float[Array, "sites 3 batch"], site: Array, new: Array, _: Any) -> Array:
        """The state with other outcomes of a site."""
        return jax.lax.dynamic_update_index_in_dim(state, self.letters[new].T, site, 0)

    def single_changes(self) -> Float[Array, "4 sites batch"]:
        """Δ_i(x) for every site i and every shift x, which is 0 for x = 0."""
        return jnp.sum(self._shifted() * self._field_of_partners(), axis=2)

    def joint_changes(
        self, groups: Int[np.ndarray, "groups n"], shifts: Int[np.ndarray, "shifts n"]
    ) -> Float[Array, "shifts groups batch"]:
        """What each shift of a group changes on all sites together, and not on each for itself."""
        both = (list(pair) for pair in combinations(range(groups.shape[1]), 2))
        parts = [self._of_pairs(groups[:, pair], shifts[:, pair]) for pair in both]
        return sum(parts[1:], parts[0])

    def _of_pairs(
        self, pairs: Int[np.ndarray, "pairs 2"], shifts: Int[np.ndarray, "shifts 2"]
    ) -> Float[Array, "shifts pairs batch"]:
        batch = self.state.shape[-1]
        which, slots = np.nonzero(self.partners[pairs[:, 0]] == pairs[:, 1:])
        nothing = jnp.zeros((len(shifts), len(pairs), batch), self.state.dtype)
        if not len(which):
            return nothing
        first, second = pairs[which].T
        matrices = self.couplings.reshape(*self.couplings.shape[:2], -1, _AXES)[first, :, slots]
        shifted = self._shifted()
        products = [
            jnp.einsum("pab,pan,pbn->pn", matrices, shifted[x, first], shifted[y, second])
            for x, y in shifts.tolist()
        ]
        return nothing.at[:, which].add(jnp.stack(products))

    def _field_of_partners(self) -> Float[Array, "sites 3 batch"]:
        """h_i of every site."""
        close = self.state[self.partners]
        return self.couplings @ close.reshape(len(close), -1, close.shape[-1])

    def _shifted(self) -> Float[Array, "4 sites 3 batch"]:
        """What a shift of a site's outcome changes of its χ, which is linear in χ."""
        outcomes = jnp.arange(OUTCOMES)
        moved = self.letters[outcomes ^ outcomes[:, None]]  # [shift, outcome, axis]
        # The letters are orthogonal: Σ_a χ_α(a) χ_β(a) = 4 δ_αβ.
        maps = jnp.einsum("xak,al->xkl", moved - self.letters, self.letters) / OUTCOMES
        return jnp.einsum("xkl,sln->xskn", maps, self.state)


def locate_pairs(
    windows: Windows,
    couplings: Float[Array, "sites 3 most 3"],
    letters: Float[np.ndarray, "4 4"],
    outcomes: Int[Array, "sites batch"],
) -> FarPairs:
    """The term at some outcomes."""
    chi = jnp.array(letters[:, 1:], couplings.dtype)
    side_by_side = couplings.reshape(*couplings.shape[:2], -1)
    return FarPairs(_partners(windows), side_by_side, chi, jnp.moveaxis(chi[outcomes], -1, 1))
