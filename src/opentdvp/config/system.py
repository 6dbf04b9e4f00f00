"""A physical system as data: lattice, Lindbladian, start state, times and observables."""

import re
from contextlib import suppress
from math import hypot
from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BeforeValidator, StrictBool, WithJsonSchema, model_validator

from opentdvp.config.base import (
    LARGEST,
    NonNegative,
    NonNegativeInt,
    PositiveInt,
    Real,
    StrictModel,
    one_of,
    pattern,
)
from opentdvp.config.times import TimeGrid

Axis = Literal["X", "Y", "Z"]
AxisPair = Annotated[str, pattern("^[XYZ]{2}$", "two of X, Y, Z, such as XY")]
# Complex entries are written as numbers or as strings such as "0.5-2j".
Complex = Annotated[complex, WithJsonSchema({"type": ["number", "string"]})]
Row = tuple[Complex, Complex]
#: Far more than any solver can do.
MOST_SITES = 10_000
OperatorName = Literal["sigma_minus", "sigma_plus", "X", "Y", "Z"]


class Lattice(StrictModel):
    """A chain of N sites or a square lattice of Lx × Ly; site = x + Lx·y."""

    kind: Literal["chain", "square"]
    size: tuple[PositiveInt, ...]
    periodic: StrictBool

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        dimensions = {"chain": 1, "square": 2}[self.kind]
        if len(self.size) != dimensions:
            raise ValueError(
                f"`size` of a {self.kind} must have {dimensions} entries, but is {list(self.size)}"
            )
        if min(self.size) < 2 and self.size != (1,):
            raise ValueError(
                f"`size` must be [1], or at least 2 everywhere, but is {list(self.size)}"
            )
        if self.periodic and min(self.size) < 3:
            raise ValueError(
                "a periodic `size` must be at least 3 (with 2 a pair would be joined twice), "
                f"but is {list(self.size)}; use periodic: false"
            )
        if self.n_sites > MOST_SITES:
            raise ValueError(f"`size` must be at most {MOST_SITES} sites, but is {self.n_sites}")
        return self

    @property
    def n_sites(self) -> int:
        """Number of spins."""
        sites = 1
        for length in self.size:
            sites *= length
        return sites


class Term(StrictModel):
    """strength · Pauli string on named sites, for what is not the same on every bond or site."""

    operators: Annotated[
        str,
        pattern("^[XYZ]{1,2}$", "one or two of X, Y, Z, such as Z or XY, one per site"),
    ]
    sites: tuple[NonNegativeInt, ...]
    strength: Real

    @model_validator(mode="after")
    def _check_sites(self) -> Self:
        if len(self.sites) != len(self.operators) or len(set(self.sites)) != len(self.sites):
            raise ValueError(
                f"`sites` must name one different site per letter of {self.operators!r}, "
                f"but is {list(self.sites)}"
            )
        return self


def _check_operator(value: object) -> object:
    """One clear error instead of one per member of the union."""
    if isinstance(value, str):
        if value in get_args(OperatorName):
            return value
        raise ValueError(one_of(value, [*get_args(OperatorName), "a 2×2 matrix"]))
    shape = np.shape(np.array(value, dtype=object))
    if shape != (2, 2):
        given = f"has the shape {shape}" if shape else f"is {str(value)[:80]}"
        raise ValueError(f"must be a name or a 2×2 matrix, but {given}")
    matrix = tuple(tuple(_complex(entry) for entry in row) for row in value)  # type: ignore[attr-defined]
    if not any(map(any, matrix)):
        raise ValueError("must not be zero everywhere, but is (leave the jump out)")
    return matrix


def _complex(entry: object) -> complex:
    """A number, or one that is written as `0.5-2j`, with i or j, and spaces around the sign."""
    number = complex("inf")
    with suppress(ValueError, OverflowError):
        if isinstance(entry, str) and re.fullmatch(r"[0-9.eEij+\- ]+", entry):
            number = complex(re.sub(" *([+-]) *", r"\1", entry.strip().replace("i", "j")))
        elif isinstance(entry, int | float | complex) and not isinstance(entry, bool):
            number = complex(entry)
    if not hypot(number.real, number.imag) <= LARGEST:  # NaN is not, either
        raise ValueError(
            f'must hold finite numbers such as 2, 0.5, "1j" or "0.5-2j", but holds {entry!r}'
        )
    return number


JumpOperator = Annotated[OperatorName | tuple[Row, Row], BeforeValidator(_check_operator)]


class Jump(StrictModel):
    """A one-site jump operator L and its rate γ in γ(LρL† − ½{L†L, ρ}) (paper, eq. 3)."""

    operator: JumpOperator
    rate: NonNegative
    sites: tuple[NonNegativeInt, ...] | None = None

    @model_validator(mode="after")
    def _check_sites(self) -> Self:
        if self.sites is not None and not 0 < len(self.sites) == len(set(self.sites)):
            raise ValueError(
                f"`sites` must name different sites, at least one, but is {list(self.sites)} "
                "(leave it out for all sites)"
            )
        return self


#: How far the length of a Bloch vector may be from 1 and still mean a pure state.
ROUNDING = 1e-6


class Start(StrictModel):
    """Bloch vector (<X>, <Y>, <Z>) of every spin in the product start state.

    One that is as long as 1 but for the rounding of its digits is made exactly as long.
    """

    X: Real = 0.0
    Y: Real = 0.0
    Z: Real = 0.0

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if not self.model_fields_set:
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
    def bloch(self) -> tuple[float, float, float]:
        """The Bloch vector."""
        return (self.X, self.Y, self.Z)


class Observables(StrictModel):
    """Site-averaged Pauli expectation values and connected correlators along x."""

    magnetization: tuple[Axis, ...] = ("X", "Y", "Z")
    correlators: dict[AxisPair, tuple[PositiveInt, ...]] = {}

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        lists = {"magnetization": self.magnetization} | self.correlators
        for name, entries in lists.items():
            if len(set(entries)) != len(entries) or (name != "magnetization" and not entries):
                raise ValueError(f"`{name}` must list different entries, but is {list(entries)}")
        if not any(lists.values()):
            raise ValueError("must have something to observe, but has nothing")
        return self


class System(StrictModel):
    """An open quantum spin system, the same object for every solver (paper, eqs. 3, 6, 7)."""

    lattice: Lattice
    couplings: dict[AxisPair, Real] = {}
    fields: dict[Axis, Real] = {}
    terms: tuple[Term, ...] = ()
    jumps: tuple[Jump, ...] = ()
    start: Start
    time: TimeGrid
    observables: Observables

    @model_validator(mode="after")
    def _check_sites(self) -> Self:
        last = self.lattice.n_sites - 1
        named = {f"terms.{k}": term.sites for k, term in enumerate(self.terms)}
        named |= {f"jumps.{k}": jump.sites or () for k, jump in enumerate(self.jumps)}
        for key, sites in named.items():
            if sites and max(sites) > last:
                raise ValueError(f"`{key}.sites` must be in 0…{last}, but is {list(sites)}")
        return self

    @model_validator(mode="after")
    def _check_distances(self) -> Self:
        length = self.lattice.size[0]
        largest = length // 2 if self.lattice.periodic else length - 1
        for pair, distances in self.observables.correlators.items():
            if largest == 0:
                raise ValueError(
                    f"`observables.correlators.{pair}` must be left out on a lattice of one site, "
                    "but is there"
                )
            if max(distances) > largest:
                raise ValueError(
                    f"`observables.correlators.{pair}` must have distances in 1…{largest} on this "
                    f"lattice, but has {max(distances)}"
                )
        return self
