"""The product start state as data: one Bloch vector for all sites, one for each, or a pattern."""

from math import hypot
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator

from opentdvp.config.base import Real, StrictModel
from opentdvp.geometry.lattice import Lattice

Vector = tuple[float, float, float]

#: How far the length of a Bloch vector may be from 1 and still mean a pure state.
ROUNDING = 1e-6


class Bloch(StrictModel):
    """Bloch vector (<X>, <Y>, <Z>) of a spin in the product start state.

    One that is as long as 1 but for the rounding of its digits is made exactly as long; a shorter
    one is a mixed state.
    """

    X: Real = 0.0
    Y: Real = 0.0
    Z: Real = 0.0

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if not self.model_fields_set & {"X", "Y", "Z"}:
            raise ValueError("must have one of X, Y, Z, such as {Z: 1}, but has none")
        length = hypot(*self.bloch)
        if length > 1 + ROUNDING:
            raise ValueError(
                f"must lie in the Bloch sphere, but its length is {length:.9g} (a pure state needs "
                "six digits)"
            )
        # What is exact is left alone, so that a deck that is read again stays the same.
        if 1e-12 < abs(length - 1) <= ROUNDING:
            for axis, component in zip("XYZ", self.bloch, strict=True):
                object.__setattr__(self, axis, component / length)
        return self

    @property
    def bloch(self) -> Vector:
        """The Bloch vector."""
        return (self.X, self.Y, self.Z)

    @property
    def opposite(self) -> Vector:
        """That of the opposite spin."""
        return (-self.X or 0.0, -self.Y or 0.0, -self.Z or 0.0)

    def by_site(self, lattice: Lattice) -> tuple[Vector, ...]:
        """The Bloch vector of every site."""
        return (self.bloch,) * lattice.n_sites


class Flipped(Bloch):
    """A Bloch vector, and its opposite on half of the sites.

    `neel`: on every other site, such that neighbours are opposite; `domain_wall`: in the half with
    the larger x.
    """

    pattern: Literal["neel", "domain_wall"]

    def by_site(self, lattice: Lattice) -> tuple[Vector, ...]:
        """The Bloch vector of every site.

        Raises
        ------
        ValueError
            If no pattern has neighbours that are opposite everywhere.
        """
        if self.pattern == "neel":
            colours = lattice.two_colours()
            if colours is None:
                raise ValueError(
                    "must not be neel on a lattice with a closed way of an odd number of bonds; "
                    "use a list of Bloch vectors"
                )
            flipped = colours == 1
        else:
            x = lattice.positions[:, 0] if lattice.graph is not None else _along(lattice)
            flipped = x > (x.min() + x.max()) / 2
        return tuple(self.opposite if flip else self.bloch for flip in flipped.tolist())


def _along(lattice: Lattice) -> np.ndarray:
    """The coordinate of every site along x, on the grid."""
    return np.arange(lattice.n_sites) % lattice.shape[0]


class Sublattices(StrictModel):
    """Bloch vectors that repeat from site to site: along x + y, or in the unit cell."""

    pattern: Literal["sublattices"]
    states: Annotated[tuple[Bloch, ...], Field(min_length=1)]

    def by_site(self, lattice: Lattice) -> tuple[Vector, ...]:
        """The Bloch vector of every site."""
        width = lattice.shape[0]
        rows = 0 if lattice.cell > 1 else 1
        number = [site % width + rows * (site // width) for site in range(lattice.n_sites)]
        return tuple(self.states[k % len(self.states)].bloch for k in number)


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "each"
    name = value.get("pattern") if isinstance(value, dict) else getattr(value, "pattern", None)
    if name is None:
        return "one"
    return "sublattices" if name == "sublattices" else "flipped"


Start = Annotated[
    Annotated[Bloch, Tag("one")]
    | Annotated[tuple[Bloch, ...], Tag("each")]
    | Annotated[Flipped, Tag("flipped")]
    | Annotated[Sublattices, Tag("sublattices")],
    Discriminator(_kind),
]


def bloch_vectors(start: Any, lattice: Lattice) -> tuple[Vector, ...]:
    """The Bloch vector of every site.

    Raises
    ------
    ValueError
        If a list has another length than the lattice has sites, or a pattern does not fit.
    """
    if not isinstance(start, tuple):
        return tuple(start.by_site(lattice))
    if len(start) != lattice.n_sites:
        raise ValueError(
            f"must have {lattice.n_sites} entries, one for each site, but has {len(start)}"
        )
    return tuple(entry.bloch for entry in start)
