"""From a configured system to the terms that every solver translates.

One source of physics: lattice geometry, Pauli-string Hamiltonian, jump operators, start state.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex, Float

from opentdvp import config
from opentdvp.config.expansion import expand
from opentdvp.config.interactions import Coupling, SiteField
from opentdvp.config.jumps import Jump as JumpConfig
from opentdvp.config.strengths import Drive
from opentdvp.geometry.lattice import Lattice
from opentdvp.physics.operators import operator_matrix

#: Rates of collective jumps so much below the largest are rounding.
_NO_RATE = 1e-12


@dataclass(frozen=True)
class Term:
    """strength · product of Pauli matrices `operators` on `sites` (ascending).

    With a `drive`, its strength is multiplied by a function of the time.
    """

    operators: str
    sites: tuple[int, ...]
    strength: float
    drive: Drive | None = None


@dataclass(frozen=True, eq=False)
class Jump:
    """A jump operator with rate γ: Σ_m `matrices[m]` on `sites[m]`.

    One matrix, (2, 2) on a site or (4, 4) on two; or one on each of many sites, for a decay that
    they share.
    """

    matrices: tuple[Complex[np.ndarray, "n n"], ...]
    sites: tuple[tuple[int, ...], ...]
    rate: float
    drive: Drive | None = None

    @property
    def speed(self) -> float:
        """The fastest decay of a state by this jump alone, at most γ(Σ‖L_m‖)²."""
        lengths = sum(float(np.linalg.norm(matrix, 2)) for matrix in self.matrices)
        return self.rate * lengths**2

    @property
    def is_local(self) -> bool:
        """Whether it acts on one site only."""
        return self.support == self.sites[0] and len(self.support) == 1

    @property
    def support(self) -> tuple[int, ...]:
        """All sites that it acts on, ascending."""
        return tuple(sorted({site for sites in self.sites for site in sites}))


def one_site(matrix: np.ndarray, site: int, rate: float) -> Jump:
    """A jump operator on one site."""
    return Jump((matrix,), ((site,),), rate)


@dataclass(frozen=True, eq=False)
class Model:
    """An open spin system: ρ̇ = −i[H, ρ] + Σ γ(LρL† − ½{L†L, ρ}) (paper, eq. 3).

    Attributes
    ----------
    bloch
        Bloch vector of every spin at time 0, shape (N, 3).
    """

    lattice: Lattice
    terms: tuple[Term, ...]
    jumps: tuple[Jump, ...]
    bloch: Float[np.ndarray, "sites 3"]

    @property
    def n_sites(self) -> int:
        """Number of spins."""
        return self.lattice.n_sites

    @property
    def is_uniform(self) -> bool:
        """Whether all spins have the same start state."""
        return bool((self.bloch == self.bloch[0]).all())

    @property
    def drives(self) -> tuple[Drive, ...]:
        """All functions of the time, each once."""
        every = [*(t.drive for t in self.terms), *(j.drive for j in self.jumps)]
        return tuple(dict.fromkeys(drive for drive in every if drive is not None))

    def parts(self) -> Iterator[tuple[Drive | None, "Model"]]:
        """What is constant (None), and what each drive multiplies: 𝓛(t) = 𝓛₀ + Σ f_k(t) 𝓛_k."""
        for drive in (None, *self.drives):
            yield (
                drive,
                replace(
                    self,
                    terms=tuple(replace(t, drive=None) for t in self.terms if t.drive == drive),
                    jumps=tuple(replace(j, drive=None) for j in self.jumps if j.drive == drive),
                ),
            )


def build_model(system: config.System) -> Model:
    """Expand a configured system into terms on sites.

    Nearest-neighbour bonds are counted once; the first letter is on the site with the smaller
    coordinate. Terms on the same sites are added, vanishing ones dropped.
    """
    lattice = system.lattice.geometry
    terms = [Term(s.operators, s.sites, s.strength, s.drive) for s in system.terms]
    for placed, kind in ((system.couplings, Coupling), (system.fields, SiteField)):
        terms += [
            Term(p.letters, p.sites, p.strength, p.drive) for p in expand(placed, kind, lattice)
        ]
    table = _terms_table(terms)
    return Model(
        lattice=lattice,
        terms=tuple(
            Term(letters, where, strength, drive)
            for (where, letters, drive), strength in sorted(table.items(), key=lambda e: e[0][:2])
            if strength != 0
        ),
        jumps=tuple(jump for entry in system.jumps for jump in _expand(entry, lattice)),
        bloch=np.array(system.bloch),
    )


def _expand(entry: JumpConfig, lattice: Lattice) -> Iterator[Jump]:
    matrix = operator_matrix(entry.operator)
    places = entry.places(lattice)
    if entry.rates is None:
        for sites, rate in zip(places, entry.each(len(places)), strict=True):
            if rate > 0:
                yield Jump((matrix,), (sites,), rate, entry.drive)
        return
    rates, vectors = np.linalg.eigh(np.array(entry.rates, dtype=complex))
    for rate, vector in zip(rates, vectors.T, strict=True):
        if rate > _NO_RATE * rates[-1]:
            # γ_ij = Σ_k γ_k v_ik v*_jk, so L_k = Σ_i v_ik L_i.
            shares = tuple(weight * matrix for weight in vector)
            yield Jump(shares, places, float(rate), entry.drive)


_TermKey = tuple[tuple[int, ...], str, Drive | None]


def _terms_table(terms: Iterable[Term]) -> dict[_TermKey, float]:
    """Strength by (sites, letters, drive), sites ascending: equal Hamiltonians compare equal."""
    table: dict[_TermKey, float] = defaultdict(float)
    for term in terms:
        order = np.argsort(term.sites)
        where = tuple(term.sites[k] for k in order)
        letters = "".join(term.operators[k] for k in order)
        table[where, letters, term.drive] += term.strength
    return dict(table)
