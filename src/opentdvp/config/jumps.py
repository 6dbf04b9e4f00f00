"""Jumps as data: an operator on one site or two, and its rate; or one with a matrix of rates."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from opentdvp.config.base import NonNegativeInt, StrictModel, is_missing
from opentdvp.config.interactions import Coupling
from opentdvp.config.lattice import Bond
from opentdvp.config.operators import Complex, JumpOperator, sites_of
from opentdvp.config.strengths import Alternating, Drawn, OptionalDrive, Strength, numbers
from opentdvp.geometry.lattice import Lattice

#: Eigenvalues of a matrix of rates may be so much below zero by rounding, relative to the largest.
_ROUNDING = 1e-9


class Jump(StrictModel):
    """A jump operator L and its rate γ in γ(LρL† − ½{L†L, ρ}) (paper, eq. 3).

    One site: on every site, or on those in `sites`. Two sites: on every nearest-neighbour bond, or
    on `bonds`, with the first operator on the first site. `rate`
    may be a list with one rate for each of them. With `rates`, a Hermitian matrix γ_ij without
    negative eigenvalues, in place of `rate`: Σ γ_ij(L_i ρ L_j† − ½{L_j†L_i, ρ}) over all `sites`.
    """

    operator: JumpOperator
    rate: Annotated[Strength | None, Field(exclude_if=is_missing)] = None
    rates: Annotated[tuple[tuple[Complex, ...], ...] | None, Field(exclude_if=is_missing)] = None
    sites: tuple[NonNegativeInt, ...] | None = None
    bonds: Annotated[Literal["nearest"] | tuple[Bond, ...] | None, Field(exclude_if=is_missing)] = (
        None
    )
    drive: OptionalDrive = None

    @property
    def is_pair(self) -> bool:
        """Whether the operator acts on two sites."""
        return sites_of(self.operator) == 2

    @model_validator(mode="after")
    def _check_sites(self) -> Self:
        if self.sites is not None and not 0 < len(self.sites) == len(set(self.sites)):
            raise ValueError(
                f"`sites` must name different sites, at least one, but is {list(self.sites)} "
                "(leave it out for all sites)"
            )
        if self.is_pair and self.sites is not None:
            raise ValueError("`sites` must be left out for an operator on two sites; use `bonds`")
        if not self.is_pair and self.bonds is not None:
            raise ValueError("`bonds` must be left out for an operator on one site; use `sites`")
        return self

    @model_validator(mode="after")
    def _check_rates(self) -> Self:
        if (self.rate is None) == (self.rates is None):
            raise ValueError("`rate` is required, or a matrix `rates` in its place")
        least = self._least_rate()
        if least < 0:
            raise ValueError(f"`rate` must be at least 0, but is {least:g}")
        if self.drive is not None and self.drive.bounds[0] < 0:
            raise ValueError(
                "`drive` must never be negative for a rate, but is "
                f"{self.drive.bounds[0]:g} at some time"
            )
        if self.rates is not None:
            self._check_matrix(np.array(self.rates, dtype=object))
        return self

    def _least_rate(self) -> float:
        if isinstance(self.rate, tuple):
            return min(self.rate, default=0.0)
        if isinstance(self.rate, Alternating):
            return min(self.rate.alternating)
        if isinstance(self.rate, Drawn):
            return min(self.rate.uniform or (0.0,))
        return float(self.rate or 0.0)

    def _check_matrix(self, given: np.ndarray) -> None:
        if self.is_pair:
            raise ValueError("`rates` must be of an operator on one site, but it acts on two")
        if given.ndim != 2 or given.shape[0] != given.shape[1]:
            raise ValueError(f"`rates` must be a square matrix, but has the shape {given.shape}")
        matrix = given.astype(complex)
        scale = np.abs(matrix).max()
        if not np.allclose(matrix, matrix.conj().T, rtol=0, atol=_ROUNDING * scale):
            raise ValueError("`rates` must be Hermitian, but γ_ij is not the conjugate of γ_ji")
        least = float(np.linalg.eigvalsh(matrix)[0])
        if least < -_ROUNDING * scale:
            raise ValueError(
                f"`rates` must have no negative eigenvalue, but one is {least:.6g}: no such decay "
                "is possible"
            )

    def places(self, lattice: Lattice) -> tuple[tuple[int, ...], ...]:
        """The sites of every operator: one each, or two.

        Raises
        ------
        ValueError
            If one is not there; it needs the key of the jump before it.
        """
        if self.is_pair:
            chosen_bonds = self.bonds if isinstance(self.bonds, tuple) else None
            return Coupling.model_construct(strength=1.0, bonds=chosen_bonds).pairs(lattice)
        chosen = range(lattice.n_sites) if self.sites is None else self.sites
        if max(chosen) >= lattice.n_sites:
            raise ValueError(f"`sites` must be in 0…{lattice.n_sites - 1}, but is {list(chosen)}")
        if self.rates is not None and len(self.rates) != len(chosen):
            raise ValueError(
                f"`rates` must have {len(chosen)} rows, one for each site, "
                f"but has {len(self.rates)}"
            )
        return tuple((site,) for site in chosen)

    def each(self, count: int) -> tuple[float, ...]:
        """The rate of each of so many operators; errors as of `places`."""
        try:
            found = numbers(self.rate, count)
        except ValueError as error:
            raise ValueError(f"`rate` {error}") from error
        if min(found, default=0.0) < 0:
            raise ValueError(f"`rate` must be at least 0, but one that is drawn is {min(found):g}")
        return found

    def written_out(self, lattice: Lattice) -> Self:
        """The jump with numbers in place of random rates; errors as of `places`."""
        places = self.places(lattice)
        if self.rates is not None:
            return self
        rates = self.each(len(places))
        return self.model_copy(update={"rate": rates}) if isinstance(self.rate, Drawn) else self
