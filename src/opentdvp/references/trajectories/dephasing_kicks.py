"""Dephasing as random kicks: an exact unravelling whose jumps do not depend on the state.

For L = Z, γ(ZρZ − ρ) is the average over flips ψ → Zψ of a spin at the constant rate γ: in a time t
it has been flipped an odd number of times with probability (1 − e^(−2γt))/2. Flips commute with
everything that is diagonal, so a Strang step of second order alternates diagonal phases with flips
and rotations by the fields along X and Y. What depends on the time is taken at the midpoint of each
step, which keeps the order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import compress
from typing import NamedTuple

import numpy as np

from opentdvp.config import DephasingSolver
from opentdvp.config.strengths import Drive
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model
from opentdvp.physics.spin import PAULI
from opentdvp.references.time_steps import Steps, stretches
from opentdvp.references.trajectories.pure_states import (
    Amplitudes,
    Simulator,
    halves,
    pure_start,
    spin_signs,
)

#: Sites whose rotations are multiplied to one matrix.
_TOGETHER = 4


@dataclass(frozen=True)
class _Phases:
    """Phases of half a time step, shape (2ᴺ,)."""

    half: np.ndarray

    @cached_property
    def whole(self) -> np.ndarray:
        return self.half**2

    def then(self, following: "_Phases") -> np.ndarray:
        """With those of half of the following step."""
        return self.whole if following is self else self.half * following.half


class _Step(NamedTuple):
    """One time step: phases, chances that a spin flips in half of it, rotations in all of it."""

    phases: _Phases
    chances: np.ndarray  # (N,)
    rotations: list[np.ndarray]  # of consecutive sites together


class _Part(NamedTuple):
    """What is constant, or multiplied by the same function of the time."""

    drive: Drive | None
    energies: np.ndarray | None  # (2ᴺ,), if any is not 0
    across: np.ndarray  # fields along X and Y, (N, 2)
    rates: np.ndarray  # (N,)

    def factor(self, time: float) -> float:
        return 1.0 if self.drive is None else self.drive(time)


# From the midpoint and the size of a time step.
_Builder = Callable[[float, float], _Step]


def check(model: Model) -> None:
    """Raise `ConfigError` unless all terms on several sites, and all jumps, are along Z."""
    if any(len(t.sites) > 1 and set(t.operators) != {"Z"} for t in model.terms):
        raise ConfigError(
            "`couplings` must be ZZ for dephasing kicks, and `terms` of three sites ZZZ, but are "
            "others too; use the method mcwf, moments, exact or exact_reduced."
        )
    if any(not j.is_local or _dephasing_rate(j.matrices[0]) is None for j in model.jumps):
        raise ConfigError(
            "`jumps` must be multiples of Z on one site each for dephasing kicks, but are not; use "
            "the method mcwf, moments, exact or exact_reduced."
        )


def simulator(model: Model, settings: DephasingSolver, times: np.ndarray) -> Simulator:
    """A function from random numbers to the states at all times of one trajectory.

    Up to each output time there are equal steps of at most the configured size, but for milestones
    of drives, which no step goes over.
    """
    steps = stretches(model.drives, times, settings.time_step)
    build, start = _builder([_part(*part) for part in model.parts()]), pure_start(model)

    def simulate(random: np.random.Generator) -> Iterator[Amplitudes]:
        psi = start
        for stretch in steps:
            if stretch:
                psi = _advance(psi, _each(build, stretch), random)
            yield psi

    return simulate


def _each(build: _Builder, stretch: tuple[Steps, ...]) -> Iterator[_Step]:
    for steps in stretch:
        for time in steps.starts.tolist():
            yield build(time + steps.size / 2, steps.size)


def _advance(psi: Amplitudes, steps: Iterator[_Step], random: np.random.Generator) -> Amplitudes:
    """The state after some steps."""

    def flips(step: _Step) -> np.ndarray:
        return random.random(len(step.chances)) < step.chances

    step = next(steps)
    psi = _along_z(psi, step.phases.half, flips(step))
    for following in steps:
        # The end of one step and the beginning of the next.
        flipped = flips(step) ^ flips(following)
        psi = _along_z(_rotate(psi, step), step.phases.then(following.phases), flipped)
        step = following
    return _along_z(_rotate(psi, step), step.phases.half, flips(step))


def _builder(parts: list[_Part]) -> _Builder:
    """Steps and phases are those of the step before where nothing has changed."""
    along = [part.energies is not None for part in parts]
    every_rate, every_field = ([p.rates for p in parts], [p.across for p in parts])

    # Only one at a time: with many sites each of them is large.
    @lru_cache(maxsize=1)
    def phases(factors: tuple[float, ...], size: float) -> _Phases:
        known = (part.energies for part in parts if part.energies is not None)
        energies = sum(f * one for f, one in zip(factors, known, strict=True))
        return _Phases(np.exp(-1j * energies * size / 2))

    @lru_cache(maxsize=1)
    def step(factors: tuple[float, ...], size: float) -> _Step:
        rates, across = (np.tensordot(factors, each, axes=1) for each in (every_rate, every_field))
        return _Step(
            phases=phases(tuple(compress(factors, along)), size),
            chances=(1 - np.exp(-rates * size)) / 2,
            rotations=_grouped([_rotation(field, size) for field in across]),
        )

    return lambda time, size: step(tuple(part.factor(time) for part in parts), size)


def _part(drive: Drive | None, model: Model) -> _Part:
    n_sites = model.n_sites
    energies = np.zeros((2,) * n_sites)
    across = np.zeros((n_sites, 2))
    for term in model.terms:
        if set(term.operators) == {"Z"}:
            where = [2 if site in term.sites else 1 for site in range(n_sites)]
            energies += term.strength * spin_signs(len(term.sites)).prod(axis=1).reshape(where)
        else:
            across[term.sites[0], "XY".index(term.operators)] += term.strength
    rates = np.zeros(n_sites)
    for jump in model.jumps:
        rates[jump.support[0]] += jump.rate * (_dephasing_rate(jump.matrices[0]) or 0.0)
    constant = drive is None
    return _Part(drive, energies.ravel() if constant or energies.any() else None, across, rates)


def _rotation(field: np.ndarray, size: float) -> np.ndarray:
    """exp(−i (h_x X + h_y Y) t)."""
    strength = float(np.linalg.norm(field))
    if strength == 0:
        return PAULI["I"]
    axis = (field[0] * PAULI["X"] + field[1] * PAULI["Y"]) / strength
    return np.cos(strength * size) * PAULI["I"] - 1j * np.sin(strength * size) * axis


def _grouped(rotations: list[np.ndarray]) -> list[np.ndarray]:
    firsts = range(0, len(rotations), _TOGETHER)
    return [reduce(np.kron, rotations[first : first + _TOGETHER]) for first in firsts]


def _rotate(psi: Amplitudes, step: _Step) -> Amplitudes:
    """All rotations; each time the sites that are done move behind the others."""
    for rotation in step.rotations:
        # Not (rotation @ psi).T, which has to be copied before the next one.
        psi = psi.reshape(len(rotation), -1).T @ rotation.T
    return psi.ravel()


def _along_z(psi: Amplitudes, phases: np.ndarray, flipped: np.ndarray) -> Amplitudes:
    """Phases, and flips of some spins."""
    psi = psi * phases
    if flipped.any():
        first, last = (spin_signs(len(half))[:, half].prod(axis=1) for half in halves(flipped))
        table = psi.reshape(len(first), len(last))
        table *= first[:, None]
        table *= last
    return psi


def _dephasing_rate(matrix: np.ndarray) -> float | None:
    """|c|² if the matrix is c·Z."""
    factor = matrix[0, 0]
    return float(abs(factor) ** 2) if np.allclose(matrix, factor * PAULI["Z"], atol=1e-12) else None
