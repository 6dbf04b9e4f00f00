"""A physical system as data: lattice, Lindbladian, start state, times and observables."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from opentdvp.config.base import FROZEN, FrozenDict, StrictModel, pattern
from opentdvp.config.expansion import named, written_out
from opentdvp.config.interactions import Coupling, Couplings, Fields, SiteField, Term
from opentdvp.config.jumps import Jump
from opentdvp.config.lattice import Lattice
from opentdvp.config.observables import Axis, Observables
from opentdvp.config.start import Start, Vector, bloch_vectors
from opentdvp.config.times import TimeGrid

#: Of two neighbours, or of three sites in a row.
CouplingName = Annotated[
    str, pattern("^[XYZ]{2,3}$", "two of X, Y, Z, such as XY, or three on a chain, such as ZXZ")
]


class System(StrictModel):
    """An open quantum spin system, the same object for every solver (paper, eqs. 3, 6, 7)."""

    lattice: Lattice
    couplings: Annotated[dict[CouplingName, Couplings], FROZEN, Field(validate_default=True)] = {}
    fields: Annotated[dict[Axis, Fields], FROZEN, Field(validate_default=True)] = {}
    terms: tuple[Term, ...] = ()
    jumps: tuple[Jump, ...] = ()
    start: Start
    time: TimeGrid
    observables: Observables = Observables()

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        """Every site, bond and list of strengths fits the lattice; what is random is drawn."""
        sites, last = self.lattice.geometry, self.lattice.n_sites - 1
        drawn = {
            "couplings": FrozenDict(
                (name, written_out(given, Coupling, f"couplings.{name}", name, sites))
                for name, given in self.couplings.items()
            ),
            "fields": FrozenDict(
                (name, written_out(given, SiteField, f"fields.{name}", name, sites))
                for name, given in self.fields.items()
            ),
            "jumps": tuple(
                named(f"jumps.{k}", jump.written_out, sites) for k, jump in enumerate(self.jumps)
            ),
        }
        for key, value in drawn.items():
            object.__setattr__(self, key, value)
        for k, term in enumerate(self.terms):
            if max(term.sites) > last:
                raise ValueError(
                    f"`terms.{k}.sites` must be in 0…{last}, but is {list(term.sites)}"
                )
        named("start", bloch_vectors, self.start, sites)
        return self

    @model_validator(mode="after")
    def _check_distances(self) -> Self:
        length = self.lattice.extent[0]
        largest = length // 2 if self.lattice.closed[0] else length - 1
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
        named("observables", self.observables.check, self.lattice.geometry)
        return self

    @property
    def bloch(self) -> tuple[Vector, ...]:
        """The Bloch vector of every site at time 0."""
        return bloch_vectors(self.start, self.lattice.geometry)
