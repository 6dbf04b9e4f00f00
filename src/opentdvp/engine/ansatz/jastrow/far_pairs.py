"""Pairs of sites too far apart for a common window: a sum of products, not a table.

With the letters χ(a_i) of every site, log P has the term ½ Σ_ij χ(a_i)·K_ij χ(a_j). All partners of
a site act on it by one vector, its field h_i = Σ_j K_ij χ(a_j), which is a product of matrices for
many outcomes at once. A table would be read once for each partner.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.ansatz.jastrow.strings import LETTERS
from opentdvp.engine.ansatz.jastrow.windows import Windows
from opentdvp.engine.povm.tetrahedron import OUTCOMES

_AXES = LETTERS - 1


@dataclass(frozen=True, eq=False)
class Partners:
    """Which sites act on each, and where the parameters of their strings stand.

    Attributes
    ----------
    sites
        Of every site its partners; filled up with the site itself, which does not act.
    """

    windows: Windows
    sites: Int[np.ndarray, "sites most"]

    @cached_property
    def _slots(self) -> dict[tuple[int, int], int]:
        found: dict[tuple[int, int], int] = {}
        for i, row in enumerate(self.sites.tolist()):
            found |= {(i, j): slot for slot, j in enumerate(row) if j != i}
        return found

    def couplings(
        self,
        values: Float[Array, " entries"],
        classes: Int[np.ndarray, " entries"],
        numbers: Int[np.ndarray, " entries"],
    ) -> Float[Array, "sites 3 most 3"]:
        """K_ij of every site and its partners, from the values of strings of two letters.

        A string is one of all windows of a class; its letters are the digits of its number.
        """
        pairs = self.windows.sites[classes]  # (entries, windows, 2)
        letters = np.stack([numbers % LETTERS, numbers // LETTERS], axis=-1) - 1
        repeated = np.broadcast_to(letters[:, None], pairs.shape)
        total = jnp.zeros((*self.sites.shape[:1], _AXES, self.sites.shape[1], _AXES), values.dtype)
        for first, second in ((0, 1), (1, 0)):
            here, there = pairs[..., first], pairs[..., second]
            slots = np.vectorize(lambda i, j: self._slots[i, j], otypes=[int])(here, there)
            at = (here, repeated[..., first], slots, repeated[..., second])
            total = total.at[at].add(values[:, None])
        return total


def partners_in(windows: Windows) -> Partners:
    """The partners of every site in windows of two."""
    found: list[set[int]] = [set() for _ in range(windows.n_sites)]
    for i, j in windows.flat.tolist():
        found[i].add(j)
        found[j].add(i)
    most = max(map(len, found))
    filled = [[*sorted(row), *[i] * (most - len(row))] for i, row in enumerate(found)]
    return Partners(windows, np.array(filled, dtype=np.int32))


class FarPairs(NamedTuple):
    """The term of far pairs of log P, at some outcomes.

    Attributes
    ----------
    partners
        Of every site.
    couplings
        K of every site and its partners, side by side.
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
        self, pairs: Int[np.ndarray, "pairs 2"], shifts: Int[np.ndarray, "shifts 2"]
    ) -> Float[Array, "shifts pairs batch"]:
        """What each shift of a pair changes on both sites together, and not on each for itself."""
        batch = self.state.shape[-1]
        coupled = (self.partners[pairs[:, 0]] == pairs[:, 1:]) & (pairs[:, :1] != pairs[:, 1:])
        which, slots = np.nonzero(coupled)
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
        return nothing.at[:, which].set(jnp.stack(products))

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
    partners: Partners,
    couplings: Float[Array, "sites 3 most 3"],
    letters: Float[np.ndarray, "4 4"],
    outcomes: Int[Array, "sites batch"],
) -> FarPairs:
    """The term at some outcomes."""
    chi = jnp.array(letters[:, 1:], couplings.dtype)
    side_by_side = couplings.reshape(*couplings.shape[:2], -1)
    return FarPairs(partners.sites, side_by_side, chi, jnp.moveaxis(chi[outcomes], -1, 1))
