"""How the spins of a chain become a chain of tensors with couplings between neighbours only.

An open chain has one spin per tensor, an infinite one a cell of two. A ring is laid flat: spins k
and N − 1 − k share a tensor, so that the bond that closes it lies inside the first one. Reflecting
the ring then swaps the spins of every tensor, and what stays even or odd under it has half of all
tensor elements.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import local_generators
from opentdvp.physics.pauli.symmetries import symmetry_test

Spins = tuple[int, ...]


class Layout(NamedTuple):
    """Spins of each tensor, and those on the two sides of each bond.

    Bond k lies between the tensors k − 1 and k. The one at the left of tensor 0 joins it to the
    end of the cell before in an infinite chain, and is None in a finite one.
    """

    tensors: tuple[Spins, ...]
    bonds: tuple[tuple[Spins, Spins] | None, ...]
    infinite: bool
    reflected: bool

    @property
    def n_spins(self) -> int:
        """Number of spins, of the cell in an infinite chain."""
        return sum(map(len, self.tensors))

    def bonds_at(self, spins: Spins) -> int:
        """How many bonds a tensor has; the cell of an infinite chain repeats."""
        if self.infinite:
            return 2
        return sum(bond is not None and spins in bond for bond in self.bonds)


def find_layout(model: Model, chain: str) -> Layout:
    """The layout of a chain, checked to hold every term of the model.

    Raises
    ------
    ConfigError
        If the lattice is no chain, an infinite chain is asked for where the model is no ring that
        looks the same from every site, or a term is longer than a bond.
    """
    lattice = model.lattice
    if len(lattice.shape) != 1:
        raise ConfigError(
            "`lattice.kind` must be chain for a tensor network, but has "
            f"{len(lattice.shape)} dimensions."
        )
    if model.n_sites == 1:
        raise ConfigError(
            "`lattice.size` must be at least [2] for a tensor network, but is [1]; use exact."
        )
    if chain == "infinite":
        return _infinite(model)
    spins = range(model.n_sites)
    if lattice.is_periodic:
        tensors = tuple(
            (k, model.n_sites - 1 - k) if 2 * k + 1 < model.n_sites else (k,)
            for k in range((model.n_sites + 1) // 2)
        )
    else:
        tensors = tuple((spin,) for spin in spins)
    bonds = (None, *pairwise(tensors))
    reflected = lattice.is_periodic and symmetry_test(model)(np.array(spins)[::-1])
    layout = Layout(tensors, bonds, infinite=False, reflected=reflected)
    _check_terms(model, layout)
    return layout


def _infinite(model: Model) -> Layout:
    translation = np.roll(np.arange(model.n_sites), 1)
    if not model.lattice.is_periodic or not symmetry_test(model)(translation):
        raise ConfigError(
            "`chain` must be finite unless the system is a ring that looks the same from every "
            "site, but is infinite."
        )
    bonds = (((1,), (2,)), ((0,), (1,)))
    layout = Layout(((0,), (1,)), bonds, infinite=True, reflected=False)
    # Those of the ring: a term may be longer than a bond in the ring only.
    ring = tuple(((k,), ((k + 1) % model.n_sites,)) for k in range(model.n_sites))
    _check_terms(model, layout._replace(bonds=ring))
    return layout


def _check_terms(model: Model, layout: Layout) -> None:
    homes = [{*left, *right} for left, right in filter(None, layout.bonds)]
    for _, part in model.parts():
        for sites in local_generators(part):
            if len(sites) > 1 and not any(home.issuperset(sites) for home in homes):
                raise ConfigError(
                    "`terms` must join nearest neighbours for a tensor network, but one joins the "
                    f"sites {list(sites)}; use the method moments, exact or tdvp."
                )


def parity_basis(
    dimension: int, spins: int, reflected: bool
) -> tuple[Float[np.ndarray, "states states"], Int[np.ndarray, " states"]]:
    """Basis of a tensor's spins in which a swap of two has the eigenvalues (−1)^parity.

    Returns
    -------
    Columns are the new basis states, even ones first; parity of each. Without a reflection, the
    product basis with parity zero.
    """
    size = dimension**spins
    if not reflected or spins == 1:
        return np.eye(size), np.zeros(size, dtype=int)
    identity = np.eye(size).reshape(dimension, dimension, size)
    swapped = identity.transpose(1, 0, 2).reshape(size, size)
    first, second = np.divmod(np.arange(size), dimension)
    even = (np.eye(size) + swapped)[:, first <= second]
    odd = (np.eye(size) - swapped)[:, first < second]
    basis = np.concatenate([even, odd], axis=1)
    parity = np.repeat([0, 1], [even.shape[1], odd.shape[1]])
    return basis / np.linalg.norm(basis, axis=0), parity
