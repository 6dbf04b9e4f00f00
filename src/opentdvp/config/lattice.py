"""Lattices as data; `geometry` has the sites and bonds of each."""

from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, model_validator

from opentdvp.config.base import NonNegativeInt, PositiveInt, Real, StrictModel, is_missing
from opentdvp.geometry import kinds
from opentdvp.geometry.lattice import Lattice as Sites

#: Far more than any solver can do.
MOST_SITES = 10_000

#: Axes of each kind of lattice.
_AXES = {"chain": 1, "ladder": 2, "square": 2, "triangular": 2, "honeycomb": 2, "graph": 1}

Position = tuple[Real, Real] | tuple[Real]
Bond = tuple[NonNegativeInt, NonNegativeInt]


class Lattice(StrictModel):
    """Sites and their bonds; site = x + Lx·y.

    `size` counts sites: N of a chain, length and legs of a ladder, Lx and Ly of a square or
    triangular lattice; of a honeycomb, cells of two sites. `periodic` holds for all axes, or is a
    list with one entry for each; the legs of a ladder are never joined to a ring. A `graph` has
    `sites`, a list of positions, and `bonds`, pairs of their numbers.
    """

    kind: Literal["chain", "ladder", "square", "triangular", "honeycomb", "graph"]
    size: Annotated[tuple[PositiveInt, ...] | None, Field(exclude_if=is_missing)] = None
    periodic: Annotated[
        StrictBool | tuple[StrictBool, ...] | None, Field(exclude_if=is_missing)
    ] = None
    sites: Annotated[tuple[Position, ...] | None, Field(exclude_if=is_missing)] = None
    bonds: Annotated[tuple[Bond, ...] | None, Field(exclude_if=is_missing)] = None

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        own, others = ("sites", "bonds"), ("size", "periodic")
        required, foreign = (own, others) if self.kind == "graph" else (others, own)
        for key in required:
            if getattr(self, key) is None:
                raise ValueError(f"`{key}` is required for a {self.kind}, but is missing")
        for key in foreign:
            if getattr(self, key) is not None:
                raise ValueError(f"`{key}` must be left out for a {self.kind}, but is there")
        return self

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if self.size is None:
            return self
        axes = _AXES[self.kind]
        if len(self.size) != axes:
            raise ValueError(
                f"`size` of a {self.kind} must have {axes} entries, but is {list(self.size)}"
            )
        closed = self.closed
        if len(closed) != axes:
            raise ValueError(
                f"`periodic` of a {self.kind} must be true, false or a list of {axes} of them, "
                f"but is {list(closed)}"
            )
        if min(self.size) < 2 and self.size != (1,):
            raise ValueError(
                f"`size` must be [1], or at least 2 everywhere, but is {list(self.size)}"
            )
        least = 2 if self.kind == "honeycomb" else 3
        if any(joins and n < least for joins, n in zip(closed, self.size, strict=True)):
            raise ValueError(
                f"a periodic `size` must be at least {least} (or a pair would be joined twice), "
                f"but is {list(self.size)}; use periodic: false"
            )
        return self

    @model_validator(mode="after")
    def _check_graph(self) -> Self:
        for number, (i, j) in enumerate(self.bonds or ()):
            count = len(self.sites or ())
            if i == j or max(i, j) >= count:
                raise ValueError(
                    f"`bonds.{number}` must join two different sites in 0…{count - 1}, "
                    f"but is {[i, j]}"
                )
        pairs = {frozenset(bond) for bond in self.bonds or ()}
        if len(pairs) < len(self.bonds or ()):
            raise ValueError("`bonds` must have every pair once, but have one of them twice")
        if self.sites is not None and not self.sites:
            raise ValueError("`sites` must have at least one entry, but is empty")
        return self

    @model_validator(mode="after")
    def _check_count(self) -> Self:
        if self.n_sites > MOST_SITES:
            raise ValueError(f"`size` must be at most {MOST_SITES} sites, but is {self.n_sites}")
        return self

    @property
    def closed(self) -> tuple[bool, ...]:
        """Whether each axis is periodic."""
        if isinstance(self.periodic, tuple):
            return self.periodic
        joins = bool(self.periodic)
        return (joins, False) if self.kind == "ladder" else (joins,) * _AXES[self.kind]

    @property
    def extent(self) -> tuple[int, ...]:
        """Sites along each axis; all of them of a graph."""
        if self.size is None:
            return (len(self.sites or ()),)
        return (2 * self.size[0], self.size[1]) if self.kind == "honeycomb" else self.size

    @property
    def n_sites(self) -> int:
        """Number of spins."""
        sites = 1
        for length in self.extent:
            sites *= length
        return sites

    @property
    def geometry(self) -> Sites:
        """Sites with their neighbours."""
        return _geometry(self)


# Not in the model itself, whose copies with other sizes would keep it.
@lru_cache(maxsize=16)
def _geometry(lattice: Lattice) -> Sites:
    if lattice.size is None:
        return kinds.graph(lattice.sites or (), lattice.bonds or ())
    if lattice.kind == "chain":
        return kinds.chain(lattice.size[0], lattice.closed[0])
    make = {"triangular": kinds.triangular, "honeycomb": kinds.honeycomb}
    (length, width), (along, across) = lattice.size, lattice.closed
    return make.get(lattice.kind, kinds.square)((length, width), (along, across))
