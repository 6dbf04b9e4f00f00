"""The Lindbladian in POVM form: Ṗ^a = Σ_b L^{ab} P^b (paper, eq. 2), as a sum of local generators.

One-site terms are shared out over the pairs of sites that interact, so that the connected outcomes
of a pair are visited once for everything that happens on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Array, Float, Int

from opentdvp.engine.povm.tetrahedron import OUTCOMES, Povm
from opentdvp.physics.model import Model
from opentdvp.physics.pauli.local_generators import Sites, local_generators

#: Generators by their sites.
_Table = dict[Sites, np.ndarray]


@dataclass(frozen=True, eq=False)
class Groups:
    """Generators of groups of n sites each.

    Attributes
    ----------
    sites
        Of each group, ascending, shape (B, n).
    matrices
        Generator of each group, shape (B, 4, …, 4): of a pair, [to i, to j, from i, from j]. Summed
        over the first n of these axes it vanishes, because probability is conserved.
    shifts
        How outcomes that the generator connects differ on a group, bitwise: on a pair,
        (a_i ^ b_i, a_j ^ b_j), shape (K, n). Those between which it vanishes for all groups and
        outcomes are left out. Half turns about the axes permute the four outcomes of the cubic
        tetrahedron like these bits, so that for models with a few Pauli terms whole shifts vanish.
    rates
        L^{ab} for every shift and outcome a, shape (B, K, 4, …): of a pair, [shift, a_i, a_j].
    diagonal
        L^{aa}, shape (B, 4, …).
    """

    sites: Int[np.ndarray, "B n"]
    matrices: Float[np.ndarray | Array, "B *both"]
    shifts: Int[np.ndarray, "K n"]
    rates: Float[np.ndarray | Array, "B K *outcomes"]
    diagonal: Float[np.ndarray | Array, "B *outcomes"]


@dataclass(frozen=True, eq=False)
class Generator:
    """A sum of generators of groups of sites, and what functions of the time multiply.

    Attributes
    ----------
    groups
        Pairs (or the only site); and threes, where a term acts on three sites.
    driven
        What each drive of the model multiplies: of the same groups, with the same shifts.
    """

    groups: tuple[Groups, ...]
    driven: tuple["Generator", ...] = ()

    @property
    def pairs(self) -> Groups:
        """The groups of two sites."""
        return self.groups[0]

    @property
    def parts(self) -> tuple["Generator", ...]:
        """What is constant, and what each drive multiplies."""
        return self, *self.driven

    @property
    def largest(self) -> float:
        """The largest entry of the generator of a group, without what is driven."""
        return max(float(np.abs(groups.matrices).max(initial=0)) for groups in self.groups)

    def at(self, factors: Float[np.ndarray | Array, " drives"] | None) -> "Generator":
        """L₀ + Σ_k f_k L_k with the factors f of the drives; None where there are no drives."""
        if factors is None and not self.driven:
            return self
        if factors is None or len(factors) != len(self.driven):
            raise TypeError(f"Argument `factors` must be those of {len(self.driven)} drives.")
        every = zip(*(part.groups for part in self.parts), strict=True)
        return Generator(tuple(_sum(groups, factors) for groups in every))


def _sum(parts: Sequence[Groups], factors: Iterable[float | Array]) -> Groups:
    """The first of several generators of the same groups, and the others times factors."""
    constant, *driven = parts

    def total(name: str) -> np.ndarray | Array:
        terms = (f * getattr(part, name) for f, part in zip(factors, driven, strict=True))
        return sum(terms, getattr(constant, name))

    matrices, rates, diagonal = map(total, ("matrices", "rates", "diagonal"))
    return Groups(constant.sites, matrices, constant.shifts, rates, diagonal)


def build_generator(model: Model, povm: Povm) -> Generator:
    """The POVM generator of a model: L^{ab} = tr(M^a 𝓛[D^b]) on groups of sites."""
    tables = [
        {sites: in_frame(generator, povm) for sites, generator in local_generators(part).items()}
        for _, part in model.parts()
    ]
    if model.n_sites == 1:
        by_size = [_groups(1, tables)]
    else:
        pairs = _pairs({sites for table in tables for sites in table}, model.n_sites)
        by_size = [_groups(2, [_shared_out(table, pairs) for table in tables])]
    threes: list[_Table]
    threes = [{s: matrix for s, matrix in table.items() if len(s) == 3} for table in tables]
    if any(threes):
        by_size.append(_groups(3, threes))
    constant, *driven = zip(*by_size, strict=True)
    return Generator(constant, tuple(map(Generator, driven)))


def in_frame(generator: Float[np.ndarray, "n n"], povm: Povm) -> Float[np.ndarray, "n n"]:
    """L^{ab} of a generator G of Pauli strings on some sites: B G B⁻¹, P^a = Σ_k B^a_k <σ_k>.

    On one site B^a = (1, s^a)/4.
    """
    one = np.concatenate([np.ones((OUTCOMES, 1)), povm.directions], axis=1) / 4
    n_sites = len(generator).bit_length() // 2
    basis = np.ones((1, 1))
    for _ in range(n_sites):
        basis = np.array(np.kron(basis, one))
    return basis @ generator @ np.linalg.inv(basis)


def _pairs(places: set[Sites], n_sites: int) -> list[Sites]:
    """Pairs of sites on which something happens.

    Every site that nothing couples gets a pair of its own, in a way that translations keep.
    """
    pairs = {sites for sites in places if len(sites) == 2}
    alone = {site for sites in places if len(sites) == 1 for site in sites}
    alone -= {site for pair in pairs for site in pair}
    others = ((site, (site + 1) % n_sites) for site in alone)
    return sorted(pairs | {(min(pair), max(pair)) for pair in others})


def _shared_out(table: _Table, pairs: list[Sites]) -> _Table:
    """Generators of pairs, with those of their sites in equal parts."""
    identity = np.eye(OUTCOMES)
    found = {pair: table.get(pair, np.zeros((OUTCOMES**2,) * 2)) for pair in pairs}
    for sites, matrix in table.items():
        if len(sites) > 1:
            continue
        partners = [pair for pair in pairs if sites[0] in pair]
        for pair in partners:
            factors = (matrix, identity) if pair[0] == sites[0] else (identity, matrix)
            found[pair] = found[pair] + np.kron(*factors) / len(partners)
    return found


def _groups(size: int, tables: list[_Table]) -> list[Groups]:
    """The groups of so many sites of every table, in the same order and with the same shifts."""
    sites = sorted({group for table in tables for group in table})
    nothing = np.zeros((OUTCOMES**size,) * 2)
    matrices = np.array([[table.get(group, nothing) for group in sites] for table in tables])
    matrices = matrices.reshape(len(tables), len(sites), *(OUTCOMES,) * (2 * size))
    shifts, rates, diagonal = _by_shift(size, matrices)
    numbers = np.array(sites, dtype=np.int32).reshape(-1, size)
    parts = zip(matrices, rates, diagonal, strict=True)
    return [Groups(numbers, of_all, shifts, moved, kept) for of_all, moved, kept in parts]


def _by_shift(
    size: int, matrices: Float[np.ndarray, "parts B *both"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shifts that connect anything in any part, rates by shift, and the diagonal."""
    to = np.indices((OUTCOMES,) * size)
    shifts = np.array(list(product(range(OUTCOMES), repeat=size)))
    sources = (to ^ shift.reshape(-1, *(1,) * size) for shift in shifts)
    rates = np.stack([matrices[:, :, *to, *source] for source in sources], axis=2)
    scale = np.abs(rates).max(initial=0)
    others = tuple(axis for axis in range(rates.ndim) if axis != 2)
    connects = np.abs(rates).max(axis=others, initial=0) > 1e-14 * scale
    connects[0] = False
    return shifts[connects], rates[:, :, connects], rates[:, :, 0]


def apply_generator(
    generator: Generator, probabilities: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """L P for a full distribution of shape (4,)·N; for small N, independent of the estimator."""
    change = np.zeros_like(probabilities)
    for groups in generator.groups:
        size = groups.sites.shape[1]
        for sites, matrix in zip(groups.sites.tolist(), groups.matrices, strict=True):
            axes = (tuple(range(size, 2 * size)), tuple(sites))
            moved = np.tensordot(matrix, probabilities, axes=axes)
            change += np.moveaxis(moved, tuple(range(size)), tuple(sites))
    return change
