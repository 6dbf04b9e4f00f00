"""What is observed: site averages, and functions of the expectation values of Pauli strings."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from math import pi
from operator import not_
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from opentdvp.config.base import (
    FROZEN,
    NonNegativeInt,
    PositiveInt,
    Real,
    StrictModel,
    pattern,
)
from opentdvp.geometry.lattice import Lattice

Axis = Literal["X", "Y", "Z"]
AxisPair = Annotated[str, pattern("^[XYZ]{2}$", "two of X, Y, Z, such as XY")]
Quantity = Literal["purity", "entropy", "smallest_eigenvalue"]

#: Pauli matrices by site, sites ascending; without any, the identity.
PauliString = tuple[tuple[int, str], ...]

#: Labels along every axis of an observable but the first, which is the time, by its name.
Labels = Mapping[str, tuple[int | str, ...]]


#: An observable at a distance along x, which is 0 for all but correlators.
CurveKey = tuple[str, int]


def curve_keys(name: str, labels: Labels) -> list[CurveKey]:
    """The curves of an observable with labels, such as ("Z_i[3]", 0)."""
    if not labels:
        return [(name, 0)]
    return [(f"{name}[{', '.join(map(str, entry))}]", 0) for entry in product(*labels.values())]


def parsed(text: str) -> PauliString:
    """The Pauli string of a text such as "X@1 Z@4"."""
    return tuple(sorted((int(part[2:]), part[0]) for part in text.split()))


def _ordered(text: str) -> str:
    """With its sites ascending, so that equal strings are written in one way."""
    string = parsed(text)
    if len({site for site, _ in string}) != len(string):
        raise ValueError(f"must have each site once, but is {text}")
    return written(string)


def written(string: PauliString) -> str:
    """The text of a Pauli string."""
    return " ".join(f"{letter}@{site}" for site, letter in string)


StringText = Annotated[
    str,
    pattern("^[XYZ]@[0-9]{1,6}( [XYZ]@[0-9]{1,6})*$", "letters at sites, such as Z@3 or X@1 Z@4"),
    AfterValidator(_ordered),
]
Offset = Annotated[tuple[Annotated[int, Field(strict=True)], ...], Field(min_length=1)]
#: In units of the inverse lattice constant.
Angle = (
    Real
    | Annotated[str, pattern(r"^-?([0-9]+\*)?pi(/[1-9][0-9]*)?$", "a number, or such as 2*pi/5")]
)
Momentum = Angle | Annotated[tuple[Angle, ...], Field(min_length=1)]


def components(momentum: Momentum) -> tuple[float, ...]:
    """The numbers of a momentum."""
    parts = momentum if isinstance(momentum, tuple) else (momentum,)
    return tuple(_radians(part) for part in parts)


def _radians(angle: Angle) -> float:
    if not isinstance(angle, str):
        return float(angle)
    found = re.fullmatch(r"(-?)(?:(\d+)\*)?pi(?:/(\d+))?", angle)
    assert found is not None
    sign, times, share = found.groups()
    return (-1 if sign else 1) * int(times or 1) * pi / int(share or 1)


class DensityMatrices(StrictModel):
    """Functions of the density matrices of one site or two."""

    sites: Annotated[
        tuple[Annotated[tuple[NonNegativeInt, ...], Field(min_length=1, max_length=2)], ...],
        Field(min_length=1),
    ]
    quantities: Annotated[tuple[Quantity, ...], Field(min_length=1)] = (
        "purity",
        "entropy",
        "smallest_eigenvalue",
    )


class Observables(StrictModel):
    """Site averages, and what else follows from the expectation values of Pauli strings.

    `magnetization` and `correlators` are averaged over the sites, the latter connected and at
    distances along x. Of the others, `strings` are expectation values, `profiles` have a value for
    every site, `correlation_matrices` connected correlators <A_i B_j> − <A_i><B_j> of all pairs,
    `displacements` their average over all pairs at an offset on the grid, `structure_factors` are
    1/N Σ_ij e^(ik(r_i − r_j)) <A_i B_j>, `energy` is <H> at every time, and `currents` are what
    flows through every bond.
    """

    magnetization: tuple[Axis, ...] = ("X", "Y", "Z")
    correlators: Annotated[
        dict[AxisPair, tuple[PositiveInt, ...]], FROZEN, Field(validate_default=True)
    ] = {}
    strings: Annotated[tuple[StringText, ...], Field(exclude_if=not_)] = ()
    profiles: Annotated[tuple[Axis, ...], Field(exclude_if=not_)] = ()
    correlation_matrices: Annotated[tuple[AxisPair, ...], Field(exclude_if=not_)] = ()
    displacements: Annotated[
        dict[AxisPair, tuple[Offset, ...]],
        FROZEN,
        Field(exclude_if=not_, validate_default=True),
    ] = {}
    structure_factors: Annotated[
        dict[AxisPair, tuple[Momentum, ...]],
        FROZEN,
        Field(exclude_if=not_, validate_default=True),
    ] = {}
    energy: Annotated[bool, Field(strict=True, exclude_if=not_)] = False
    currents: Annotated[tuple[Axis, ...], Field(exclude_if=not_)] = ()
    density_matrices: Annotated[DensityMatrices | None, Field(exclude_if=not_)] = None

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        for name, entries, may_be_empty in self._lists():
            if len(set(entries)) != len(entries) or not (entries or may_be_empty):
                raise ValueError(f"`{name}` must list different entries, but is {list(entries)}")
        if not any(entries for _, entries, _ in self._lists()) and not self.energy:
            raise ValueError("must have something to observe, but has nothing")
        return self

    def _lists(self) -> Iterator[tuple[str, tuple[Any, ...], bool]]:
        """Name, entries, and whether there may be none."""
        for name in ("magnetization", "strings", "profiles", "correlation_matrices", "currents"):
            yield name, getattr(self, name), True
        yield from ((pair, distances, False) for pair, distances in self.correlators.items())
        for name in ("displacements", "structure_factors"):
            for pair, entries in getattr(self, name).items():
                yield f"{name}.{pair}", entries, False
        if self.density_matrices is not None:
            yield "density_matrices.sites", self.density_matrices.sites, False
            yield "density_matrices.quantities", self.density_matrices.quantities, False

    def labels(self, lattice: Lattice) -> dict[str, Labels]:
        """Names of all observables but the site averages, with the labels of their axes."""
        sites = tuple(range(lattice.n_sites))
        found: dict[str, Labels] = {name: {} for name in self.strings}
        found |= {f"{axis}_i": {"site": sites} for axis in self.profiles}
        found |= {
            f"C_{pair}_ij": {"site": sites, "other_site": sites}
            for pair in self.correlation_matrices
        }
        found |= {
            f"C_{pair}_r": {"displacement": tuple(map(_text, offsets))}
            for pair, offsets in self.displacements.items()
        }
        found |= {
            f"S_{pair}": {"momentum": tuple(map(_text, momenta))}
            for pair, momenta in self.structure_factors.items()
        }
        if self.energy:
            found["energy"] = {}
        found |= {f"J_{axis}": {"bond": tuple(map(_text, lattice.bonds))} for axis in self.currents}
        if self.density_matrices is not None:
            places = tuple(map(_text, self.density_matrices.sites))
            found |= {name: {"subsystem": places} for name in self.density_matrices.quantities}
        return found

    def check(self, lattice: Lattice) -> None:
        """Raise `ValueError` for what the lattice does not have; it needs `observables.` before."""
        last = lattice.n_sites - 1
        listed = {f"strings.{k}": [i for i, _ in parsed(s)] for k, s in enumerate(self.strings)}
        places = self.density_matrices.sites if self.density_matrices else ()
        listed |= {f"density_matrices.sites.{k}": list(given) for k, given in enumerate(places)}
        for key, sites in listed.items():
            if max(sites) > last or len(set(sites)) < len(sites):
                raise ValueError(f"`{key}` must have different sites in 0…{last}, but has {sites}")
        for pair, offsets in self.displacements.items():
            for offset in offsets:
                _check_offset(f"displacements.{pair}", offset, lattice)
        for pair, momenta in self.structure_factors.items():
            for momentum in momenta:
                _check_momentum(f"structure_factors.{pair}", momentum, lattice)
        if self.currents and not lattice.bonds:
            raise ValueError("`currents` must be left out on a lattice without bonds, but is there")


def _text(entry: Any) -> str:
    return ", ".join(map(str, entry)) if isinstance(entry, tuple) else str(entry)


def _check_offset(key: str, offset: tuple[int, ...], lattice: Lattice) -> None:
    axes = len(lattice.shape)
    if len(offset) != axes:
        raise ValueError(
            f"`{key}` must have offsets of {axes} whole numbers on this lattice, but has "
            f"{list(offset)}"
        )
    pairs = lattice.displaced(offset)
    if not pairs or any(i == j for i, j in pairs):
        raise ValueError(
            f"`{key}` must have offsets from one site to another, but has {list(offset)}"
        )


def _check_momentum(key: str, momentum: Momentum, lattice: Lattice) -> None:
    given = components(momentum)
    axes = len(lattice.shape) if lattice.graph is None else 2
    if len(given) != axes and not (lattice.graph is not None and len(given) == 1):
        raise ValueError(
            f"`{key}` must have momenta of {axes} numbers on this lattice, but has "
            f"{_text(momentum)}"
        )
