"""Dephasing as random kicks: an exact unravelling whose jumps do not depend on the state.

For L = Z, γ(ZρZ − ρ) is the average over flips ψ → Zψ of a spin at the constant rate γ: in a time t
it has been flipped an odd number of times with probability (1 − e^(−2γt))/2. Flips commute with
everything that is diagonal, so a Strang step of second order alternates diagonal phases with flips
and rotations by the fields along X and Y.
"""

from collections.abc import Iterator
from functools import lru_cache, partial, reduce
from typing import NamedTuple

import numpy as np

from opentdvp.config import DephasingSolver
from opentdvp.errors import ConfigError
from opentdvp.physics.model import Model
from opentdvp.physics.spin import PAULI
from opentdvp.records.from_solver import output_intervals
from opentdvp.references.trajectories.pure_states import (
    Amplitudes,
    Simulator,
    halves,
    pure_start,
    spin_signs,
)

#: Sites whose rotations are multiplied to one matrix.
_TOGETHER = 4


class _Step(NamedTuple):
    """One time step: phases of half of it and all, chances that a spin flips in half of it."""

    half: np.ndarray  # (2ᴺ,)
    whole: np.ndarray  # (2ᴺ,)
    chances: np.ndarray  # (N,)
    rotations: list[np.ndarray]  # of consecutive sites together, for all of it


def check(model: Model) -> None:
    """Raise `ConfigError` unless couplings and jumps are along Z."""
    if any(term.operators != "ZZ" for term in model.terms if len(term.sites) == 2):
        raise ConfigError("`couplings` must be ZZ for dephasing kicks, but are others too.")
    if any(not j.is_local or _dephasing_rate(j.matrices[0]) is None for j in model.jumps):
        raise ConfigError("`jumps` must be multiples of Z for dephasing kicks, but are not.")


def simulator(model: Model, settings: DephasingSolver, times: np.ndarray) -> Simulator:
    """A function from random numbers to the states at all times of one trajectory.

    Up to each output time there are equal steps of at most the configured size.
    """
    intervals = output_intervals(times).tolist()
    start = pure_start(model)
    # Only one at a time: with many sites each of them is large.
    build = lru_cache(maxsize=1)(partial(_build_step, model))

    def simulate(random: np.random.Generator) -> Iterator[Amplitudes]:
        psi = start
        for interval in intervals:
            if interval > 0:
                count = max(1, int(np.ceil(interval / settings.time_step - 1e-9)))
                psi = _advance(psi, build(interval / count), count, random)
            yield psi

    return simulate


def _advance(psi: Amplitudes, step: _Step, count: int, random: np.random.Generator) -> Amplitudes:
    """The state after so many equal steps."""

    def flips() -> np.ndarray:
        return random.random(len(step.chances)) < step.chances

    psi = _along_z(psi, step.half, flips())
    for _ in range(count - 1):
        # The end of one step and the beginning of the next.
        flipped = flips() ^ flips()
        psi = _along_z(_rotate(psi, step), step.whole, flipped)
    return _along_z(_rotate(psi, step), step.half, flips())


def _build_step(model: Model, size: float) -> _Step:
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
    half = np.exp(-1j * energies.ravel() * size / 2)
    return _Step(
        half=half,
        whole=half**2,
        chances=(1 - np.exp(-rates * size)) / 2,
        rotations=_grouped([_rotation(field, size) for field in across]),
    )


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
