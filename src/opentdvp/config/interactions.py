"""Terms of the Hamiltonian as data: couplings of bonds, fields of sites, terms by hand."""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from opentdvp.config.base import (
    NonNegativeInt,
    Positive,
    PositiveInt,
    Real,
    StrictModel,
    is_missing,
    pattern,
)
from opentdvp.config.lattice import Bond
from opentdvp.config.strengths import OptionalDrive, Strength
from opentdvp.geometry.lattice import Lattice, Pair

#: Ways to choose bonds; one at a time.
_CHOICES = ("neighbours", "direction", "bonds", "power_law")

Offset = Annotated[tuple[int, ...], Field(min_length=1, max_length=2)]


class PowerLaw(StrictModel):
    """Strengths that fall as r^−exponent with the distance r, up to a cutoff."""

    exponent: Real
    cutoff: Positive


class Coupling(StrictModel):
    """A Pauli pair on chosen bonds; nearest neighbours where nothing is chosen.

    `neighbours: 2` are the next-nearest ones, and so on (by distance; on a graph by bonds in
    between); `direction` is an offset on the grid, such as [1, 0]; `bonds` are pairs of sites;
    a `power_law` joins all pairs. The first letter is on the first site of a bond: the one with the
    smaller coordinate. With a `drive` the strength is multiplied by a function of the time.
    """

    strength: Strength
    neighbours: Annotated[PositiveInt | None, Field(exclude_if=is_missing)] = None
    direction: Annotated[Offset | None, Field(exclude_if=is_missing)] = None
    bonds: Annotated[tuple[Bond, ...] | None, Field(exclude_if=is_missing, min_length=1)] = None
    power_law: Annotated[PowerLaw | None, Field(exclude_if=is_missing)] = None
    drive: OptionalDrive = None

    @model_validator(mode="after")
    def _check_choice(self) -> Self:
        if len(self.chooses) > 1:
            raise ValueError(f"must have at most one of {', '.join(_CHOICES)}, but has several")
        for number, (i, j) in enumerate(self.bonds or ()):
            if i == j:
                raise ValueError(f"`bonds.{number}` must join two different sites, but is {[i, j]}")
        return self

    @property
    def chooses(self) -> list[str]:
        """The keys that say which bonds."""
        return [key for key in _CHOICES if getattr(self, key) is not None]

    def pairs(self, lattice: Lattice) -> tuple[Pair, ...]:
        """The bonds on a lattice.

        Raises
        ------
        ValueError
            If there are none, or a site is not there; it needs the key of the coupling before it.
        """
        if self.bonds is not None:
            _check_sites("bonds", [site for bond in self.bonds for site in bond], lattice.n_sites)
            return self.bonds
        if self.power_law is not None:
            return lattice.within(self.power_law.cutoff)
        if self.direction is not None:
            return self._along(self.direction, lattice)
        found = lattice.shell(self.neighbours or 1)
        if not found and self.neighbours is not None:
            raise ValueError(
                f"`neighbours` must be there, but no sites are so far apart: {self.neighbours}"
            )
        return found

    def _along(self, direction: tuple[int, ...], lattice: Lattice) -> tuple[Pair, ...]:
        if len(direction) != len(lattice.shape) or not any(direction):
            raise ValueError(
                f"`direction` must have {len(lattice.shape)} entries, not all zero, on this "
                f"lattice, but is {list(direction)}"
            )
        pairs = lattice.displaced(direction)
        if len({frozenset(pair) for pair in pairs}) < len(pairs) or any(i == j for i, j in pairs):
            raise ValueError(
                "`direction` must join every pair of sites once, but on this lattice "
                f"{list(direction)} does not"
            )
        return pairs


class SiteField(StrictModel):
    """A Pauli matrix on all sites or on chosen ones, with an optional drive."""

    strength: Strength
    sites: Annotated[
        tuple[NonNegativeInt, ...] | None, Field(exclude_if=is_missing, min_length=1)
    ] = None
    drive: OptionalDrive = None

    def chosen(self, n_sites: int) -> tuple[int, ...]:
        """The sites; errors as of `Coupling.pairs`."""
        if self.sites is None:
            return tuple(range(n_sites))
        _check_sites("sites", self.sites, n_sites)
        if len(set(self.sites)) < len(self.sites):
            raise ValueError(f"`sites` must be different, but are {list(self.sites)}")
        return self.sites


def _check_sites(key: str, sites: Any, n_sites: int) -> None:
    if sites and max(sites) >= n_sites:
        raise ValueError(f"`{key}` must be in 0…{n_sites - 1}, but has {max(sites)}")


def _kind(value: Any) -> str:
    """A mapping with a strength, a list of such, or a strength alone."""
    if isinstance(value, Coupling | SiteField) or (isinstance(value, dict) and "strength" in value):
        return "one"
    if isinstance(value, list | tuple) and any(isinstance(e, dict | StrictModel) for e in value):
        return "several"
    return "plain"


#: A strength for all nearest-neighbour bonds; or which bonds; or a list of that.
Couplings = Annotated[
    Annotated[Strength, Tag("plain")]
    | Annotated[Coupling, Tag("one")]
    | Annotated[tuple[Coupling, ...], Tag("several")],
    Discriminator(_kind),
]
#: A strength for all sites; or which sites; or a list of that.
Fields = Annotated[
    Annotated[Strength, Tag("plain")]
    | Annotated[SiteField, Tag("one")]
    | Annotated[tuple[SiteField, ...], Tag("several")],
    Discriminator(_kind),
]


class Term(StrictModel):
    """strength · Pauli string on named sites, for what is not the same on every bond or site."""

    operators: Annotated[
        str,
        pattern("^[XYZ]{1,3}$", "one to three of X, Y, Z, such as Z or XY, one per site"),
    ]
    sites: tuple[NonNegativeInt, ...]
    strength: Real
    drive: OptionalDrive = None

    @model_validator(mode="after")
    def _check_sites(self) -> Self:
        if len(self.sites) != len(self.operators) or len(set(self.sites)) != len(self.sites):
            raise ValueError(
                f"`sites` must name one different site per letter of {self.operators!r}, "
                f"but is {list(self.sites)}"
            )
        return self
