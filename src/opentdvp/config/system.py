"""A physical system as data: lattice, Lindbladian, start state, times and observables."""

from typing import Annotated, Literal, Self, get_args

import numpy as np
from pydantic import BeforeValidator, Field, FiniteFloat, WithJsonSchema, model_validator

from opentdvp.config.base import NonNegative, Positive, PositiveInt, StrictModel

Axis = Literal["X", "Y", "Z"]
AxisPair = Annotated[str, Field(pattern="^[XYZ]{2}$")]
# Complex entries are written as numbers or as strings such as "0.5-2j".
Complex = Annotated[complex, WithJsonSchema({"type": ["number", "string"]})]
Row = tuple[Complex, Complex]
OperatorName = Literal["sigma_minus", "sigma_plus", "X", "Y", "Z"]
Site = Annotated[int, Field(ge=0)]


class Lattice(StrictModel):
    """A chain of N sites or a square lattice of Lx × Ly; site = x + Lx·y."""

    kind: Literal["chain", "square"]
    size: tuple[PositiveInt, ...]
    periodic: bool

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        dimensions = {"chain": 1, "square": 2}[self.kind]
        if len(self.size) != dimensions:
            raise ValueError(
                f"`size` of a {self.kind} must have {dimensions} entries, but is {list(self.size)}"
            )
        if min(self.size) < 2:
            raise ValueError(f"`size` must be at least 2 everywhere, but is {list(self.size)}")
        if self.periodic and min(self.size) < 3:
            raise ValueError(
                "a periodic `size` must be at least 3 (with 2 a pair would be joined twice), "
                f"but is {list(self.size)}; use periodic: false"
            )
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

    operators: Annotated[str, Field(pattern="^[XYZ]{1,2}$")]
    sites: tuple[Site, ...]
    strength: FiniteFloat

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
        names = ", ".join(get_args(OperatorName))
        raise ValueError(f"`operator` must be one of {names} or a 2×2 matrix, but is {value!r}")
    shape = np.shape(np.array(value, dtype=object))
    if shape != (2, 2):
        raise ValueError(f"`operator` must be a name or a 2×2 matrix, but has the shape {shape}")
    return value


JumpOperator = Annotated[OperatorName | tuple[Row, Row], BeforeValidator(_check_operator)]


class Jump(StrictModel):
    """A one-site jump operator L and its rate γ in γ(LρL† − ½{L†L, ρ}) (paper, eq. 3)."""

    operator: JumpOperator
    rate: NonNegative
    sites: tuple[Site, ...] | None = None


class Start(StrictModel):
    """Bloch vector (<X>, <Y>, <Z>) of every spin in the product start state."""

    X: FiniteFloat = 0.0
    Y: FiniteFloat = 0.0
    Z: FiniteFloat = 0.0

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        length = sum(r * r for r in self.bloch) ** 0.5
        if length > 1 + 1e-12:
            raise ValueError(
                f"the start state must lie in the Bloch sphere, but its length is {length:.6g}"
            )
        return self

    @property
    def bloch(self) -> tuple[float, float, float]:
        """The Bloch vector."""
        return (self.X, self.Y, self.Z)


class TimeGrid(StrictModel):
    """Equidistant times from 0 to `stop`, both included; dimensionless, as γt or Jt."""

    stop: Positive
    points: Annotated[int, Field(ge=2)]


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
        return self


class System(StrictModel):
    """An open quantum spin system, the same object for every solver (paper, eqs. 3, 6, 7)."""

    lattice: Lattice
    couplings: dict[AxisPair, FiniteFloat] = {}
    fields: dict[Axis, FiniteFloat] = {}
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
            if max(distances) > largest:
                raise ValueError(
                    f"`observables.correlators.{pair}` must have distances in 1…{largest} on this "
                    f"lattice, but has {max(distances)}"
                )
        return self
