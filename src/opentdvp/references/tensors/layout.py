"""How the spins of a chain become a chain of tensors with couplings between neighbours only.

An open chain has one spin per tensor, an infinite one a cell of two. A ring is laid flat: spins k
and N − 1 − k share a tensor, so that the bond that closes it lies inside the first one. The spins
of a rung of a ladder share a tensor, too. Reflecting the ring, or exchanging the legs of the
ladder, then swaps the spins of every tensor, and what stays even or odd under it has half of all
tensor elements.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from opentdvp.errors import ConfigError
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import local_generators
from opentdvp.physics.pauli.symmetries import symmetry_test

Spins = tuple[int, ...]

# Of a matrix of rates between neighbours, what is so small elsewhere is rounding.
_NOTHING = 1e-12


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
    """The layout of a chain or of a ladder of two legs, checked to hold every term of the model.

    Raises
    ------
    ConfigError
        If the lattice is something else, an infinite chain is asked for where the model is no ring
        that looks the same from every second site, or a term is longer than a bond.
    """
    if model.n_sites == 1:
        raise ConfigError(
            "`lattice.size` must be at least [2] for a tensor network, but is [1]; use exact."
        )
    tensors = _tensors(model.lattice)
    if chain == "infinite":
        return _infinite(model)
    swapped = np.arange(model.n_sites)
    for spins in tensors:
        swapped[list(spins)] = spins[::-1]
    shared = any(len(spins) > 1 for spins in tensors)
    reflected = shared and symmetry_test(model)(swapped)
    layout = Layout(tensors, (None, *pairwise(tensors)), infinite=False, reflected=reflected)
    _check_terms(model, layout)
    return layout


def _tensors(lattice: Lattice) -> tuple[Spins, ...]:
    """The spins of each tensor, in a finite chain."""
    length, count = lattice.shape[0], lattice.n_sites
    if lattice.graph is None and lattice.shape[1:] == (2,) and not lattice.closed[0]:
        return tuple((k, k + length) for k in range(length))
    if lattice.graph is not None or len(lattice.shape) > 1:
        known = "is a graph" if lattice.graph else f"has {len(lattice.shape)} dimensions"
        raise ConfigError(
            "`lattice.kind` must be chain for a tensor network, or ladder with two legs that are "
            f"not periodic, but {known}; use the method moments, exact, exact_reduced or tdvp."
        )
    if not lattice.is_periodic:
        return tuple((k,) for k in range(count))
    pairs = ((k, count - 1 - k) for k in range((count + 1) // 2))
    return tuple(pair if pair[0] < pair[1] else pair[:1] for pair in pairs)


def _infinite(model: Model) -> Layout:
    translation = np.roll(np.arange(model.n_sites), 2)
    if not model.lattice.is_periodic or not symmetry_test(model)(translation):
        raise ConfigError(
            "`chain` must be finite unless the system is a ring that looks the same from every "
            "second site, start state included, but is infinite."
        )
    bonds = (((1,), (2,)), ((0,), (1,)))
    layout = Layout(((0,), (1,)), bonds, infinite=True, reflected=False)
    # Those of the ring: a term may be longer than a bond in the ring only.
    ring = tuple(((k,), ((k + 1) % model.n_sites,)) for k in range(model.n_sites))
    _check_terms(model, layout._replace(bonds=ring))
    return layout


def _check_terms(model: Model, layout: Layout) -> None:
    homes = [{*left, *right} for left, right in filter(None, layout.bonds)]
    tables = [local_generators(part) for _, part in model.parts()]
    largest = max((np.abs(g).max() for table in tables for g in table.values()), default=0.0)
    for table in tables:
        for sites, generator in table.items():
            fits = len(sites) == 1 or any(home.issuperset(sites) for home in homes)
            if not fits and np.abs(generator).max() > _NOTHING * largest:
                raise ConfigError(
                    "`couplings`, `terms` and `jumps` must join nearest neighbours for a tensor "
                    f"network, but one joins the sites {list(sites)}; use the method moments, "
                    "exact, exact_reduced or tdvp."
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
