"""From a configured system to the terms that every solver translates.

One source of physics: lattice geometry, Pauli-string Hamiltonian, jump operators, start state.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from opentdvp import config
from opentdvp.config.system import Jump as JumpConfig
from opentdvp.physics.spin import SITE_OPERATORS


@dataclass(frozen=True)
class Lattice:
    """A chain or square lattice; sites are numbered row-major, site = x + Lx·y."""

    shape: tuple[int, ...]  # (Lx,) or (Lx, Ly)
    periodic: bool

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return prod(self.shape)

    @property
    def bonds(self) -> tuple[tuple[int, int], ...]:
        """Nearest-neighbour pairs, each once, directed along +x or +y."""
        axes = range(len(self.shape))
        steps = (tuple(int(axis == other) for other in axes) for axis in axes)
        return tuple(pair for step in steps for pair in self.displaced(step))

    def pairs(self, distance: int) -> tuple[tuple[int, int], ...]:
        """Pairs (i, j) with j at `distance` from i along +x."""
        return self.displaced((distance,) + (0,) * (len(self.shape) - 1))

    def displaced(self, offset: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Pairs (i, j) with j at `offset` from i."""
        pairs = []
        for site in range(self.n_sites):
            target = self._moved(site, offset)
            inside = all(t < length for t, length in zip(target, self.shape, strict=True))
            if self.periodic or inside:
                pairs.append((site, self._site(target)))
        return tuple(pairs)

    def translations(self, step: int) -> np.ndarray:
        """Site permutations of all shifts by multiples of `step` along each axis, identity first.

        Returns
        -------
        int array of shape (T, N); the shifted configuration is a[permutation].
        """
        shifts = product(*(range(0, length, step) for length in self.shape))
        sites = range(self.n_sites)
        return np.array(
            [[self._site(self._moved(site, shift)) for site in sites] for shift in shifts]
        )

    def point_group(self) -> np.ndarray:
        """Site permutations by reflections about the centre, and by turns of a square.

        Returns
        -------
        int array of shape (G, N), identity first; the image of a configuration is a[permutation].
        """
        rows = np.arange(self.n_sites).reshape(self.shape[::-1])
        axes = range(rows.ndim)
        transposed = [rows, rows.T] if len(set(self.shape)) < rows.ndim else [rows]
        mirrors = (
            np.flip(grid, tuple(axis for axis in axes if flip[axis]))
            for grid in transposed
            for flip in product((False, True), repeat=rows.ndim)
        )
        return np.array([mirror.ravel() for mirror in mirrors])

    def _moved(self, site: int, offset: tuple[int, ...]) -> tuple[int, ...]:
        """Coordinates of a site plus an offset, not wrapped."""
        coordinates = np.unravel_index(site, self.shape[::-1])[::-1]
        return tuple(int(c) + step for c, step in zip(coordinates, offset, strict=True))

    def _site(self, coordinates: tuple[int, ...]) -> int:
        site = np.ravel_multi_index(coordinates[::-1], self.shape[::-1], mode="wrap")
        return int(site)


@dataclass(frozen=True)
class Term:
    """strength · product of Pauli matrices `operators` on `sites` (ascending)."""

    operators: str
    sites: tuple[int, ...]
    strength: float


@dataclass(frozen=True, eq=False)
class Jump:
    """Jump operator `matrix` (2, 2) on one site, with rate γ."""

    matrix: np.ndarray
    site: int
    rate: float

    @property
    def speed(self) -> float:
        """The fastest decay of a state by this jump alone, γ‖L‖²."""
        return self.rate * float(np.linalg.norm(self.matrix, 2)) ** 2


@dataclass(frozen=True, eq=False)
class Model:
    """An open spin system: ρ̇ = −i[H, ρ] + Σ γ(LρL† − ½{L†L, ρ}) (paper, eq. 3)."""

    lattice: Lattice
    terms: tuple[Term, ...]
    jumps: tuple[Jump, ...]
    bloch: np.ndarray  # (3,), of every spin at time 0

    @property
    def n_sites(self) -> int:
        """Number of spins."""
        return self.lattice.n_sites

    def is_symmetric(self, permutation: np.ndarray) -> bool:
        """Whether relabelling the sites leaves Hamiltonian and dissipator as they are."""
        moved_terms = (
            Term(term.operators, tuple(int(permutation[s]) for s in term.sites), term.strength)
            for term in self.terms
        )
        moved_jumps = (Jump(j.matrix, int(permutation[j.site]), j.rate) for j in self.jumps)
        same_terms = _terms_table(moved_terms) == _terms_table(self.terms)
        return same_terms and _jumps_table(moved_jumps) == _jumps_table(self.jumps)


def build_model(system: config.System) -> Model:
    """Expand a configured system into terms on sites.

    Couplings go on every nearest-neighbour bond, counted once; the first letter is on the site
    with the smaller coordinate. Terms on the same sites are added, vanishing ones dropped.
    """
    lattice = Lattice(system.lattice.size, system.lattice.periodic)
    sites = range(lattice.n_sites)
    terms = [Term(s.operators, s.sites, s.strength) for s in system.terms]
    terms += [Term(p, b, s) for p, s in system.couplings.items() for b in lattice.bonds]
    terms += [Term(axis, (i,), s) for axis, s in system.fields.items() for i in sites]
    jumps = [jump for entry in system.jumps for jump in _expand(entry, sites)]
    table = _terms_table(terms)
    return Model(
        lattice=lattice,
        terms=tuple(Term(ops, where, s) for (where, ops), s in sorted(table.items()) if s != 0),
        jumps=tuple(jumps),
        bloch=np.array(system.start.bloch),
    )


def _expand(entry: JumpConfig, sites: range) -> list[Jump]:
    operator = entry.operator
    matrix = SITE_OPERATORS[operator] if isinstance(operator, str) else np.array(operator)
    chosen = sites if entry.sites is None else entry.sites
    return [Jump(matrix, site, entry.rate) for site in chosen if entry.rate > 0]


def _terms_table(terms: Iterable[Term]) -> dict[tuple[tuple[int, ...], str], float]:
    """Strength by (sites, letters), sites ascending, so that equal Hamiltonians compare equal."""
    table: dict[tuple[tuple[int, ...], str], float] = defaultdict(float)
    for term in terms:
        order = np.argsort(term.sites)
        where = tuple(term.sites[k] for k in order)
        table[where, "".join(term.operators[k] for k in order)] += term.strength
    return dict(table)


def _jumps_table(jumps: Iterable[Jump]) -> list[tuple[int, float, bytes]]:
    return sorted((jump.site, jump.rate, jump.matrix.tobytes()) for jump in jumps)
